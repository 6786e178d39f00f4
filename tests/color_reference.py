"""RGB of stored planes by the standard's formulas, in float64: what `to_rgb` and its kin are compared with."""

import numpy as np

# Kr and Kb of ITU-R BT.601-7 (section 2.5.1), BT.709-6 (3.2), BT.2020-2 (table 4).
WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}


def reference_rgb(luma, blue, red, *, matrix, color_range, place=(1.0, 0.5)):
    """RGB float64 [3, H, W] in [0, 1]; `place` is (down, right) of the first chroma sample's center."""
    height, width = luma.shape
    offset, luma_scale, chroma_scale = (16, 219, 224) if color_range == "limited" else (0, 255, 255)
    kr, kb = WEIGHTS[matrix]
    y = (luma.astype(np.float64) - offset) / luma_scale
    pb, pr = (
        _upsampled(plane.astype(np.float64), (height, width), place) / chroma_scale
        for plane in (np.asarray(blue, np.float64) - 128, np.asarray(red, np.float64) - 128)
    )
    r, b = y + 2 * (1 - kr) * pr, y + 2 * (1 - kb) * pb
    return np.clip(np.stack([r, (y - kr * r - kb * b) / (1 - kr - kb), b]), 0, 1)


def _upsampled(plane, size, place):
    for axis, (length, first) in enumerate(zip(size, place, strict=True)):
        at = (np.arange(length) + 0.5 - first) / 2
        below = np.floor(at).astype(int)
        last = plane.shape[axis] - 1
        near, far = (plane.take(np.clip(index, 0, last), axis) for index in (below, below + 1))
        weight = (at - below).reshape((-1, 1) if axis == 0 else (1, -1))
        plane = near + (far - near) * weight
    return plane
