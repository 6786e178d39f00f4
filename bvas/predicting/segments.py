"""Segments of a video: their files, and the job that computes the rows of several.

Segment i of length `Work.segment_frames` begins at grid frame `i * segment_frames`, so that every run, on any
machine, finds the segments of the runs before it. Its rows are one file in the work folder of its video. A segment
whose file holds all rows, made from the same, is never computed again.

A job computes consecutive segments as one stream. Only its first and its last clips see frames that another job
decodes too: 64 grid frames (stride 1, clips that span 65 grid frames).
Processes on any machines that share the folder compute segments of one video together: each locks the segment that it
is at, and ends its job where another has locked the next one. A killed process loses its locks.
While a segment is unfinished its file holds its first rows, and is saved again every `save_seconds`. So a kill costs
the rows since the last save, and the features of one clip's span.
"""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import torch
from numpy.typing import NDArray

from bvas.inference.file_rows import FrameGap, GridVideo, RowChunk, cut_gaps
from bvas.inference.precision import prediction_dtype
from bvas.inference.spotter import Spotter, load_spotter
from bvas.inference.streaming import StreamingPredictor
from bvas.predicting.segment_plan import SegmentState
from bvas.predicting.settings import Work
from bvas.system.atomic_files import ARCHIVE_FAULTS, replacing
from bvas.system.jobs.job import Worker
from bvas.system.locks import is_locked, open_alone

logger = logging.getLogger(__name__)

_LOOKS = 3
_SECONDS_BETWEEN_LOOKS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentedVideo:
    """A video to be predicted in segments; plain data."""

    work: Work
    folds: tuple[int, ...]
    """Folds whose models are averaged."""
    path: Path
    num_frames: int
    """Grid frames of the whole video."""
    folder: Path
    """Work folder with the files of its segments; it is removed when the results are written."""
    made_from: str
    """Everything that decides its rows: weights, settings, content of the file, decoder, precision."""

    @property
    def num_segments(self) -> int:
        """Number of segments; the last one may be shorter."""
        return -(-self.num_frames // self.work.segment_frames)

    def frames_of(self, segment: int) -> range:
        """Return the grid frames of a segment."""
        start = segment * self.work.segment_frames
        return range(start, min(start + self.work.segment_frames, self.num_frames))

    def load(self, segment: int) -> "SegmentRows | None":
        """Return the rows of a segment's file; None where it is missing, damaged, or made from anything else."""
        path = self._file(segment)
        try:
            # Opened here: np.load leaves a file open that is not an archive.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                if str(stored["made_from"]) != self.made_from:
                    return None
                gaps = tuple(FrameGap(*gap) for gap in json.loads(str(stored["gaps"])))
                rows = SegmentRows(stored["scores"], gaps, str(stored["backend"]))
        except FileNotFoundError:
            return None
        except (*ARCHIVE_FAULTS, TypeError) as error:
            logger.warning("%s is not used, its segment is computed again: %s", path, error)
            return None
        return None if self.work.strict and rows.gaps else rows

    def save(self, segment: int, rows: "SegmentRows") -> None:
        """Write the rows of a segment.

        Raises:
            DataError: the file cannot be written.
        """
        with replacing(self._file(segment)) as temporary:
            np.savez(
                temporary,
                scores=rows.scores,
                gaps=np.array(json.dumps(rows.gaps)),
                backend=np.array(rows.backend),
                made_from=np.array(self.made_from),
            )

    def is_done(self, segment: int) -> bool:
        """Return whether all rows of a segment are there."""
        rows = self.load(segment)
        return rows is not None and len(rows.scores) == len(self.frames_of(segment))

    @contextmanager
    def claimed(self, segment: int) -> Iterator[bool]:
        """Lock a segment against other processes; yield False where one has locked it, or the folder is gone."""
        try:
            file = self._locked(segment)
        except (BlockingIOError, FileNotFoundError):
            yield False
            return
        with file:
            yield True

    def _locked(self, segment: int) -> BinaryIO:
        for _ in range(_LOOKS):
            # Those that plan hold each lock for a moment.
            with suppress(BlockingIOError):
                return open_alone(self._lock(segment))
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return open_alone(self._lock(segment))

    def state(self, segment: int) -> SegmentState:
        """Return whether a segment is done, or computed by another process now."""
        if self.is_done(segment):
            return "done"
        try:
            return "claimed" if is_locked(self._lock(segment)) else "free"
        except FileNotFoundError:
            return "free"

    def _lock(self, segment: int) -> Path:
        return self.folder / f"{segment:05d}.lock"

    def _file(self, segment: int) -> Path:
        return self.folder / f"{segment:05d}.npz"


@dataclass(frozen=True, slots=True)
class SegmentRows:
    """The first rows of a segment, or all of them."""

    scores: NDArray[np.float32]
    """[r, K]"""
    gaps: tuple[FrameGap, ...]
    """Gaps among the frames of these rows, in grid frames of the video."""
    backend: str
    """Decoder of the frames."""


def precision_settings(device: str, work: Work) -> list[str]:
    """Return, as plain data, kind and precision of a device; rows of another kind or precision are not reused."""
    chosen = torch.device(device)
    return [chosen.type, str(prediction_dtype(chosen, work.precision))]


def predict_segments(video: SegmentedVideo, first: int, stop: int, worker: Worker) -> tuple[int, int]:
    """Compute the rows of the segments [first, stop) that are missing, and save them; the call of a job.

    The job ends early at a segment that another process computes.

    Returns:
        How many rows repeat the row before, because their frames are byte-equal; and how many there are.

    Raises:
        CheckpointError: weights are missing or do not fit.
        DataError: rows cannot be written.
        DecodeError: the video cannot be read, or `strict` and a frame cannot be decoded.
        ScoresError: scores are NaN or infinite.
        MemoryError: the GPU's memory ran out.
    """
    begin, end = video.frames_of(first).start, video.frames_of(stop - 1).stop
    while first < stop and video.is_done(first):
        first += 1
    with _Writer(video, stop) as writer:
        # A claim precedes the models, which take seconds to load.
        if first == stop or not writer.begin(first):
            return 0, 0
        row = writer.next_row
        try:
            spotter, predictor = _models(video, worker)
            grid_video = GridVideo(video.path, spotter, backend=video.work.backend)
            writer.backend = grid_video.backend
            shared_before, rows_before = predictor.num_shared, predictor.num_rows
            if row > begin:
                logger.info("%s: resumed at frame %d", video.path, row)
            try:
                for chunk in grid_video.rows(predictor, row, end, strict=video.work.strict):
                    if not writer.add(chunk):
                        break
                    worker.progress(row - begin + chunk.num_decoded, end - begin)
            finally:
                writer.save()
        except torch.OutOfMemoryError as error:
            raise MemoryError(
                "the GPU's memory ran out; end other programs on it, name it once in --devices, or take --device cpu"
            ) from error
    return predictor.num_shared - shared_before, predictor.num_rows - rows_before


def _models(video: SegmentedVideo, worker: Worker) -> tuple[Spotter, StreamingPredictor]:
    """Return the models of a video's folds; those of the job before are kept if they are the same."""
    key = f"{video.work.experiment.name} {video.folds}"
    if key not in worker.kept:
        # The old ones are released first: two sets may not fit on the device.
        worker.kept.clear()
        work = video.work
        spotter = load_spotter(
            work.experiment,
            work.runs,
            folds=video.folds,
            device=worker.device,
            precision=work.precision,
            stride=work.stride,
            share_repeats=work.share_repeats,
            engine=work.engine,
        )
        worker.kept[key] = spotter, spotter.predictor(num_rows=video.num_frames)
    models: tuple[Spotter, StreamingPredictor] = worker.kept[key]
    return models


class _Writer:
    """Cuts a stream of rows into segments, each claimed while its rows come, and saves them."""

    backend = ""
    """Decoder of the frames."""

    def __init__(self, video: SegmentedVideo, stop: int) -> None:
        """Write segments before `stop`."""
        self._video = video
        self._stop = stop
        self._claim = ExitStack()
        self._rows: list[NDArray[np.float32]] = []
        self._gaps: tuple[FrameGap, ...] = ()
        self._num_unsaved = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Release the claim."""
        self._claim.close()

    def begin(self, segment: int) -> bool:
        """Claim the first segment, behind the rows that an earlier run has saved; False where it is another's."""
        if not self._claim.enter_context(self._video.claimed(segment)):
            return False
        # Read behind the claim: its last owner may just have saved more.
        kept = self._video.load(segment)
        self._segment = segment
        self._rows, self._gaps = ([], ()) if kept is None else ([kept.scores], kept.gaps)
        self._saved_at = time.monotonic()
        return kept is None or len(kept.scores) < len(self._video.frames_of(segment))

    @property
    def next_row(self) -> int:
        """Grid frame of the next row to come."""
        return self._video.frames_of(self._segment).start + sum(map(len, self._rows))

    def add(self, chunk: RowChunk) -> bool:
        """Take the next rows; False where those behind them are another process's."""
        self._rows.append(chunk.scores)
        self._gaps += chunk.gaps
        self._num_unsaved += len(chunk.scores)
        is_due = time.monotonic() - self._saved_at >= self._video.work.save_seconds
        if is_due or sum(map(len, self._rows)) >= len(self._video.frames_of(self._segment)):
            return self.save()
        return True

    def save(self) -> bool:
        """Save all rows so far, claiming segment after segment; False where another process has the next one."""
        while self._num_unsaved:
            scores = np.concatenate(self._rows)
            frames = self._video.frames_of(self._segment)
            own = scores[: len(frames)]
            gaps = cut_gaps(self._gaps, frames.start, frames.start + len(own))
            self._video.save(self._segment, SegmentRows(own, gaps, self.backend))
            self._rows = [scores]
            if len(own) < len(frames):
                self._num_unsaved = 0
                break
            self._rows = [scores[len(own) :]]
            self._num_unsaved = len(self._rows[0])
            self._segment += 1
            self._claim.close()
            if self._segment == self._stop:
                break
            if not self._claim.enter_context(self._video.claimed(self._segment)) or self._video.is_done(
                self._segment
            ):
                self._num_unsaved = 0
                return False
        self._saved_at = time.monotonic()
        return True
