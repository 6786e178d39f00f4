"""Protocol of what does read jobs: worker processes, or this process itself."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from bvas.loading.loader_stats import WorkerStats
from bvas.loading.read_jobs import ReadJob, ReadResult


class JobRunner(Protocol):
    """Does jobs in any order: `WorkerPool`, `IdleRunner` or `InProcessRunner`."""

    @property
    def worker_stats(self) -> dict[str, WorkerStats]:
        """Work done under each worker's name, a copy."""
        ...

    @property
    def num_restarts(self) -> int:
        """Workers that were replaced."""
        ...

    @property
    def num_moved(self) -> int:
        """Jobs that went to another backend after one had failed at them."""
        ...

    @property
    def process_ids(self) -> Mapping[str, int]:
        """Process id of each worker that runs."""
        ...

    def submit(self, jobs: Sequence[ReadJob], *, first: bool = False) -> None:
        """Queue jobs behind the others, or with `first` before them.

        Raises:
            WorkerError: the runner is closed.
        """
        ...

    def has_result(self) -> bool:
        """Return whether `next_result` need not wait."""
        ...

    def next_result(self) -> ReadResult:
        """Wait for the next job to be over.

        Raises:
            WorkerError: the runner is closed, or no worker can be started or ended any more.
        """
        ...

    def cancel(self) -> list[ReadJob]:
        """Take back the jobs that no worker has begun; results of the others still come."""
        ...

    def close(self) -> None:
        """End the work. May be called twice."""
        ...
