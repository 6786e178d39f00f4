"""Who gets which job, and what becomes of one that fails: the rules of the pool, without its processes.

a file that a backend does not open     goes to other backends, this one is not asked for it again
a read that a backend fails at          goes to other backends (`moved`), the file stays with this one too
a frame that a backend does not output  `pyav`, if there is one, has the last word: batches are then the same
                                        whatever the mix
a worker that dies with a job           the job is done again, next; the third such worker makes it an error
an idle job                             goes to a worker that none of the other jobs is for
"""

import logging
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from bvas.errors import DecodeError, WorkerError
from bvas.loading.read_jobs import Failure, ReadAnswer, ReadJob

logger = logging.getLogger(__name__)

REFERENCE = "pyav"
MAX_STRIKES = 3
"""Workers that a job may take along."""


class JobQueue:
    """The jobs that no worker has, and what is known of them. Belongs to whoever holds the pool's lock."""

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
        # By job: what backends made of it that shall not have it again, and why workers died with it.
        self._failures: dict[int, dict[str, Failure]] = {}
        self._strikes: dict[int, list[str]] = {}
        self._owners: dict[int, str] = {}

    def put(self, jobs: Sequence[ReadJob], *, first: bool = False) -> list[ReadAnswer]:
        """Queue jobs behind the others, or with `first` before them; answer those that nobody can do."""
        answers = []
        kept = []
        for job in jobs:
            if self._candidates(job):
                kept.append(job)
            else:
                answers.append(self._give_up(job))
        for queue, its in (
            (self._pending, [job for job in kept if not job.is_idle]),
            (self._idle, [job for job in kept if job.is_idle]),
        ):
            if first:
                queue.extendleft(reversed(its))
            else:
                queue.extend(its)
        return answers

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

    def settle(self, job: ReadJob, backend: str, answer: ReadAnswer) -> list[ReadAnswer]:
        """Return the answers that are final now; none where the job goes on to another backend."""
        failure = answer.failure
        if failure is None or failure.kind == "error" or (failure.kind == "damaged" and backend == REFERENCE):
            self._forget(job)
            return [answer]
        if failure.kind == "refused":
            refusals = self._refusals.setdefault(job.path, {})
            if backend not in refusals:
                logger.info("%s does not read %s: %s", backend, job.path, failure.error)
            refusals[backend] = failure
            # Jobs of the same file may have nobody left to do them.
            waiting = [*self._pending, *self._idle]
            self._pending.clear()
            self._idle.clear()
            return self.put([job, *waiting])
        failures = self._failures.setdefault(job.job_id, {})
        failures[backend] = failure
        if failure.kind == "damaged":
            if REFERENCE not in self._candidates(job):
                self._forget(job)
                return [answer]
            failures |= {other: failure for other in self._backends if other not in (REFERENCE, *failures)}
        if self._candidates(job):
            self.moved += 1
            logger.info("moved from %s, %s: %s", backend, job.note(), failure.error)
        return self.put([job], first=True)

    def strike(self, job: ReadJob, why: str) -> list[ReadAnswer]:
        """Take back the job of a worker that is gone; answer it if it was the last one that it may have."""
        strikes = self._strikes.setdefault(job.job_id, [])
        strikes.append(why)
        if len(strikes) < MAX_STRIKES:
            return self.put([job], first=True)
        self._forget(job)
        error = WorkerError(f"{MAX_STRIKES} workers ended {job.note()}: " + "; ".join(strikes))
        return [ReadAnswer(job.job_id, Failure(error, "error", ""))]

    def forget_worker(self, worker: str) -> None:
        """Note that a worker is gone: its chains may go on anywhere."""
        self._owners = {chain: owner for chain, owner in self._owners.items() if owner != worker}

    def cancel(self, *, idle: bool = False) -> list[ReadJob]:
        """Take back all jobs that no worker has, or all idle ones, and forget the chains: an epoch is over."""
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

    def _give_up(self, job: ReadJob) -> ReadAnswer:
        """Answer a job that no backend can do, with the reason of each."""
        reasons = self._refusals.get(job.path, {}) | self._failures.get(job.job_id, {})
        self._forget(job)
        first = next(iter(reasons.values()))
        if len(reasons) == 1:
            # A copy: the one that is raised gets notes.
            error: Exception = first.error
            if isinstance(error, DecodeError):
                error = DecodeError(str(error), path=error.path, lost=error.lost)
            return ReadAnswer(job.job_id, replace(first, error=error))
        listed = "; ".join(f"{backend}: {failure.error}" for backend, failure in reasons.items())
        error = DecodeError(
            f"no worker reads {job.path}: {listed}; give the loader workers of a backend that reads it "
            f'({REFERENCE} reads all files), such as workers={{"{REFERENCE}": 2}}',
            path=job.path,
        )
        return ReadAnswer(job.job_id, Failure(error, "unread", first.trace))

    def _forget(self, job: ReadJob) -> None:
        self._failures.pop(job.job_id, None)
        self._strikes.pop(job.job_id, None)
