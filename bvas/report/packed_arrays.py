"""Arrays as short text for a page: zlib and base64, which browsers unpack by themselves."""

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.results.frame_times import FrameTimes
from bvas.values.score_curve import ScoreCurve

# Scores become 0 to 254; a row that could not be decoded has no score.
_FULL, _GAP = 254, 255
# A tick of 0.1 ms: finer than any frame, and a day of them fits into 32 bits.
_TICKS_PER_SECOND = 10_000
# Times this near to even steps are not written down.
_EVEN_SECONDS = 0.002


def packed_curve(curve: ScoreCurve) -> dict[str, Any]:
    """Return a score curve as plain data: scores in steps of 1/254, label by label, and the times of its rows."""
    scores = np.nan_to_num(curve.scores, nan=0.0).clip(0, 1)
    rows = np.round(scores * _FULL).astype(np.uint8)
    rows[np.isnan(curve.scores).any(axis=1)] = _GAP
    packed: dict[str, Any] = {"rows": len(rows), "scores": _packed(rows.T, "u8")}
    count = len(curve.seconds)
    start = float(curve.seconds[0]) if count else 0.0
    step = float(curve.seconds[-1] - start) / (count - 1) if count > 1 else 1.0
    if np.abs(curve.seconds - (start + step * np.arange(count))).max(initial=0.0) < _EVEN_SECONDS:
        return {**packed, "start": start, "step": step}
    return {**packed, "times": packed_times(curve.seconds)}


def packed_times(seconds: NDArray[np.float64]) -> dict[str, str]:
    """Return ascending times from 0 up as plain data: the steps between them, in ticks of 0.1 ms."""
    ticks = np.round(seconds * _TICKS_PER_SECOND).astype(np.int64)
    return _packed(np.diff(ticks, prepend=0).astype("<u4"), "u32")


def packed_frames(frames: FrameTimes) -> dict[str, Any]:
    """Return the times of frames as plain data: their list only where they are uneven."""
    even = np.arange(frames.num_frames) / float(frames.rate)
    packed: dict[str, Any] = {
        "count": frames.num_frames,
        "rate": [frames.rate.numerator, frames.rate.denominator],
        "duration": round(frames.duration_seconds, 4),
    }
    if np.abs(frames.seconds - even).max() >= _EVEN_SECONDS:
        packed["times"] = packed_times(frames.seconds)
    return packed


def packed_steps(values: NDArray[np.int64]) -> dict[str, str]:
    """Return whole numbers [..., L] as plain data: the steps along the last axis, as int32."""
    return _packed(np.diff(values, prepend=0).astype("<i4"), "i32", level=6)


def _packed(values: NDArray[Any], kind: str, *, level: int = 9) -> dict[str, str]:
    # Level 9 takes twenty times as long for noisy steps, and saves a tenth.
    content = zlib.compress(np.ascontiguousarray(values).tobytes(), level)
    return {"kind": kind, "zlib": base64.b64encode(content).decode()}
