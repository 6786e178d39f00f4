"""The work of a `WorkerPool` without a process: jobs are done when their answer is asked for."""

from collections import deque
from collections.abc import Sequence

from bvas.errors import WorkerError
from bvas.loading.loader_stats import WorkerStats
from bvas.loading.open_videos import Readers
from bvas.loading.read_jobs import ReadAnswer, ReadJob
from bvas.loading.shared_slots import SharedFrames

NAME = "pyav-here"


class LocalReader:
    """Reads in the calling process: for small inputs, and to step through with a debugger."""

    num_restarts = 0
    num_moved = 0

    def __init__(self, frames: SharedFrames, *, max_open: int) -> None:
        self._frames = frames
        # `pyav` is the reference. A GPU decoder may end its process, which a worker can afford and we cannot.
        self._readers = Readers("pyav", frames.clip_shape[1:], max_open=max_open)
        self._pending: deque[ReadJob] = deque()
        self._stats = WorkerStats()
        self._closed = False

    @property
    def worker_stats(self) -> dict[str, WorkerStats]:
        """What was done, under one name."""
        return {NAME: self._stats.copy()}

    @property
    def process_ids(self) -> dict[str, int]:
        """None: there are no processes."""
        return {}

    def submit(self, jobs: Sequence[ReadJob], *, first: bool = False) -> None:
        """Queue jobs behind the others, or with `first` before them.

        Raises:
            WorkerError: the loader is closed.
        """
        if self._closed:
            raise WorkerError("the loader is closed")
        if first:
            self._pending.extendleft(reversed(jobs))
        else:
            self._pending.extend(jobs)

    def has_answer(self) -> bool:
        """Return False: nothing is read before it is asked for."""
        return False

    def next_answer(self) -> ReadAnswer:
        """Do the next job.

        Raises:
            WorkerError: the loader is closed.
        """
        if self._closed:
            raise WorkerError("the loader is closed")
        job = self._pending.popleft()
        answer = self._readers.read(job, [self._frames.slot(slot) for slot in job.slots])
        self._stats.add(answer, job.num_clips)
        return answer

    def cancel(self) -> list[ReadJob]:
        """Take back the jobs that are not done."""
        taken = list(self._pending)
        self._pending.clear()
        return taken

    def close(self) -> None:
        """Close the videos."""
        self._closed = True
        self._readers.close()
