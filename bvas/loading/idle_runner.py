"""Worker pool as a second loader uses it, for jobs that wait until the first loader has none."""

from collections.abc import Sequence
from dataclasses import replace

from bvas.loading.loader_stats import LoaderStats
from bvas.loading.read_jobs import ReadJob, ReadResult
from bvas.loading.worker_pool import WorkerPool


class IdleRunner:
    """A `JobRunner` over the pool of another loader."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    @property
    def stats(self) -> LoaderStats:
        """Work, restarts and moves so far, of both loaders, a copy."""
        return self._pool.stats

    @property
    def process_ids(self) -> dict[str, int]:
        """Process id of each worker that runs."""
        return self._pool.process_ids

    def submit(self, jobs: Sequence[ReadJob], *, first: bool = False) -> None:
        """Queue jobs as `WorkerPool.submit` does, behind all that are not idle."""
        self._pool.submit([replace(job, is_idle=True) for job in jobs], first=first)

    def has_result(self) -> bool:
        """Return whether `next_result` need not wait."""
        return self._pool.has_result(idle=True)

    def next_result(self) -> ReadResult:
        """Wait for the next job to be over."""
        return self._pool.next_result(idle=True)

    def cancel(self) -> list[ReadJob]:
        """Take back the jobs that no worker has yet."""
        return self._pool.cancel(idle=True)

    def close(self) -> None:
        """Do nothing: the pool belongs to the other loader."""
