"""Schedule of a prediction: the jobs of match after match, and the results once the jobs of a match have ended."""

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from bvas.data.matches import Half
from bvas.errors import BusyError, DataError
from bvas.predicting.assignments import Assignment
from bvas.predicting.failures import note_failure
from bvas.predicting.match import MatchPrediction, first_video
from bvas.predicting.prepared_video import PreparedVideo, prepare_video
from bvas.predicting.progress import FrameCount
from bvas.predicting.segment_plan import jobs_of, own_runs
from bvas.predicting.segments import SegmentedVideo, predict_segments
from bvas.predicting.settings import Weights, Work, ends_all
from bvas.system.background import in_background
from bvas.system.jobs.job import USER_ERRORS, Ended, Job, JobError, reason_of
from bvas.system.scratch import Scratch
from bvas.values.progress import Progress
from bvas.video.index.remote_file import NoRoomError, RemoteFile

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_TRIES = 1.0


@dataclass(eq=False)
class Schedule:
    """The matches that are left, and the outcome of the others.

    `jobs` goes to `run_jobs`, and `settle` and `watch` receive their progress and their ends.
    """

    assignments: Sequence[Assignment]
    """Matches without finished results, in the order in which they begin."""
    work: Work
    """Settings of the prediction."""
    weights: Weights
    """Of the same work."""
    num_workers: int
    """Workers that take the jobs."""
    device: str
    """Device of a worker; all are of its kind."""
    progress: Progress | None = None
    """Receives the frames; None logs a line each minute instead."""
    num_finished: int = 0
    """Matches that have finished results."""

    def __post_init__(self) -> None:
        self._waiting = deque((0.0, assignment) for assignment in self.assignments)
        """With the time before which it is not tried again."""
        self._waited_for: set[Path] = set()
        """Folders of matches that other processes predicted the rest of."""
        self._preparing: dict[Path, dict[Path | RemoteFile, Future[PreparedVideo]]] = {}
        """By the match's folder, and by video; kept until the match ends."""
        self._scratch = Scratch(self.work.scratch)
        self._open: list[MatchPrediction] = []
        self._running: dict[str, tuple[MatchPrediction, int]] = {}
        """By job: its match, and the frames done."""
        sizes = {str(assignment.folder): _sizes(assignment, self.work) for assignment in self.assignments}
        self._count = FrameCount(sizes, self.progress)
        self.counts = {"made": 0, "finished": self.num_finished, "failed": 0}
        self.num_shared = 0
        """Rows that repeat the row before, because their frames are byte-equal."""
        self.num_rows = 0
        """Rows of the jobs that ended without an error."""
        self.failures: dict[str, str] = {}
        """Reason by match."""

    def jobs(self) -> Iterator[Job | None]:
        """Yield the jobs of all matches; None where the next one is not known yet.

        Raises:
            BvasError: weights, settings or a full disk, which all matches would fail with.
        """
        while self._waiting:
            if self._waiting[0][0] > time.monotonic():
                yield None
                continue
            match = self._begin(self._waiting.popleft()[1])
            if match is None:
                continue
            for half, following in zip_longest(match.missing, match.missing[1:]):
                yield from self._awaited(match, half)
                self._prepare_next(match.assignment, following)
                prepared, video = self._prepared(match.assignment, half.video), None
                try:
                    if match.takes_known(half, prepared.result()):
                        continue
                    video = match.segmented(half, prepared.result(), self.device)
                except BusyError:
                    break
                except USER_ERRORS as error:
                    self._fail(match, error)
                if video is None or match.failure is not None:
                    break
                yield from self._jobs_of_video(match, half, video)
            match.is_planned = True
            self._conclude(match)

    def _jobs_of_video(self, match: MatchPrediction, half: Half, video: SegmentedVideo) -> Iterator[Job]:
        """Yield the jobs of the segments that are missing and that no other process computes."""
        runs = own_runs([video.state(number) for number in range(video.num_segments)])
        name = str(match.assignment.folder)
        num_left = sum(len(video.frames_of(number)) for run in runs for number in run)
        self._count.open(name, half.number, num_frames=video.num_frames, num_left=num_left)
        for run in jobs_of(runs, self.num_workers):
            if match.failure is not None:
                return
            job_name = f"{name}/{half.stem} {run.start}-{run.stop - 1}"
            job = Job(job_name, predict_segments, (video, run.start, run.stop))
            self._running[job.name] = match, 0
            match.num_jobs += 1
            match.num_running += 1
            yield job

    def watch(self, job: Job, done: int, total: int, note: str) -> None:
        """Take the progress of a job."""
        match, before = self._running[job.name]
        self._running[job.name] = match, done
        self._count.add(str(match.assignment.folder), done - before)

    def settle(self, ended: Ended) -> None:
        """Take the end of a job.

        Raises:
            BvasError: weights, settings or a full disk, which all matches would fail with.
        """
        match, _ = self._running.pop(ended.job.name)
        match.num_running -= 1
        if ended.error is not None:
            self._fail(match, ended.error)
        else:
            num_shared, num_rows = ended.value
            self.num_shared += num_shared
            self.num_rows += num_rows
        self._conclude(match)

    def close(self) -> None:
        """Release the matches that are being predicted."""
        for match in list(self._open):
            self._release(match)
        self._scratch.close()

    def _begin(self, assignment: Assignment) -> MatchPrediction | None:
        """Open a match; None where it has ended, or another process predicts it."""
        try:
            match = MatchPrediction(assignment, self.work, self.weights)
        except BusyError:
            self._wait_for(assignment)
            return None
        except USER_ERRORS as error:
            if ends_all(error):
                raise
            self._end(assignment, error)
            return None
        self._open.append(match)
        if match.is_finished:
            self._release(match)
            self._end(assignment, was_finished=True)
            return None
        return match

    def _wait_for(self, assignment: Assignment) -> None:
        """Look at a match again later."""
        if assignment.folder not in self._waited_for:
            self._waited_for.add(assignment.folder)
            logger.info(
                "%s: other processes predict the rest of it; it is looked at again later", assignment.name
            )
        self._waiting.append((time.monotonic() + _SECONDS_BETWEEN_TRIES, assignment))

    def _awaited(self, match: MatchPrediction, half: Half) -> Iterator[None]:
        """Wait until a video is prepared; one that scratch had no room for is tried again behind the other matches."""
        while not (future := self._prepared(match.assignment, half.video)).done():
            yield None
        if isinstance(future.exception(), NoRoomError):
            while self._open != [match]:
                yield None
            own = self._preparing.pop(match.assignment.folder)
            del own[half.video]
            known = own.keys() - {one.video for one in match.missing}
            for video in known:
                own.pop(video).add_done_callback(_discard)
            # Matches that wait for other processes are prepared again.
            for folder in list(self._preparing):
                self._discard_prepared(folder)
            self._preparing[match.assignment.folder] = own
            while not self._prepared(match.assignment, half.video).done():
                yield None

    def _discard_prepared(self, folder: Path) -> None:
        """Forget the videos of a match, and remove copies of remote ones, also of those that are being fetched."""
        for future in self._preparing.pop(folder, {}).values():
            future.add_done_callback(_discard)

    def _prepared(self, assignment: Assignment, video: Path | RemoteFile) -> "Future[PreparedVideo]":
        """Return a video that is being prepared."""
        videos = self._preparing.setdefault(assignment.folder, {})
        if video not in videos:
            settings = self.work.experiment.input
            videos[video] = in_background(prepare_video, video, settings, self._scratch)
        return videos[video]

    def _prepare_next(self, assignment: Assignment, half: Half | None) -> None:
        """Begin to prepare the next video of a match, or the first one of the match behind it."""
        video = None if half is None else half.video
        if video is None and self._waiting:
            assignment = self._waiting[0][1]
            video = first_video(assignment, self.work)
        if video is not None:
            self._prepared(assignment, video)

    def _fail(self, match: MatchPrediction, error: JobError) -> None:
        if ends_all(error):
            raise error
        match.failure = match.failure or error

    def _conclude(self, match: MatchPrediction) -> None:
        """Write the results of a match if its segments are there, once all of its jobs have ended."""
        if match.num_running or not match.is_planned:
            return
        assignment, is_complete = match.assignment, False
        if match.failure is None:
            try:
                is_complete = match.write()
            except BusyError:
                pass
            except USER_ERRORS as error:
                self._fail(match, error)
        self._release(match)
        if is_complete or match.failure is not None:
            self._end(assignment, match.failure, was_finished=match.is_finished)
            return
        self._count.close(str(assignment.folder))
        if match.num_jobs:
            # Its jobs met other processes, which may be gone, or far from the rest.
            self._waiting.appendleft((0.0, assignment))
        else:
            self._wait_for(assignment)

    def _release(self, match: MatchPrediction) -> None:
        self._open.remove(match)
        match.close()

    def _end(
        self, assignment: Assignment, error: JobError | None = None, *, was_finished: bool = False
    ) -> None:
        """Count a match, and list it where it failed."""
        reason = None if error is None else reason_of(error)
        self.counts["finished" if was_finished else "made" if reason is None else "failed"] += 1
        if reason is not None:
            self.failures[assignment.name] = reason
            logger.error("%s failed: %s", assignment.name, reason)
        self._count.end(str(assignment.folder), is_failed=reason is not None)
        self._discard_prepared(assignment.folder)
        note_failure(assignment.out, assignment.name, reason)


def _discard(future: "Future[PreparedVideo]") -> None:
    if future.exception() is None:
        future.result().discard()


def _sizes(assignment: Assignment, work: Work) -> dict[int, int]:
    """Return the bytes of each video; empty where they are unavailable, which is an error later."""
    try:
        halves = assignment.halves(work.experiment.task)
        return {half.number: half.video.stat().st_size for half in halves if isinstance(half.video, Path)}
    except (DataError, OSError):
        return {}
