"""A chart of eight colors as a video."""

import av
import numpy as np

# 8 patches of 16 x 16 pixels: red, green, blue, cyan, magenta, yellow, white, dark gray.
CHART = np.array(
    """200 30 30  30 200 30  30 30 200  30 190 190
    190 30 190  190 190 30  235 235 235  50 50 50""".split(),
    np.uint8,
).reshape(8, 3)


def chart(columns=4, patch=16):
    """RGB uint8 [H, W, 3]: the patches row by row."""
    rows = CHART.reshape(-1, columns, 3)
    return rows.repeat(patch, axis=0).repeat(patch, axis=1)


def coded_chart(path, codec, pixel_format, *, options=None, rgb=None, tags=(), num_frames=3):
    """A lossless video of the chart; `tags` are code points of (matrix, range)."""
    rgb = chart() if rgb is None else rgb
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = rgb.shape[:2]
        stream.pix_fmt = pixel_format
        frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
        if pixel_format.startswith(("yuv", "nv")):
            matrix, color_range = tags or (1, 1)
            frame = frame.reformat(format=pixel_format, dst_colorspace=matrix, dst_color_range=color_range)
            context = stream.codec_context
            context.colorspace, context.color_range = (9 if matrix == 9 else matrix), color_range
        for number in range(num_frames):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
