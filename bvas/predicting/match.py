"""Prediction of one match: known videos, segments of the others, and the results of all.

The match's folder is locked while it is predicted. Rows of segments lie in a work folder for each video until all
videos of the match are done. Then curves, spots and record are written, and the work folders are removed.
"""

import json
import logging
import shutil
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from bvas.data.matches import Half
from bvas.errors import DataError
from bvas.inference.file_rows import check_gap_share, gaps_in_time
from bvas.predicting.assignments import Assignment
from bvas.predicting.finished import Finished, find_finished, known_by_content
from bvas.predicting.prepared_video import PreparedVideo
from bvas.predicting.segments import SegmentedVideo, precision_settings
from bvas.predicting.settings import Weights, Work
from bvas.results.made_from import Record, VideoRecord, peak_settings
from bvas.results.store import curve_path, has_results, load_curve, write_match, write_record
from bvas.results.video_result import VideoFile, VideoResult
from bvas.system.atomic_files import remove_unfinished
from bvas.system.file_names import output_stem
from bvas.system.jobs.job import JobError
from bvas.system.locks import locked
from bvas.values.annotations import Gap
from bvas.values.score_curve import ScoreCurve
from bvas.video.index.remote_file import RemoteFile

logger = logging.getLogger(__name__)


class MatchPrediction:
    """A match that is being predicted by this process, which has locked its folder until `close`."""

    def __init__(self, assignment: Assignment, work: Work, weights: Weights) -> None:
        """Lock the folder, and find which videos have curves that were made from the same.

        Raises:
            BusyError: another process predicts this match.
            DataError: a video is missing, or results of another video would be replaced.
            CheckpointError: a fold has no weights.
        """
        self.assignment = assignment
        self.failure: JobError | None = None
        self.is_planned = False
        """Whether all of its jobs are known."""
        self.num_running = 0
        """Jobs that have not ended."""
        self._work = work
        self._rows = weights.rows_settings(assignment.folds)
        self._prepared: list[PreparedVideo] = []
        self._predicted: dict[int, tuple[PreparedVideo, SegmentedVideo]] = {}
        with ExitStack() as stack:
            stack.enter_context(locked(assignment.folder))
            remove_unfinished(assignment.folder)
            self.halves = assignment.halves(work.experiment.task)
            finished = find_finished(assignment, self.halves, self._rows, work)
            self.is_finished = finished.is_complete
            """Whether nothing is missing."""
            self._curves = {} if self.is_finished else self._load_curves(finished)
            self._known = {number: finished.videos[number] for number in self._curves}
            if finished.is_complete and finished.record and finished.videos != finished.record.videos:
                # Touched or copied: next time the fingerprint suffices.
                write_record(assignment.folder, replace(finished.record, videos=finished.videos))
            self._lock = stack.pop_all()

    def _load_curves(self, finished: Finished) -> dict[int, ScoreCurve]:
        """Return the curves of known videos by half; a damaged one is made again."""
        folder = self.assignment.folder
        if not finished.videos and not self._work.overwrite and has_results(folder):
            logger.info(
                "%s: its results are of other weights, settings or videos; they are made again",
                self.assignment.name,
            )
        curves = {}
        for half in self.halves:
            if half.number in finished.videos:
                try:
                    curves[half.number] = load_curve(curve_path(folder, output_stem(half.stem)))
                except DataError as error:
                    logger.warning("%s", error)
        return curves

    @property
    def missing(self) -> list[Half]:
        """The halves that have no curve of the same weights, settings and video."""
        return [half for half in self.halves if half.number not in self._known]

    def takes_known(self, half: Half, prepared: PreparedVideo) -> bool:
        """Take the finished curve of a remote video that turned out to be known, by its content; return whether.

        Raises:
            DataError: results of another video would be replaced.
        """
        folder, found = self.assignment.folder, None
        self._prepared.append(prepared)
        if prepared.fetched is not None:
            found = known_by_content(
                folder, half, self._rows, self._work, prepared.sha256, prepared.fingerprint
            )
        if found is None:
            return False
        self._curves[half.number] = load_curve(curve_path(folder, output_stem(half.stem)))
        self._known[half.number] = found
        return True

    def segmented(self, half: Half, prepared: PreparedVideo, device: str) -> SegmentedVideo:
        """Return the segments of a video, for jobs on devices of this kind."""
        work, folder = self._work, self.assignment.folder
        made_from = {
            "rows": self._rows,
            "video": prepared.sha256,
            "backend": work.backend,
            "computed_in": precision_settings(device, work),
            "segment_frames": work.segment_frames,
        }
        video = SegmentedVideo(
            work=work,
            folds=self.assignment.folds,
            path=prepared.path,
            num_frames=prepared.grid.num_frames,
            folder=folder / f"{output_stem(half.stem)}_unfinished",
            made_from=json.dumps(made_from, sort_keys=True),
        )
        if work.overwrite:
            shutil.rmtree(video.folder, ignore_errors=True)
        self._predicted[half.number] = prepared, video
        return video

    def write(self) -> None:
        """Write the results of all videos, and remove the work folders.

        Raises:
            DataError: a file is missing or cannot be written.
            DecodeError: a video changed meanwhile, or its gaps are too many.
        """
        experiment = self._work.experiment
        records, results = dict(self._known), []
        for half in self.halves:
            if half.number in self._predicted:
                records[half.number], self._curves[half.number] = self._joined(half)
            video = VideoFile.of_half(self.assignment.name, half)
            made_from, curve = records[half.number], self._curves[half.number]
            gaps = [Gap.from_json(gap) for gap in made_from.gaps]
            results.append(VideoResult.from_curve(video, curve, experiment, gaps=gaps, made_from=made_from))
        record = Record(rows=self._rows, peaks=peak_settings(experiment), videos=records)
        rate, kind = experiment.input.rate, experiment.kind
        write_match(self.assignment.folder, results, rate=rate, kind=kind, record=record)
        for _, segmented in self._predicted.values():
            shutil.rmtree(segmented.folder, ignore_errors=True)

    def _joined(self, half: Half) -> tuple[VideoRecord, ScoreCurve]:
        """Return record and curve of a video from its segments."""
        prepared, video = self._predicted[half.number]
        prepared.check_unchanged()
        segments = [video.load(number) for number in range(video.num_segments)]
        found = [segment for segment in segments if segment is not None]
        scores = np.concatenate([segment.scores for segment in found])
        if len(scores) != video.num_frames:
            raise DataError(f"rows of {half.place} disappeared from {video.folder}; predict it again")
        seconds = prepared.grid.seconds
        gaps = gaps_in_time([gap for segment in found for gap in segment.gaps], seconds)
        check_gap_share(Path(half.place), gaps, len(scores))
        record = VideoRecord(
            path=half.place,
            backend=",".join(sorted({segment.backend for segment in found})),
            fingerprint=prepared.fingerprint,
            sha256=prepared.sha256,
            gaps=tuple(gap.to_json(half.number) for gap in gaps),
        )
        return record, ScoreCurve(scores, seconds, self._work.experiment.task.labels.names)

    def close(self) -> None:
        """Remove copies of remote videos, and release the lock."""
        for prepared in self._prepared:
            prepared.discard()
        self._lock.close()


def first_video(assignment: Assignment, work: Work) -> Path | RemoteFile | None:
    """Return the first video of a match; None without one, which is an error later."""
    try:
        return assignment.halves(work.experiment.task)[0].video
    except DataError:
        return None
