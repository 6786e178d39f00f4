"""HDR pictures in color, mapped to SDR: the curve of tone_curve.py on each channel, after BT.2020 to BT.709."""

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.values.luma import ColorRange
from bvas.video.container.color_tags import BT709, ColorTags, Hdr
from bvas.video.index.stored_picture import samples_of
from bvas.video.index.tone_curve import HLG_GAMMA, SOURCE_PEAK, hlg_scene, pq_light, sdr_signal

# Weights of red and blue in luma, by matrix (ITU-T H.273, table 4). HDR without a matrix has BT.2020's.
_LUMA_WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
_BT709_WEIGHTS = _LUMA_WEIGHTS[1]
_BT2020_WEIGHTS = _LUMA_WEIGHTS[9]
# Linear light to that of BT.709 primaries: from BT.2020 (ITU-R BT.2087, section 4) and P3-D65 (SMPTE RP 431-2).
_FROM_BT2020 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
_FROM_P3 = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
_PRIMARIES = {12: _FROM_P3, **dict.fromkeys((1, 4, 5, 6, 7), np.eye(3))}
_BT2020_LUMINANCE = np.array([[0.2627, 0.6780, 0.0593]])
# BT.2100, table 7: (I, Ct, Cp) of (L', M', S') for PQ and HLG, and (L, M, S) of linear BT.2020.
_ICTCP = {
    "PQ": np.array([[2048, 2048, 0], [6610, -13613, 7003], [17933, -17390, -543]]) / 4096,
    "HLG": np.array([[2048, 2048, 0], [3625, -7465, 3840], [9500, -9212, -288]]) / 4096,
}
_LMS = np.array([[1688, 2146, 262], [683, 2951, 462], [99, 309, 3688]]) / 4096
_CURVE_STEPS = 4095


def sdr_rgb(
    frame: Any, hdr: Hdr, tags: ColorTags, color_range: ColorRange, size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Return an HDR frame as SDR: full-range R'G'B' of BT.709 and BT.1886, uint8 [H, W, 3].

    Args:
        frame: A frame of PyAV's.
        hdr: Its system.
        tags: Its color tags.
        color_range: Its range.
        size: (H, W) that it is scaled to before; None for its own.
    """
    linear = _linear_table(hdr)[_signal(frame, hdr, tags, color_range, size)]
    if tags.is_ictcp:
        linear = cv2.transform(linear, np.linalg.inv(_LMS))
    if hdr == "HLG":
        # BT.2100, table 5: the OOTF raises the luminance, so that colors keep their hue.
        luminance = np.maximum(cv2.transform(linear, _BT2020_LUMINANCE), np.float32(1e-6))
        linear *= cv2.pow(luminance, HLG_GAMMA - 1)[..., None]
    # Light over the source's peak. The fourth root spreads the table over the dark, where the curve is steep.
    light = cv2.transform(linear, _PRIMARIES.get(tags.primaries, _FROM_BT2020))
    np.clip(light, 0, 1, out=light)
    np.sqrt(light, out=light)
    np.sqrt(light, out=light)
    light *= np.float32(_CURVE_STEPS)
    light += np.float32(0.5)
    rgb: NDArray[np.uint8] = _curve_table()[light.astype(np.uint16)]
    return rgb


def sdr_chroma(
    frame: Any, hdr: Hdr, tags: ColorTags, color_range: ColorRange
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the blue and red difference of `sdr_rgb` in BT.709, uint8 [ceil(h / 2), ceil(w / 2)] each.

    Colors are mapped at the size of 4:2:0 chroma.
    """
    size = -(-frame.height // 2), -(-frame.width // 2)
    rgb = sdr_rgb(frame, hdr, tags, color_range, size)
    # BT.709, section 3.3 and 4: the differences reach from -0.5 to 0.5 and fill 224 codes, or 255 of full range.
    red, blue = _BT709_WEIGHTS
    luma = np.array([red, 1 - red - blue, blue])
    differences = (np.eye(3)[2] - luma) / (2 - 2 * blue), (np.eye(3)[0] - luma) / (2 - 2 * red)
    matrix = np.array(differences) * ((255 if color_range == "full" else 224) / 255)
    planes = cv2.transform(rgb, np.column_stack([matrix, [128, 128]]))
    return planes[..., 0], planes[..., 1]


def _signal(
    frame: Any, hdr: Hdr, tags: ColorTags, color_range: ColorRange, size: tuple[int, int] | None
) -> NDArray[np.uint16]:
    """Return the R'G'B' (for ICtCp L'M'S') of a frame, uint16 [H, W, 3] with 1 as 65535."""
    height, width = size or (frame.height, frame.width)
    interpolation = "AREA" if height < frame.height else "BILINEAR"
    scaling = {"width": width, "height": height, "interpolation": interpolation}
    if frame.format.is_rgb:
        frame = frame.reformat(format="gbrp16le", **scaling)
        green, blue, red = (samples_of(plane, "<u2") for plane in frame.planes)
        return np.stack([red, green, blue], axis=-1)
    # swscale refuses frames of a matrix that it lacks, though none is applied between two YUV formats.
    alike = {"src_colorspace": BT709, "dst_colorspace": BT709}
    alike |= dict.fromkeys(("src_color_range", "dst_color_range"), 2 if color_range == "full" else 1)
    frame = frame.reformat(format="yuv444p16le", **alike, **scaling)
    planes = [samples_of(plane, "<u2") for plane in frame.planes]
    signal: NDArray[np.uint16] = cv2.transform(cv2.merge(planes), _from_codes(hdr, tags, color_range))
    return signal


def _from_codes(hdr: Hdr, tags: ColorTags, color_range: ColorRange) -> NDArray[np.float64]:
    """Return the affine map from 16-bit codes of luma and differences to 16-bit R'G'B', float64 [3, 4]."""
    if color_range == "full":
        scale, offset = np.full(3, 65535.0), np.array([0.0, 32768.0, 32768.0])
    else:
        scale, offset = np.array([219, 224, 224]) * 256.0, np.array([16, 128, 128]) * 256.0
    matrix = 65535 * _from_yuv(hdr, tags) / scale
    return np.column_stack([matrix, -matrix @ offset])


def _from_yuv(hdr: Hdr, tags: ColorTags) -> NDArray[np.float64]:
    """Return the matrix from (luma, blue, red difference) to R'G'B', or from ICtCp to L'M'S'."""
    if tags.is_ictcp:
        return np.linalg.inv(_ICTCP[hdr]).astype(np.float64)
    red, blue = _LUMA_WEIGHTS.get(tags.matrix, _BT2020_WEIGHTS)
    green = 1 - red - blue
    return np.array(
        [
            [1, 0, 2 - 2 * red],
            [1, -blue * (2 - 2 * blue) / green, -red * (2 - 2 * red) / green],
            [1, 2 - 2 * blue, 0],
        ]
    )


@lru_cache(maxsize=2)
def _linear_table(hdr: Hdr) -> NDArray[np.float32]:
    """Return linear light of 16-bit signals, float32 [65536]: cd/m2 / 1000 for PQ, of the scene for HLG."""
    signal = np.arange(65536) / 65535
    return (pq_light(signal) / SOURCE_PEAK if hdr == "PQ" else hlg_scene(signal)).astype(np.float32)


@lru_cache(maxsize=1)
def _curve_table() -> NDArray[np.uint8]:
    """Return 8-bit SDR by the fourth root of light over the source's peak, uint8 [4096]."""
    light = (np.arange(_CURVE_STEPS + 1) / _CURVE_STEPS) ** 4 * SOURCE_PEAK
    return np.rint(sdr_signal(light) * 255).astype(np.uint8)
