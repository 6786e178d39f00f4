"""In-process stand-in for `WorkerPool`: runs each job when its result is asked for."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from bvas.errors import WorkerError
from bvas.loading.loader_stats import LoaderStats, WorkerStats
from bvas.loading.open_videos import OpenVideos
from bvas.loading.read_jobs import ReadJob, ReadResult
from bvas.loading.shared_slots import SharedFrames
from bvas.values.input_format import InputFormat

NAME = "pyav-here"


class InProcessRunner:
    """A `JobRunner` without processes: for small inputs, and for a debugger. It has no idle jobs."""

    def __init__(self, frames: SharedFrames, form: InputFormat | None = None) -> None:
        self._frames = frames
        # `pyav` is the reference. A GPU decoder may end its process, which a worker can afford and we cannot.
        self._videos = OpenVideos("pyav", form or frames.frame_size)
        self._pending: deque[ReadJob] = deque()
        self._stats = WorkerStats()
        self._closed = False

    @property
    def stats(self) -> LoaderStats:
        """Work done so far, under one name, a copy."""
        return LoaderStats(workers={NAME: replace(self._stats)})

    @property
    def process_ids(self) -> dict[str, int]:
        """Empty: there are no processes."""
        return {}

    def submit(self, jobs: Sequence[ReadJob], *, first: bool = False) -> None:
        """Queue jobs behind the others, or with `first` before them."""
        self._check_open()
        if first:
            self._pending.extendleft(reversed(jobs))
        else:
            self._pending.extend(jobs)

    def has_result(self, *, idle: bool = False) -> bool:
        """Return False: nothing is read before its result is asked for."""
        return False

    def next_result(self, *, idle: bool = False) -> ReadResult:
        """Do the next job."""
        self._check_open()
        job = self._pending.popleft()
        result = self._videos.read(job, [self._frames.slot(slot) for slot in job.slots])
        self._stats.add(result, len(job.clips))
        return result

    def cancel(self, *, idle: bool = False) -> list[ReadJob]:
        """Take back the jobs that are not done."""
        taken = list(self._pending)
        self._pending.clear()
        return taken

    def close(self) -> None:
        """Close the videos."""
        self._closed = True
        self._videos.close()

    def _check_open(self) -> None:
        if self._closed:
            raise WorkerError("the loader is closed")
