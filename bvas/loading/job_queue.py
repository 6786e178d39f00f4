"""Queue of read jobs, with the rules for jobs that fail; knows no processes.

a backend does not open a file      other backends get the job, this one gets no job of the file again
a backend fails at a read           other backends get the job (`moved`), this one keeps the file
a decoder does not output a frame   `pyav`, if there is one, decides: batches are then the same for any workers
a worker dies with a job            the job is done again, next; after the third worker it is an error
an idle job                         waits until no other job is for the worker
"""

import logging
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from bvas.errors import DecodeError, WorkerError
from bvas.loading.read_jobs import Failure, ReadJob, ReadResult

logger = logging.getLogger(__name__)

REFERENCE = "pyav"
MAX_STRIKES = 3
"""Workers that may die with one job before it is an error."""


class JobQueue:
    """Jobs that no worker has, and what is known of them. Guarded by the pool's lock."""

    def __init__(self, backends: Collection[str]) -> None:
        """Start empty.

        Args:
            backends: Those that have workers.
        """
        self.moved = 0
        """Jobs that went to another backend after one had failed at them."""
        self._backends = tuple(backends)
        self._pending: deque[ReadJob] = deque()
        self._idle: deque[ReadJob] = deque()
        self._refusals: dict[Path, dict[str, Failure]] = {}
        # By job: failures of backends that must not get it again, and reasons why workers died with it.
        self._failures: dict[int, dict[str, Failure]] = {}
        self._strikes: dict[int, list[str]] = {}
        self._owners: dict[int, str] = {}

    def put(self, jobs: Sequence[ReadJob], *, first: bool = False) -> list[ReadResult]:
        """Queue jobs behind the others, or with `first` before them; return results of those that no backend can do."""
        kept = [job for job in jobs if self._candidates(job)]
        results = [self._give_up(job) for job in jobs if not self._candidates(job)]
        for job in reversed(kept) if first else kept:
            queue = self._idle if job.is_idle else self._pending
            if first:
                queue.appendleft(job)
            else:
                queue.append(job)
        return results

    def take(self, worker: str, backend: str) -> ReadJob | None:
        """Return the first job that this worker may do, or None.

        The next job of a chain waits for the worker that had the one before.
        """
        for queue in (self._pending, self._idle):
            for place, job in enumerate(queue):
                owner = self._owner(job)
                if owner not in (None, worker) or backend not in self._candidates(job):
                    continue
                del queue[place]
                if job.chain is not None:
                    self._owners[job.chain] = worker
                return job
        return None

    def settle(self, job: ReadJob, backend: str, result: ReadResult) -> list[ReadResult]:
        """Return the results that are final now; none where the job moves to another backend."""
        failure = result.failure
        if failure is None or failure.kind == "error" or (failure.kind == "damaged" and backend == REFERENCE):
            self._forget(job)
            return [result]
        if failure.kind == "refused":
            refusals = self._refusals.setdefault(job.path, {})
            if backend not in refusals:
                logger.info("%s does not read %s: %s", backend, job.path, failure.error)
            refusals[backend] = failure
            # Other jobs of the file may have no backend left.
            waiting = [*self._pending, *self._idle]
            self._pending.clear()
            self._idle.clear()
            return self.put([job, *waiting])
        failures = self._failures.setdefault(job.job_id, {})
        failures[backend] = failure
        if failure.kind == "damaged":
            if REFERENCE not in self._candidates(job):
                self._forget(job)
                return [result]
            failures |= {other: failure for other in self._backends if other not in (REFERENCE, *failures)}
        if self._candidates(job):
            self.moved += 1
            logger.info("moved from %s, %s: %s", backend, job.note(), failure.error)
        return self.put([job], first=True)

    def strike(self, job: ReadJob, why: str) -> list[ReadResult]:
        """Requeue the job of a dead worker; return an error as its result after the last try."""
        strikes = self._strikes.setdefault(job.job_id, [])
        strikes.append(why)
        if len(strikes) < MAX_STRIKES:
            return self.put([job], first=True)
        self._forget(job)
        error = WorkerError(f"{MAX_STRIKES} workers ended {job.note()}: " + "; ".join(strikes))
        return [ReadResult(job.job_id, Failure(error, "error", ""))]

    def forget_worker(self, worker: str) -> None:
        """Release the chains of a dead worker: any other may continue them."""
        self._owners = {chain: owner for chain, owner in self._owners.items() if owner != worker}

    def cancel(self, *, idle: bool = False) -> list[ReadJob]:
        """Take back all jobs that no worker has, or all idle ones, and release the chains: an epoch is over."""
        queue = self._idle if idle else self._pending
        taken = list(queue)
        queue.clear()
        self._owners.clear()
        for job in taken:
            self._forget(job)
        return taken

    def _owner(self, job: ReadJob) -> str | None:
        owner = None if job.chain is None else self._owners.get(job.chain)
        # Workers are named after their backend and a number.
        if owner is not None and owner.rsplit("-", 1)[0] not in self._candidates(job):
            return None
        return owner

    def _candidates(self, job: ReadJob) -> tuple[str, ...]:
        """Return the backends that may still do a job."""
        without = {*self._refusals.get(job.path, ()), *self._failures.get(job.job_id, ())}
        return tuple(backend for backend in self._backends if backend not in without)

    def _give_up(self, job: ReadJob) -> ReadResult:
        """Return the failure of a job that no backend can do, with the reason of each."""
        reasons = self._refusals.get(job.path, {}) | self._failures.get(job.job_id, {})
        self._forget(job)
        first = next(iter(reasons.values()))
        if len(reasons) == 1:
            # A copy, since notes are added to the error that is raised.
            error: Exception = first.error
            if isinstance(error, DecodeError):
                error = DecodeError(str(error), path=error.path, lost=error.lost)
            return ReadResult(job.job_id, replace(first, error=error))
        listed = "; ".join(f"{backend}: {failure.error}" for backend, failure in reasons.items())
        error = DecodeError(
            f"no worker reads {job.path}: {listed}; give the loader workers of a backend that reads it "
            f'({REFERENCE} reads all files), such as workers={{"{REFERENCE}": 2}}',
            path=job.path,
        )
        return ReadResult(job.job_id, Failure(error, "unread", first.trace))

    def _forget(self, job: ReadJob) -> None:
        self._failures.pop(job.job_id, None)
        self._strikes.pop(job.job_id, None)
