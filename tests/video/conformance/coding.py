"""Undamaged samples by how they are coded, and the words by which backends refuse."""

from edits import from_keyframe, hidden
from sample import NUM_FRAMES, Sample, coded, edited

COUNTED = dict.fromkeys(("opencv", "nvdec"), "no reliable presentation times")
INTERLACED = dict.fromkeys(("opencv", "nvdec"), "is interlaced")
IN_TS = {"opencv": "in a mpegts container"}
VARIABLE = {"opencv": "variable frame rate"}
GRADUAL = {"opencv": "refreshes gradually"}
NO_10_BIT = {"opencv": "not 8-bit 4:2:0"}
NOT_420 = {"opencv": "not 8-bit 4:2:0", "nvdec": "not 4:2:0"}
# What a chip may lack, by its own answer.
NOT_ON_ALL_GPUS = {"nvdec": "this GPU does not decode"}

# The wheels of OpenCV 5.0 hold no decoder of AV1 in software.
NOT_IN_ALL_OPENCV = {"opencv": "is not read by OpenCV"}


def not_on_gpus(codec: str) -> dict[str, str]:
    return {"nvdec": f"is coded as {codec}"}


def x264(**options: object) -> dict[str, str]:
    """Options of libx264; fixed intervals, so that its choice of frame types does not depend on version."""
    options = {"scenecut": 0, "b-adapt": 0, **options}
    return {"x264-params": ":".join(f"{name.replace('_', '-')}={value}" for name, value in options.items())}


def x265(**options: object) -> dict[str, str]:
    options = {"scenecut": 0, "b-adapt": 0, **options}
    return {"x265-params": ":".join(f"{name.replace('_', '-')}={value}" for name, value in options.items())}


OPEN = x264(open_gop=1, keyint=12, bframes=3)
OPEN_HEVC = x265(open_gop=1, bframes=3)

H264 = [
    Sample(name="no-b.mp4", make=coded(options=x264(keyint=12, bframes=0))),
    Sample(name="every-frame-a-keyframe.mp4", make=coded(options=x264(keyint=1))),
    Sample(name="b.mp4", make=coded(options=x264(keyint=12, bframes=3, b_pyramid="none"))),
    Sample(name="pyramid.mp4", make=coded(options=x264(keyint=50, bframes=7, b_pyramid="normal", ref=4))),
    Sample(name="slices.mp4", make=coded(options=x264(keyint=25, bframes=2, slices=4))),
    Sample(name="closed-50.mkv", make=coded(options=x264(keyint=50, bframes=3))),
    Sample(
        name="closed-250.mp4",
        make=coded(num_frames=300, options=x264(keyint=250, min_keyint=250, bframes=3)),
        shown=range(300),
    ),
    Sample(name="open-12.mp4", make=coded(options=OPEN)),
    Sample(name="open-12.ts", make=coded(options=OPEN), refused=IN_TS),
    Sample(
        name="open-50.mkv",
        make=coded(num_frames=120, options=x264(open_gop=1, keyint=50, bframes=5)),
        shown=range(120),
    ),
    Sample(
        name="refresh.mp4",
        make=coded(options=x264(intra_refresh=1, keyint=12, bframes=0)),
        refused=GRADUAL,
    ),
    Sample(
        name="refresh.ts",
        make=coded(options=x264(intra_refresh=1, keyint=12, bframes=0)),
        refused=IN_TS,
    ),
]

CODECS = [
    Sample(name="hevc-open.mp4", make=coded(codec="libx265", options=OPEN_HEVC)),
    Sample(name="hevc-open.ts", make=coded(codec="libx265", options=OPEN_HEVC), refused=IN_TS),
    Sample(
        name="hevc-closed.mkv", make=coded(codec="libx265", options=x265(open_gop=0, bframes=4, b_pyramid=1))
    ),
    Sample(
        name="hevc-layers.mp4",
        make=coded(codec="libx265", options=x265(open_gop=0, temporal_layers=3, bframes=7)),
    ),
    Sample(
        name="hevc-open-layers.mkv",
        make=coded(codec="libx265", options=x265(open_gop=1, temporal_layers=3, bframes=7)),
    ),
    Sample(
        name="hevc-refresh.mp4",
        make=coded(codec="libx265", options=x265(intra_refresh=1, bframes=0, keyint=30)),
    ),
    Sample(
        name="hevc-from-its-second-keyframe.mp4",
        make=edited(from_keyframe(1), codec="libx265", options=OPEN_HEVC),
        shown=range(12, NUM_FRAMES),
    ),
    Sample(
        name="hevc-from-its-second-keyframe.ts",
        make=edited(from_keyframe(1), "source.ts", codec="libx265", options=OPEN_HEVC),
        shown=range(12, NUM_FRAMES),
        refused=IN_TS,
    ),
    Sample(
        name="hevc-10-bit.mkv",
        make=coded(codec="libx265", pixel_format="yuv420p10le"),
        says={"bit_depth": 10},
        refused=NO_10_BIT,
    ),
    Sample(
        name="hidden.webm",
        # Packets of two frames each, of which the first is not shown.
        make=coded(
            num_frames=120,
            codec="libvpx-vp9",
            options={"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "25", "b": "200k", "g": "60"},
        ),
        shown=range(120),
    ),
    Sample(
        name="hidden-vp8.webm",
        make=edited(
            hidden(1, 17, 40),
            "source.webm",
            codec="libvpx",
            options={"cpu-used": "8", "b": "300k", "g": "20"},
        ),
        shown=[number for number in range(NUM_FRAMES) if number not in (1, 17, 40)],
        refused=VARIABLE | not_on_gpus("vp8"),
    ),
    Sample(
        name="av1.mp4",
        make=coded(codec="libsvtav1", options={"preset": "12", "g": "25"}),
        may_refuse=NOT_ON_ALL_GPUS | NOT_IN_ALL_OPENCV,
    ),
    Sample(
        name="av1.mkv",
        make=coded(codec="libsvtav1", options={"preset": "12", "g": "12", "svtav1-params": "pred-struct=2"}),
        may_refuse=NOT_ON_ALL_GPUS | NOT_IN_ALL_OPENCV,
    ),
    Sample(name="mpeg4.mp4", make=coded(codec="mpeg4", options={"bf": "2"}), refused=not_on_gpus("mpeg4")),
    Sample(name="mpeg4.mkv", make=coded(codec="mpeg4", options={"bf": "2"}), refused=not_on_gpus("mpeg4")),
    Sample(name="mpeg4.avi", make=coded(codec="mpeg4", options={"bf": "2"}), refused=COUNTED),
    Sample(
        name="mpeg2.ts",
        make=coded(codec="mpeg2video", options={"bf": "2", "g": "12"}),
        refused=IN_TS | not_on_gpus("mpeg2video"),
    ),
    Sample(
        name="mjpeg.mkv",
        make=coded(codec="mjpeg", pixel_format="yuvj420p"),
        says={"color_range": "full"},
        refused=not_on_gpus("mjpeg"),
    ),
    Sample(name="mjpeg.avi", make=coded(codec="mjpeg", pixel_format="yuvj420p"), refused=COUNTED),
]
