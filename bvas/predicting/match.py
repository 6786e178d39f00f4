"""Prediction of one match: known videos, segments of the others, and the results of all.

Rows of segments lie in a work folder for each video until all videos of the match are done. Then curves, spots and
record are written, and the work folders are removed. Processes that share the folder predict a match together. Its
folder is locked while one looks at it or writes the results, and throughout where results are made again.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
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
from bvas.system.atomic_files import new_folder, remove_unfinished
from bvas.system.file_names import output_stem
from bvas.system.jobs.job import JobError
from bvas.system.locks import locked
from bvas.values.annotations import Gap
from bvas.values.score_curve import ScoreCurve
from bvas.video.index.file_identity import Fingerprint
from bvas.video.index.remote_file import RemoteFile

logger = logging.getLogger(__name__)

_SECONDS_TO_WAIT = 2.0


class MatchPrediction:
    """A match that this process predicts, alone or with others."""

    def __init__(self, assignment: Assignment, work: Work, weights: Weights) -> None:
        """Find which videos have curves that were made from the same.

        Raises:
            BusyError: another process makes its results again.
            DataError: a video is missing, or results of another video would be replaced.
            CheckpointError: a fold has no weights.
        """
        self.assignment = assignment
        self.failure: JobError | None = None
        self.is_planned = False
        """Whether all of its jobs are known."""
        self.num_jobs = 0
        """Jobs that have begun."""
        self.num_running = 0
        """Jobs that have not ended."""
        self._work = work
        self._rows = weights.rows_settings(assignment.folds)
        self._predicted: dict[int, tuple[PreparedVideo, SegmentedVideo]] = {}
        self._asked: dict[RemoteFile, Fingerprint] = {}
        """Servers are asked once: the lock is held meanwhile."""
        self._held = ExitStack()
        with ExitStack() as stack:
            stack.enter_context(locked(assignment.folder, seconds=_SECONDS_TO_WAIT))
            remove_unfinished(assignment.folder)
            self.halves = assignment.halves(work.experiment.task)
            finished = self._find_finished()
            self.is_finished = finished.is_complete
            """Whether nothing is missing."""
            self._curves = {} if self.is_finished else self._load_curves(finished)
            self._known = {number: finished.videos[number] for number in self._curves}
            if finished.is_complete and finished.record and finished.videos != finished.record.videos:
                # Touched or copied: next time the fingerprint suffices.
                write_record(assignment.folder, replace(finished.record, videos=finished.videos))
            if work.overwrite:
                self._held = stack.pop_all()

    def _find_finished(self) -> Finished:
        return find_finished(self.assignment, self.halves, self._rows, self._work, self._asked)

    def _locked(self) -> AbstractContextManager[None]:
        """Lock the folder, unless it is locked throughout."""
        return (
            nullcontext()
            if self._work.overwrite
            else locked(self.assignment.folder, seconds=_SECONDS_TO_WAIT)
        )

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
            BusyError: another process makes the results again.
            DataError: results of another video would be replaced.
        """
        if prepared.fetched is None:
            return False
        folder = self.assignment.folder
        with self._locked():
            found = known_by_content(
                folder, half, self._rows, self._work, prepared.sha256, prepared.fingerprint
            )
            if found is None:
                return False
            try:
                self._curves[half.number] = load_curve(curve_path(folder, output_stem(half.stem)))
            except DataError as error:
                logger.warning("%s", error)
                return False
        self._known[half.number] = found
        return True

    def segmented(self, half: Half, prepared: PreparedVideo, device: str) -> SegmentedVideo | None:
        """Return the segments of a video, for jobs on devices of this kind; None where others finished the match.

        Raises:
            BusyError: another process makes the results again.
            DataError: the work folder cannot be made.
        """
        work = self._work
        made_from = json.dumps(
            {
                "rows": self._rows,
                "video": prepared.sha256,
                "backend": work.backend,
                "computed_in": precision_settings(device, work),
                "segment_frames": work.segment_frames,
            },
            sort_keys=True,
        )
        # Processes with other settings do not replace the segments of these.
        settings = hashlib.sha256(made_from.encode()).hexdigest()[:8]
        video = SegmentedVideo(
            work=work,
            folds=self.assignment.folds,
            # Other machines have another working folder.
            path=prepared.path.absolute(),
            num_frames=prepared.grid.num_frames,
            folder=self._work_folder(half) / settings,
            made_from=made_from,
        )
        with self._locked():
            if self._find_finished().is_complete:
                self.is_finished = True
                return None
            if work.overwrite:
                self._remove_work([half])
            # Jobs never make it: a segment of a match that others have finished is not computed again.
            with new_folder(video.folder):
                self._predicted[half.number] = prepared, video
        return video

    def _work_folder(self, half: Half) -> Path:
        return self.assignment.folder / f"{output_stem(half.stem)}_unfinished"

    def write(self) -> bool:
        """Write the results of all videos, and remove the work folders; return False while segments are missing.

        Raises:
            BusyError: another process makes the results again.
            DataError: a file is missing or cannot be written.
            DecodeError: a video changed meanwhile, or its gaps are too many.
        """
        with self._locked():
            self.is_finished = self._find_finished().is_complete
            if not self.is_finished and not self._write_results():
                return False
            self._remove_work(self.halves)
        return True

    def _write_results(self) -> bool:
        experiment = self._work.experiment
        records, results = dict(self._known), []
        for half in self.halves:
            if half.number not in self._known:
                joined = self._joined(half)
                if joined is None:
                    return False
                records[half.number], self._curves[half.number] = joined
            video = VideoFile.of_half(self.assignment.name, half)
            made_from, curve = records[half.number], self._curves[half.number]
            gaps = [Gap.from_json(gap) for gap in made_from.gaps]
            results.append(VideoResult.from_curve(video, curve, experiment, gaps=gaps, made_from=made_from))
        record = Record(rows=self._rows, peaks=peak_settings(experiment), videos=records)
        rate, kind = experiment.input.rate, experiment.kind
        write_match(self.assignment.folder, results, rate=rate, kind=kind, record=record)
        return True

    def _joined(self, half: Half) -> tuple[VideoRecord, ScoreCurve] | None:
        """Return record and curve of a video from its segments; None while some are missing."""
        if half.number not in self._predicted:
            # The folder was busy when its jobs were to be planned.
            return None
        prepared, video = self._predicted[half.number]
        prepared.check_unchanged()
        found = []
        for number in range(video.num_segments):
            segment = video.load(number)
            if segment is None or len(segment.scores) < len(video.frames_of(number)):
                return None
            found.append(segment)
        scores = np.concatenate([segment.scores for segment in found])
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

    def _remove_work(self, halves: Sequence[Half]) -> None:
        """Remove the work folders of some videos; the folder is locked."""
        for half in halves:
            folder = self._work_folder(half)
            # Renamed first: no process claims a segment in a folder that is half gone.
            removed = folder.with_name(f".{folder.name}.part")
            with suppress(OSError):
                folder.replace(removed)
                shutil.rmtree(removed, ignore_errors=True)

    def close(self) -> None:
        """Release the lock where it is held throughout."""
        self._held.close()


def first_video(assignment: Assignment, work: Work) -> Path | RemoteFile | None:
    """Return the first video of a match; None without one, which is an error later."""
    try:
        return assignment.halves(work.experiment.task)[0].video
    except DataError:
        return None
