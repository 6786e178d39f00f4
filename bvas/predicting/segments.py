"""Segments of a video: their files, and the job that computes the rows of several.

Segment i of length `Work.segment_frames` begins at grid frame `i * segment_frames`, so that every run, on any
machine, finds the segments of the runs before it. Its rows are one file in the work folder of its video. A segment
whose file holds all rows, made from the same, is never computed again.

A job computes consecutive segments as one stream. Only its first and its last clips see frames that another job
decodes too: 64 grid frames, 2 % of one segment (stride 1, clips that span 65 grid frames).
While a segment is unfinished its file holds its first rows, and is saved again every `save_seconds`. So a kill costs
the rows since the last save, and the features of one clip's span.
"""

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bvas.inference.file_rows import FrameGap, GridVideo, RowChunk, cut_gaps
from bvas.inference.precision import prediction_dtype
from bvas.inference.spotter import Spotter, load_spotter
from bvas.inference.streaming import StreamingPredictor
from bvas.predicting.settings import Work
from bvas.system.atomic_files import ARCHIVE_FAULTS, replacing
from bvas.system.jobs.job import Worker

logger = logging.getLogger(__name__)


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
    """Work folder with the files of its segments."""
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
    if first == stop:
        return 0, 0
    kept = video.load(first)
    row = video.frames_of(first).start + (0 if kept is None else len(kept.scores))
    try:
        spotter, predictor = _models(video, worker)
        grid_video = GridVideo(video.path, spotter, backend=video.work.backend)
        writer = _Writer(video, first, kept, grid_video.backend, predictor.num_labels)
        shared_before, rows_before = predictor.num_shared, predictor.num_rows
        if row > begin:
            logger.info("%s: resumed at frame %d", video.path, row)
        try:
            for chunk in grid_video.rows(predictor, row, end, strict=video.work.strict):
                writer.add(chunk)
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
    """Cuts a stream of rows into segments, and saves them."""

    def __init__(
        self, video: SegmentedVideo, segment: int, kept: SegmentRows | None, backend: str, num_labels: int
    ) -> None:
        """Begin behind the first rows of a segment, which are kept of an earlier run."""
        self._video = video
        self._segment = segment
        self._rows = [np.empty((0, num_labels), np.float32) if kept is None else kept.scores]
        self._gaps = () if kept is None else kept.gaps
        self._backend = backend
        self._saved_at = time.monotonic()
        self._num_unsaved = 0

    def add(self, chunk: RowChunk) -> None:
        """Take the next rows."""
        self._rows.append(chunk.scores)
        self._gaps += chunk.gaps
        self._num_unsaved += len(chunk.scores)
        if (
            sum(map(len, self._rows)) >= len(self._video.frames_of(self._segment))
            or time.monotonic() - self._saved_at >= self._video.work.save_seconds
        ):
            self.save()

    def save(self) -> None:
        """Save all rows so far."""
        scores = np.concatenate(self._rows)
        while self._num_unsaved:
            frames = self._video.frames_of(self._segment)
            own = scores[: len(frames)]
            gaps = cut_gaps(self._gaps, frames.start, frames.start + len(own))
            self._video.save(self._segment, SegmentRows(own, gaps, self._backend))
            if len(own) < len(frames):
                break
            scores = scores[len(own) :]
            self._num_unsaved = len(scores)
            self._segment += 1
        self._rows, self._num_unsaved, self._saved_at = [scores], 0, time.monotonic()
