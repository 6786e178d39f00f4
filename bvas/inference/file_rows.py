"""Score rows of a finished file, and how much of a video may be lost."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, DecodeError
from bvas.inference.predictor_protocol import RowPredictor
from bvas.values.annotations import Gap
from bvas.values.checks import checked_seconds
from bvas.values.clip_config import ClipConfig
from bvas.values.luma import ColorRange
from bvas.video.decode.prefetch import Frames, Piece

logger = logging.getLogger(__name__)

_MOST_LOST = 0.2
# Resumed work begins at a multiple of so many computed rows, so that they fall into the same batches as without the
# break.
_RESTART_AT = 64


@dataclass(frozen=True, slots=True)
class RowsSoFar:
    """The first rows of a video, as far as they are final, and what was lost among the frames behind them."""

    scores: NDArray[np.float32]
    """[r, K]"""
    lost: tuple[tuple[int, int, str], ...] = ()
    """(start, stop, reason) of stretches of frames, in order."""
    interrupt: KeyboardInterrupt | None = None
    """Ctrl-C, which ended the work behind these rows."""

    def restart(self, clip: ClipConfig, stride: int) -> int:
        """Return the frame from which decoding has to begin again for the row behind these."""
        first = len(self.scores) - clip.frames_before - stride
        step = _RESTART_AT * stride
        return max(0, first // step * step)


KeepRows = Callable[[RowsSoFar], None]


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
        ConfigError: it holds no frame, or an end of it is NaN or not a number.
    """
    from_seconds = checked_seconds(from_seconds, "from_seconds")
    to_seconds = None if to_seconds is None else checked_seconds(to_seconds, "to_seconds")
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
    decoded: Iterable[Piece],
    num_frames: int,
    predictor: RowPredictor,
    color_range: ColorRange,
    *,
    strict: bool = False,
    is_repeat: NDArray[np.bool_] | None = None,
    progress: Callable[[int, int], None] | None = None,
    so_far: RowsSoFar | None = None,
    keep: KeepRows | None = None,
    in_part: bool = False,
) -> RowsSoFar:
    """Return the score rows of a video's frames, and what was lost.

    Args:
        decoded: The frames, in order, from `so_far.restart(...)` on.
        num_frames: All frames of the video, or of the part of it that is looked at.
        predictor: Ready for a video.
        color_range: Range tag of the frames.
        strict: Raise where a frame is lost.
        is_repeat: bool [num_frames], whether each is the same source frame as the one before it.
        progress: Called with (frames done, frames in all).
        so_far: Rows of an earlier try.
        keep: Called now and then with all rows so far.
        in_part: Where Ctrl-C comes, return the rows that are final by then.

    Raises:
        DecodeError: reading failed, or `strict` and a frame is lost.
    """
    known = RowsSoFar(np.empty((0, predictor.num_labels), np.float32)) if so_far is None else so_far
    position = known.restart(predictor.clip, predictor.stride)
    lost = [(start, min(stop, position), reason) for start, stop, reason in known.lost if start < position]
    rows = [known.scores]
    # Rows up to here are known, and were computed here without the frames before.
    num_again = len(known.scores) - position
    interrupt: KeyboardInterrupt | None = None
    try:
        for piece in decoded:
            if isinstance(piece, Frames):
                stop = position + len(piece.luma)
                repeats = None if is_repeat is None else is_repeat[position:stop]
                found = predictor.push(piece.luma, color_range, repeats)
                position = stop
            elif strict:
                raise piece.error
            else:
                found = predictor.break_here(piece.count)
                lost.append((position, position + piece.count, str(piece.error)))
                position += piece.count
            rows.append(found[num_again:])
            num_again = max(0, num_again - len(found))
            if progress is not None:
                progress(position, num_frames)
            if keep is not None:
                rows = [np.concatenate(rows)]
                keep(RowsSoFar(rows[0], tuple(lost)))
    except KeyboardInterrupt as error:
        if not in_part:
            raise
        interrupt = error
    else:
        rows.append(predictor.finish()[num_again:])
    return RowsSoFar(np.concatenate(rows), tuple(_joined(lost)), interrupt)


def _joined(lost: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    joined: list[tuple[int, int, str]] = []
    for start, stop, reason in lost:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], stop, joined[-1][2])
        else:
            joined.append((start, stop, reason))
    return joined
