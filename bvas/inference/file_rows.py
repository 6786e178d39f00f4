"""Score rows of a video file, segment by segment."""

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, DecodeError
from bvas.inference.spotter import VideoSpotter
from bvas.inference.streaming import StreamingPredictor
from bvas.system.cpu_cores import CoreWatch
from bvas.values.annotations import Gap
from bvas.values.checks import checked_seconds
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.decode.open_video import open_video
from bvas.video.decode.prefetch import DecodedAhead, Lost, Piece
from bvas.video.decode.video_reader import FrameReader
from bvas.video.index.frame_grid import make_grid

logger = logging.getLogger(__name__)

_LARGEST_GAP_SHARE = 0.2
# Segments are decoded from a multiple of so many computed rows on. So their rows fall into the same batches as those of
# the whole video: batch sizes are powers of two up to this, and results depend on the batch in their last bits. Where
# frames are so large that a batch is one row, as on a CPU, nothing needs aligning.
_ALIGNMENT = 64


class FrameGap(NamedTuple):
    """Grid frames [start, stop) that could not be decoded."""

    start: int
    stop: int
    reason: str


@dataclass(frozen=True, slots=True)
class RowChunk:
    """Rows of a segment that follow those of the chunk before."""

    scores: NDArray[np.float32]
    """[n, K] in [0, 1], n >= 0; NaN where the clip touches a gap."""
    gaps: tuple[FrameGap, ...]
    """Gaps met since the chunk before, cut to the segment. They may lie behind the rows, and touch earlier gaps."""
    num_decoded: int
    """Grid frames of the segment that were decoded, or found lost, so far."""


class GridVideo:
    """A video file on the grid of an experiment.

    Its rows may be computed in segments, in any order and by several processes. They do not depend on how the video
    is cut, up to the rounding of float32.
    """

    def __init__(
        self,
        path: Path,
        spotter: VideoSpotter,
        *,
        backend: str = "auto",
        reading: ReadOptions = DEFAULT_READING,
    ) -> None:
        """Index the file; nothing is decoded yet.

        Args:
            path: The file.
            spotter: The models; their experiment has the grid's rate and the size of frames.
            backend: Decoder, `auto` to choose by device and file.
            reading: Stream, rate and tone.

        Raises:
            DecodeError: it is not a video that can be read.
        """
        self.path = path
        self._device = str(spotter.device)
        self._open = partial(
            open_video,
            path,
            backend,
            **spotter.experiment.input.form.reading,
            device=self._device,
            stream=reading.stream,
            rate=reading.rate,
            tone=reading.tone,
        )
        reader = self._open()
        self.info = reader.info
        """Of the video."""
        self._num_engines = reader.num_engines
        self.backend = reader.backend
        """The decoder that was chosen."""
        self.index = reader.index
        """Its frames."""
        self.grid = make_grid(reader.index, spotter.experiment.input.rate)
        """Grid frames of the whole video: their source frames and times."""
        self._form = reader.form
        self._frame_bytes = math.prod(reader.frame_shape)
        self._size = spotter.experiment.input.size
        self._keyframes = np.searchsorted(reader.index.pts, reader.index.keyframe_pts)
        # It has opened nothing yet; the first segment is read by it.
        self._unused = [reader]

    def rows(
        self,
        predictor: StreamingPredictor,
        start: int = 0,
        stop: int | None = None,
        *,
        strict: bool = False,
        num_readers: int | None = None,
    ) -> Iterator[RowChunk]:
        """Yield the rows of the grid frames [start, stop), in order.

        The frames that the first and last clips see beyond the segment are decoded as well.

        Args:
            predictor: It is reset first.
            start: First grid frame.
            stop: Behind the last one; None is the end of the video.
            strict: Raise where a frame cannot be decoded, instead of leaving a gap.
            num_readers: Threads that decode, each from other keyframes. None: one for each decoder of the GPU
                where that decodes, else one.

        Raises:
            DecodeError: reading failed, or `strict` and a frame cannot be decoded.
        """
        stop = self.grid.num_frames if stop is None else stop
        if not 0 <= start < stop <= self.grid.num_frames:
            raise ConfigError(
                f"{self.path} has no grid frames [{start}, {stop}); a segment lies in [0, {self.grid.num_frames})"
            )
        first, last = self._needed_frames(predictor, start, stop)
        wanted = self.grid.indices[first:last]
        is_repeat = np.diff(wanted, prepend=-1) == 0
        if num_readers is None:
            num_readers = self._num_engines
        predictor.reset()
        # Grid frames of the next frame that comes, and of the next row.
        position = row = first
        decoding = DecodedAhead(
            self._reader,
            wanted,
            self._keyframes,
            frame_bytes=self._frame_bytes,
            num_readers=num_readers,
            on_device=self._device.startswith("cuda"),
        )
        with CoreWatch() as cores, decoding as decoded:
            for piece in decoded:
                gaps: tuple[FrameGap, ...] = ()
                if isinstance(piece, Lost):
                    if strict:
                        raise piece.error
                    gaps = cut_gaps(
                        [FrameGap(position, position + piece.count, str(piece.error))], start, stop
                    )
                for count, scores in self._scores(predictor, piece, is_repeat[position - first :]):
                    position += count
                    num_decoded = min(max(position, start), stop) - start
                    yield RowChunk(scores[max(start - row, 0) : max(stop - row, 0)], gaps, num_decoded)
                    row += len(scores)
                    gaps = ()
                    cores.follow()
        # Behind the segment only clips are left whose rows are not wanted, unless a batch waits or the video ends.
        if row < stop:
            yield RowChunk(predictor.finish()[max(start - row, 0) : stop - row], (), stop - start)

    def _needed_frames(self, predictor: StreamingPredictor, start: int, stop: int) -> tuple[int, int]:
        """Return the grid frames [first, last) that the rows [start, stop) are computed from.

        With a stride a row lies between two computed ones, at multiples of the stride in the whole video.
        """
        clip, stride = predictor.clip, predictor.stride
        step = stride if predictor.frames_at_once(self._size) == 1 else _ALIGNMENT * stride
        first = max(0, start // stride * stride - clip.frames_before) // step * step
        last_center = -(-(stop - 1) // stride) * stride
        return first, min(self.grid.num_frames, last_center + clip.frames_after + 1)

    def _scores(
        self, predictor: StreamingPredictor, piece: Piece, is_repeat: NDArray[np.bool_]
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield (number of frames, rows that are final with them), batch by batch: a row may take seconds."""
        if isinstance(piece, Lost):
            yield piece.count, predictor.push_gap(piece.count)
            return
        step = predictor.frames_at_once(self._size)
        for first in range(0, len(piece.pixels), step):
            frames = piece.pixels[first : first + step]
            repeats = is_repeat[first : first + len(frames)]
            rows = predictor.push(frames, self._form, repeats, sample_aspect=self.info.sample_aspect)
            yield len(frames), rows

    def _reader(self) -> FrameReader:
        """Return a reader that no thread uses; several threads may call this at once."""
        try:
            return self._unused.pop()
        except IndexError:
            return self._open()


def cut_gaps(gaps: Iterable[FrameGap], start: int, stop: int) -> tuple[FrameGap, ...]:
    """Return what of the gaps lies in [start, stop)."""
    cut = (FrameGap(max(gap.start, start), min(gap.stop, stop), gap.reason) for gap in gaps)
    return tuple(gap for gap in cut if gap.start < gap.stop)


def gaps_in_time(gaps: Iterable[FrameGap], seconds: NDArray[np.float64]) -> tuple[Gap, ...]:
    """Return ascending gaps with their times, those that touch each other as one with the reason of the first.

    Args:
        gaps: Of a whole video, from one or several segments.
        seconds: Time of each grid frame of the video.
    """
    joined: list[FrameGap] = []
    for gap in gaps:
        if joined and joined[-1].stop == gap.start:
            joined[-1] = joined[-1]._replace(stop=gap.stop)
        else:
            joined.append(gap)
    return tuple(
        Gap(float(seconds[gap.start]), float(seconds[gap.stop - 1]), gap.stop - gap.start, gap.reason)
        for gap in joined
    )


def check_gap_share(path: Path, gaps: Sequence[Gap], num_rows: int) -> None:
    """Warn of gaps; refuse a video that consists of them by more than a fifth.

    Args:
        path: The video.
        gaps: All of them.
        num_rows: Rows in all, those of gaps included.

    Raises:
        DecodeError: the gaps are more than a fifth of the rows.
    """
    num_lost = sum(gap.num_frames for gap in gaps)
    if num_lost > _LARGEST_GAP_SHARE * num_rows:
        raise DecodeError(
            f"{path}: {num_lost} of {num_rows} frames cannot be decoded, more than {_LARGEST_GAP_SHARE:.0%}; "
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
    seconds: NDArray[np.float64], from_seconds: float, to_seconds: float | None, path: Path
) -> tuple[int, int]:
    """Return the rows [start, stop) of a range of time.

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
