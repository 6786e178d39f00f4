"""The loop that runs jobs on an executor."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable

from bvas.system.jobs.job import Ended, Executor, Job, Watch

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 0.05
TRIES = 3
"""How often a job is tried whose worker is killed, where that may be no fault of the job."""
_NO_MORE = Job("", print)


def run_jobs(
    jobs: Iterable[Job | None],
    executor: Executor,
    *,
    on_end: Callable[[Ended], None],
    watch: Watch | None = None,
    tries: int = 1,
) -> None:
    """Run jobs, as many at a time as the executor has workers, and close the executor, whatever happens.

    A failed job stops no other. A job whose worker was killed is given to the next idle worker.

    Args:
        jobs: In the order in which they begin. A job is taken when a worker is idle, so that a generator can
            decide late; it yields None where the next job is not known yet.
        executor: Runs them.
        on_end: Receives the end of each job, in the order in which they end. An exception from it ends the run.
        watch: Receives the progress of running jobs.
        tries: How often a job is tried whose worker is killed.

    Raises:
        WorkerError: the executor has no worker left.
    """
    source = iter(jobs)
    again: deque[Job] = deque()
    num_tries: Counter[str] = Counter()
    num_running = 0
    job: Job | None = None
    try:
        while True:
            while executor.num_idle():
                job = again.popleft() if again else next(source, _NO_MORE)
                if job is None or job is _NO_MORE:
                    break
                executor.submit(job)
                num_running += 1
            if job is _NO_MORE and not num_running:
                return
            # Nothing tells when a generator that yielded None knows its next job.
            for ended in executor.wait(_SECONDS_BETWEEN_LOOKS if job is None else None, watch or _ignore):
                num_running -= 1
                num_tries[ended.job.name] += ended.is_lost
                if ended.is_lost and num_tries[ended.job.name] < tries:
                    logger.warning("%s: %s; it is tried again", ended.job.name, ended.error)
                    again.append(ended.job)
                else:
                    if ended.is_lost and ended.error is not None and tries > 1:
                        ended.error.add_note(f"the job lost {tries} workers")
                    # A later job may have the same name.
                    num_tries.pop(ended.job.name, None)
                    on_end(ended)
    finally:
        executor.close()


def _ignore(job: Job, done: int, total: int, note: str) -> None:
    pass
