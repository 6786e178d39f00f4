"""Score rows of a finished file, and how much of a video may be lost."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bvas.errors import ConfigError, DecodeError
from bvas.inference.predictor import RowPredictor
from bvas.spots import Gap
from bvas.video.protocol import FrameDecoder

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 32 << 20
_MOST_LOST = 0.2
# Few frames first, so that an estimate of the whole comes early.
_FIRST_CHUNK = 64


def check_lost(path: Path, gaps: Sequence[Gap], num_rows: int) -> None:
    """Warn of lost frames.

    Raises:
        DecodeError: they are too many.
    """
    num_lost = sum(gap.num_frames for gap in gaps)
    if num_lost > _MOST_LOST * num_rows:
        raise DecodeError(
            f"{path}: {num_lost} of {num_rows} frames cannot be decoded, more than {_MOST_LOST:.0%}; "
            f"first: {gaps[0].reason}. Repair or re-encode the file",
            path=path,
        )
    if gaps:
        logger.warning(
            "%s: %d of %d frames cannot be decoded; nothing is spotted around %s",
            path,
            num_lost,
            num_rows,
            ", ".join(f"{gap.start_seconds:.1f} s" for gap in gaps[:5]) + (" ..." if len(gaps) > 5 else ""),
        )


def rows_between(
    seconds: np.ndarray, from_seconds: float, to_seconds: float | None, path: Path
) -> tuple[int, int]:
    """Return (first, behind the last) row of a range of time.

    Raises:
        ConfigError: it holds no frame.
    """
    end = float(seconds[-1])
    if from_seconds < 0 or from_seconds > end or (to_seconds is not None and to_seconds <= from_seconds):
        raise ConfigError(
            f"the range {from_seconds:g} s to {'the end' if to_seconds is None else f'{to_seconds:g} s'} "
            f"holds no frame of {path} (0 to {end:.2f} s)"
        )
    start = int(np.searchsorted(seconds, from_seconds - 1e-6))
    stop = len(seconds) if to_seconds is None else int(np.searchsorted(seconds, to_seconds - 1e-6))
    return start, max(stop, start + 1)


def stream_rows(
    reader: FrameDecoder,
    indices: np.ndarray,
    predictor: RowPredictor,
    strict: bool,
    progress: Callable[[int, int], None] | None,
) -> tuple[np.ndarray, list[tuple[int, int, str]]]:
    """Return the score rows of the frames at `indices`, and the stretches (start, stop, reason) that were lost."""
    chunk_size = max(1, min(len(indices), _CHUNK_BYTES // (reader.size[0] * reader.size[1])))
    buffer = np.empty((chunk_size, *reader.size), np.uint8)
    rows: list[np.ndarray] = []
    lost: list[tuple[int, int, str]] = []
    position = 0
    length = min(chunk_size, _FIRST_CHUNK)
    while position < len(indices):
        wanted = indices[position : position + length]
        gap = None
        try:
            reader.read_into(wanted, buffer[: len(wanted)])
        except DecodeError as error:
            if strict or error.lost is None:
                raise
            gap = error.lost, str(error)
            wanted = wanted[wanted < error.lost.start]
            if len(wanted):
                reader.read_into(wanted, buffer[: len(wanted)])
        if len(wanted):
            rows.append(predictor.push(buffer[: len(wanted)], reader.info.color_range))
            position += len(wanted)
        if gap is not None:
            # At least one frame further, or a reader that keeps naming earlier frames would never end.
            behind = max(int(np.searchsorted(indices, gap[0].stop)), position + 1)
            rows.append(predictor.break_here(behind - position))
            lost.append((position, behind, gap[1]))
            position = behind
        if progress is not None:
            progress(position, len(indices))
        length = chunk_size
    rows.append(predictor.finish())
    return np.concatenate(rows), _joined(lost)


def _joined(lost: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    joined: list[tuple[int, int, str]] = []
    for start, stop, reason in lost:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], stop, joined[-1][2])
        else:
            joined.append((start, stop, reason))
    return joined
