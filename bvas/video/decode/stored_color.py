"""Color of a decoded frame as 4:2:0 planes of 8 bits, and what they mean: matrix, range, chroma position."""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.system.notices import warn_once
from bvas.values.color import WEIGHTS, Matrix
from bvas.values.luma import ColorRange, offset_and_scale
from bvas.video.container.color_tags import BT601, BT709, UNSPECIFIED, ColorTags, Hdr
from bvas.video.container.read_options import Tone
from bvas.video.decode.hdr_color import sdr_chroma, sdr_rgb
from bvas.video.index.frame_table import VideoInfo
from bvas.video.index.stored_picture import SEMI_PLANAR, color_range_of, eight_bits, has_luma_plane, luma_of

Planes = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
"""Luma [h, w], blue and red difference [ceil(h / 2), ceil(w / 2)]; not turned upright."""
Place = tuple[float, float]
"""(down, right): where the center of the first chroma sample lies, in pixels from the picture's corner."""

# By code point (ITU-T H.273, table 4). 10, constant luminance, is not among them: it is not linear.
_MATRICES: dict[int, Matrix] = {
    1: "bt709",
    4: "fcc",
    5: "bt601",
    6: "bt601",
    7: "smpte240m",
    9: "bt2020",
}
_HD_LINES = 720
# chroma_sample_loc_type of ITU-T H.264, figure E-1, as places in a block of 2 x 2 pixels.
_LEFT, _CENTER, _TOP_LEFT = 0, 1, 2
_PLACES: tuple[Place, ...] = ((1.0, 0.5), (1.0, 1.0), (0.5, 0.5), (0.5, 1.0), (1.5, 0.5), (1.5, 1.0))
# JFIF, MPEG-1 and H.263 define the center.
_CENTERED_CODECS = ("mjpeg", "mpeg1video", "h263", "flv1")


class StoredColor(NamedTuple):
    """What the planes of a video mean, before they are turned upright."""

    matrix: Matrix
    color_range: ColorRange
    place: Place


def stored_color(info: VideoInfo, tone: Tone, location: int | None) -> StoredColor:
    """Return what the planes of a video mean. Assumptions are logged once.

    Args:
        info: The video.
        tone: How HDR is read.
        location: Stated chroma_sample_loc_type (ITU-T H.264, figure E-1); None where it is not stated.

    Raises:
        DecodeError: the matrix is not linear, or unknown.
    """
    if tone == "sdr" and info.color.hdr is not None:
        return StoredColor("bt709", info.color_range, _PLACES[_CENTER])
    is_packed = not has_luma_plane(info.pixel_format)
    if is_packed and not _is_packed_yuv(info.pixel_format):
        # swscale makes gray of RGB by BT.601 (stored_picture.luma_of), and its chroma is made to fit.
        return StoredColor("bt601", "full", _PLACES[_CENTER])
    code = info.color.matrix
    if code == UNSPECIFIED:
        code = assumed_matrix(info.stored_size[0])
        warn_once(
            str(info.path),
            f"{info.path.name} does not state its color matrix; {'BT.709' if code == BT709 else 'BT.601'} is assumed "
            f"for {info.stored_size[0]} lines",
            kind="no color matrix is stated",
        )
    if code not in _MATRICES:
        raise DecodeError(
            f"{info.path.name} has the color matrix {info.color.names['matrix']} (code {code}), from which no RGB is "
            'made here; re-encode it to BT.709, or open it with channels="luma"',
            path=info.path,
        )
    matrix = _MATRICES[code]
    if is_packed:
        # swscale makes full range of its luma.
        return StoredColor(matrix, "full", _PLACES[_CENTER])
    if location is None:
        location = _CENTER if info.codec in _CENTERED_CODECS else _TOP_LEFT if matrix == "bt2020" else _LEFT
    down, right = _PLACES[location]
    rows, columns = _subsampling(info.pixel_format)
    return StoredColor(matrix, info.color_range, (_place(rows, down), _place(columns, right)))


def assumed_matrix(lines: int) -> int:
    """Return the code point of the matrix that a picture of so many stored lines has where none is stated."""
    return BT709 if lines >= _HD_LINES else BT601


def _is_packed_yuv(pixel_format: str) -> bool:
    """Return whether a format without a luma plane stores YUV, as capture cards have it (yuyv422)."""
    from av import VideoFormat

    form = VideoFormat(pixel_format, 64, 64)
    return not (form.is_rgb or form.has_palette) and len(form.components) >= 3


def _subsampling(pixel_format: str) -> tuple[int, int]:
    """Return the rows and columns of luma for each chroma sample of a format."""
    from av import VideoFormat

    form = VideoFormat(pixel_format, 64, 64)
    return 64 // max(form.chroma_height(64), 1), 64 // max(form.chroma_width(64), 1)


def _place(step: int, stated: float) -> float:
    """Return the place of the first sample at every other pixel, of samples that come every `step` pixels.

    A picture with as many chroma samples as pixels has them on the pixels. cv2 resizes about the center of samples.
    """
    return 0.5 + 1 - step / 2 if step != 2 else stated


def color_planes(frame: Any, hdr: Hdr | None, tags: ColorTags) -> Planes:
    """Return the planes of a decoded frame, uint8.

    8-bit 4:2:0 is as stored; more bits are shifted down to 8, as luma is; other subsamplings become 4:2:0, by the mean
    of the samples. HDR is mapped to SDR per channel, and comes out in BT.709.

    Args:
        frame: A frame of PyAV's.
        hdr: The system that it is mapped from; None for SDR.
        tags: Color tags, with those of the container where it has none.
    """
    if hdr is not None:
        color_range = color_range_of(frame) if has_luma_plane(frame.format.name) else "full"
        offset, scale = offset_and_scale(color_range, "range")
        red, blue = WEIGHTS["bt709"]
        weights = np.array([[red, 1 - red - blue, blue, 0]]) * (scale / 255)
        weights[0, 3] = offset
        luma = cv2.transform(sdr_rgb(frame, hdr, tags, color_range), weights)
        return (luma, *sdr_chroma(frame, hdr, tags, color_range))
    return (luma_of(frame), *chroma_planes(frame))


def chroma_planes(frame: Any) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return blue and red difference that go with `luma_of`, uint8 [ceil(h / 2), ceil(w / 2)]; see `color_planes`."""
    size = -(-frame.height // 2), -(-frame.width // 2)
    name = frame.format.name
    if name.startswith("gray"):
        neutral = np.full(size, 128, np.uint8)
        return neutral, neutral
    if not has_luma_plane(name):
        # Between YUV formats no matrix is applied where both sides have the same.
        source = {"src_colorspace": BT601} if _is_packed_yuv(name) else {}
        frame = frame.reformat(format="yuv444p", dst_colorspace=BT601, dst_color_range=2, **source)
        name = "yuv444p"
    if SEMI_PLANAR.fullmatch(name):
        pairs = eight_bits(frame, 1)
        planes = [pairs[:, 0::2], pairs[:, 1::2]]
        if name == "nv21":
            planes.reverse()
    else:
        planes = [eight_bits(frame, 1), eight_bits(frame, 2)]
    blue, red = (_to_quarter(plane, size, frame) for plane in planes)
    return blue, red


def _to_quarter(plane: NDArray[np.uint8], size: tuple[int, int], frame: Any) -> NDArray[np.uint8]:
    """Return a chroma plane at the size of 4:2:0."""
    if plane.shape == size:
        return plane
    # The size that even sides would have: edges repeat, so that the factors are whole.
    rows, columns = (-(-length // 4) * 4 for length in (frame.height, frame.width))
    steps = _subsampling(frame.format.name)
    whole = rows // steps[0], columns // steps[1]
    around = [(0, full - there) for full, there in zip(whole, plane.shape, strict=True)]
    padded = np.pad(plane, around, mode="edge")
    shrunk = min(whole[0], rows // 2), min(whole[1], columns // 2)
    if shrunk != whole:
        padded = cv2.resize(padded, shrunk[::-1], interpolation=cv2.INTER_AREA)
    if shrunk != (rows // 2, columns // 2):
        padded = cv2.resize(padded, (columns // 2, rows // 2), interpolation=cv2.INTER_LINEAR)
    return padded[: size[0], : size[1]]
