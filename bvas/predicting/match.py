"""One match after the other: left as it is where finished, else gone on with where an earlier try ended.

A match's folder is locked while it is worked on. Score rows are kept beside the results until all videos of the
match are done; then curves, results and at last the record are written. The record of older results is removed
before the first of them is replaced, so that what it says is always true of all files.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from bvas.data.matches import Half
from bvas.errors import DataError, DecodeError
from bvas.inference.spot_video import LONG_FRAMES, spot_video
from bvas.inference.spotter import Spotter, load_spotter
from bvas.inference.streaming import StreamingPredictor
from bvas.predicting.assignments import Assignment
from bvas.predicting.finished import check_same_video, is_all, kept_path, known_videos
from bvas.predicting.index_prefetch import IndexedMeanwhile
from bvas.predicting.kept_rows import KeptRows, unfinished_settings
from bvas.predicting.settings import Weights, Work
from bvas.results.made_from import (
    Record,
    VideoRecord,
    peak_settings,
)
from bvas.results.store import RECORD_NAME, curve_path, load_curve, read_record, write_match, write_record
from bvas.results.video_result import VideoFile, VideoResult
from bvas.system.atomic_files import remove_unfinished
from bvas.system.devices import choose_device
from bvas.system.file_names import output_stem
from bvas.system.locks import locked
from bvas.values.annotations import Gap
from bvas.values.score_curve import ScoreCurve
from bvas.video.decode.open_video import open_video
from bvas.video.index.file_identity import DigestMeanwhile, glance_at, place_of
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

Outcome = Literal["made", "finished"]


class VideoProgress(Protocol):
    """Hears how far a video is."""

    def __call__(self, half: int, begun_at: int, done: int, total: int) -> None:
        """Take the half, and the grid frame it was begun at, those done and those in all."""
        ...


class MatchPredictor:
    """Predicts matches on one device; models are loaded when they are first needed, and kept for the next match."""

    def __init__(self, work: Work, device: str = "auto") -> None:
        """Take the work; nothing is loaded yet.

        Raises:
            ConfigError: there is no such device.
        """
        self._work = work
        self._device = choose_device(device)
        self._weights = Weights(work)
        self._loaded: tuple[tuple[int, ...], Spotter, StreamingPredictor] | None = None

    def predict(
        self,
        assignment: Assignment,
        progress: VideoProgress | None = None,
        upcoming: Assignment | None = None,
    ) -> Outcome:
        """Make what is missing of a match's results.

        Args:
            assignment: The match.
            progress: Hears how far each video is.
            upcoming: What is probably the next match; it is looked at while the model works.

        Raises:
            BusyError: another process works on this match.
            DataError: a video is missing, or results cannot be written.
            DecodeError: a video cannot be read, too much of it is lost, or it changed meanwhile.
            CheckpointError: a fold's weights are missing or do not fit.
        """
        work, folder = self._work, assignment.folder
        rows = self._weights.rows_settings(assignment.folds)
        with locked(folder):
            remove_unfinished(folder)
            halves = assignment.halves(work.experiment.task)
            record = None if work.overwrite else read_record(folder)
            if record is not None:
                check_same_video(assignment, record)
            known = {} if record is None else known_videos(folder, halves, record, rows, work)
            if record is not None and is_all(folder, halves, record, known, work):
                if known != record.videos:
                    # Touched, and the same: next time a glance is enough.
                    write_record(folder, Record(rows=record.rows, peaks=record.peaks, videos=known))
                return "finished"
            if not known and not work.overwrite and (folder / RECORD_NAME).is_file():
                logger.info(
                    "%s: there are results of other weights, settings or videos; they are made again",
                    assignment.name,
                )
            curves = _curves(folder, halves, known)
            videos = {number: known[number] for number in curves}
            missing = [half for half in halves if half.number not in curves]
            following = [*(half.path for half in missing[1:]), self._first_video(upcoming)]
            for half, after in zip(missing, following, strict=False):
                with IndexedMeanwhile(after):
                    models = self._models(assignment.folds, missing)
                    found = self._predict_video(assignment, half, rows, models, progress)
                videos[half.number], curves[half.number] = found
            self._write(assignment, halves, curves, Record(rows=rows, peaks=self._peaks, videos=videos))
        return "made"

    def _first_video(self, assignment: Assignment | None) -> Path | None:
        try:
            return None if assignment is None else assignment.halves(self._work.experiment.task)[0].path
        except DataError:
            return None

    @property
    def _peaks(self) -> dict[str, Any]:
        return peak_settings(self._work.experiment)

    def _predict_video(
        self,
        assignment: Assignment,
        half: Half,
        rows: dict[str, Any],
        models: tuple[Spotter, StreamingPredictor],
        progress: VideoProgress | None,
    ) -> tuple[VideoRecord, ScoreCurve]:
        work = self._work
        spotter, predictor = models
        glance = glance_at(half.path)
        backend = self._backend(half)
        made_from = unfinished_settings(
            rows, glance, backend=backend, device=self._device, precision=work.precision
        )
        kept = KeptRows(kept_path(assignment.folder, half), made_from, seconds=work.save_seconds)
        so_far = None if work.overwrite else kept.load()
        if so_far is not None and work.strict and so_far.gaps:
            so_far = None
        begun_at = 0 if so_far is None else len(so_far.scores)
        if begun_at:
            logger.info("%s: goes on at frame %d", half.path, begun_at)

        def report(done: int, total: int) -> None:
            if progress is not None:
                progress(half.number, begun_at, done, total)

        with DigestMeanwhile(half.path) as digest:
            found = spot_video(
                half.path,
                spotter,
                backend=backend,
                strict=work.strict,
                progress=report,
                predictor=predictor,
                so_far=so_far,
                keep=kept,
            )
            sha256 = digest.result()
        if glance_at(half.path) != glance:
            raise DecodeError(f"{half.path} changed while it was predicted; predict it again", path=half.path)
        kept.save()
        gaps = tuple(gap.to_json(half.number) for gap in found.gaps)
        video = VideoRecord(
            path=place_of(half.path), backend=backend, glance=glance, sha256=sha256, gaps=gaps
        )
        return video, found.curve

    def _backend(self, half: Half) -> str:
        """Return the decoder that is asked for, or that is chosen for this file."""
        with open_video(half.path, self._work.backend, device=str(self._device)) as reader:
            return reader.backend

    def _models(self, folds: tuple[int, ...], videos: Sequence[Half]) -> tuple[Spotter, StreamingPredictor]:
        """Return the models of some folds; compiled on CUDA, if the first videos that they are to see are long."""
        if self._loaded is None or self._loaded[0] != folds:
            # Those before are let go of first: two sets may not fit on the device.
            self._loaded = None
            work = self._work
            spotter = load_spotter(
                work.experiment,
                work.runs,
                folds=folds,
                device=str(self._device),
                precision=work.precision,
                stride=work.stride,
            )
            is_long = self._device.type == "cuda" and (
                build_index(videos[0].path)[0].num_frames * len(videos) >= LONG_FRAMES
            )
            self._loaded = folds, spotter, spotter.predictor(compiled=is_long)
        return self._loaded[1:]

    def _write(
        self, assignment: Assignment, halves: Sequence[Half], curves: Mapping[int, ScoreCurve], record: Record
    ) -> None:
        experiment, folder = self._work.experiment, assignment.folder
        results = [
            VideoResult.from_curve(
                VideoFile(
                    name=output_stem(half.path.stem),
                    number=half.number,
                    match=assignment.name,
                    path=half.path,
                ),
                curves[half.number],
                experiment.task.labels,
                experiment.peaks,
                gaps=[Gap.from_json(gap) for gap in record.videos[half.number].gaps],
            )
            for half in halves
        ]
        write_match(folder, results, rate=experiment.input.rate, record=record)
        for half in halves:
            kept_path(folder, half).unlink(missing_ok=True)


def _curves(folder: Path, halves: Sequence[Half], known: Mapping[int, VideoRecord]) -> dict[int, ScoreCurve]:
    """Return the curves of known videos by half, without those that are damaged."""
    curves = {}
    for half in halves:
        if half.number in known:
            try:
                curves[half.number] = load_curve(curve_path(folder, output_stem(half.path.stem)))
            except DataError as error:
                logger.warning("%s", error)
    return curves
