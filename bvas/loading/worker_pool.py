"""The worker processes, the one queue that they are fed from, and their deadlines.

    submit ──▶ JobQueue ──▶ an idle worker whose backend may do it ──▶ answers ──▶ next_answer
               (dispatch.py)  one pipe each, no lock shared

A thread of the parent starts the workers and serves the pipes, so that a worker that is done gets its next job
while the training step runs. A worker that dies is replaced, one that gives no answer in time is killed
and replaced, and its job is done again. Its slots are given to nobody before the system has
said that the process is gone: it writes to nothing that is another's.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import wait

from bvas.errors import WorkerError
from bvas.loading.job_queue import JobQueue
from bvas.loading.loader_stats import WorkerStats
from bvas.loading.read_jobs import ReadAnswer, ReadJob, Ready
from bvas.loading.worker import WorkerSettings
from bvas.loading.worker_process import StartCount, Worker, start_worker

logger = logging.getLogger(__name__)

_SECONDS_TO_LEAVE = 2.0
_SECONDS_TO_DIE = 30.0


class WorkerPool:
    """Spawned processes that do jobs. `submit`, `next_answer`, `cancel` belong to one thread."""

    def __init__(
        self,
        workers: Mapping[str, int],
        settings: WorkerSettings,
        *,
        timeout_seconds: float,
        start_seconds: float,
    ) -> None:
        """Start the processes; they import and open files on their own time.

        Args:
            workers: How many for each backend; at least one in all.
            settings: What they are told.
            timeout_seconds: Longest time from handing out a job to its answer.
            start_seconds: Longest time from the start of a process until it is ready.
        """
        self._wanted = [(f"{name}-{n}", name) for name, count in workers.items() for n in range(count)]
        self._settings = settings
        self._timeout_seconds = timeout_seconds
        self._start_seconds = start_seconds
        self._changed = threading.Condition()
        self._queue = JobQueue(workers.keys())
        self._answers: deque[ReadAnswer] = deque()
        self._idle_answers: deque[ReadAnswer] = deque()
        self._idle_ids: set[int] = set()
        # A message: an exception that is kept would keep the frames that it was raised in.
        self._failure: str | None = None
        self._woken, self._wake = get_context("spawn").Pipe(duplex=False)
        self._workers: list[Worker] = []
        self._starts = StartCount()
        self._num_restarts = 0
        self._stats = {name: WorkerStats() for name, _ in self._wanted}
        started = threading.Event()
        # Workers end with the thread that started them: this one lives as long as the pool.
        self._thread = threading.Thread(target=self._serve, args=(started,), name="bvas-loader", daemon=True)
        self._thread.start()
        try:
            started.wait()
        except BaseException:
            self.close()
            raise

    @property
    def worker_stats(self) -> dict[str, WorkerStats]:
        """What was done under each worker's name, a copy."""
        with self._changed:
            return {name: stats.copy() for name, stats in self._stats.items()}

    @property
    def num_restarts(self) -> int:
        """Workers that took the place of others."""
        return self._num_restarts

    @property
    def num_moved(self) -> int:
        """Jobs that went to another backend after one had failed at them."""
        return self._queue.moved

    @property
    def process_ids(self) -> dict[str, int]:
        """Process id of each worker that runs."""
        with self._changed:
            return {worker.name: worker.process_id for worker in self._workers}

    def submit(self, jobs: Sequence[ReadJob], *, first: bool = False) -> None:
        """Queue jobs behind the others, or with `first` before them.

        Raises:
            WorkerError: the pool is closed.
        """
        with self._changed:
            if self._failure is not None:
                raise WorkerError(self._failure)
            self._idle_ids.update(job.job_id for job in jobs if job.is_idle)
            self._answered(self._queue.put(jobs, first=first))
            self._wake.send_bytes(b"")

    def has_answer(self, *, idle: bool = False) -> bool:
        """Return whether `next_answer` need not wait."""
        with self._changed:
            return bool(self._idle_answers if idle else self._answers) or self._failure is not None

    def next_answer(self, *, idle: bool = False) -> ReadAnswer:
        """Wait for the next job to be over; of idle ones, if they are asked for, else of the others.

        Raises:
            WorkerError: no worker can be started or ended any more; the pool is closed.
        """
        answers = self._idle_answers if idle else self._answers
        with self._changed:
            while not answers and self._failure is None:
                # The thread notifies; the timeout is for the case that it cannot any more.
                self._changed.wait(timeout=1.0)
                if not self._thread.is_alive():
                    self._fail("the loader's thread ended; its reason is in the output above")
            if self._failure is None:
                return answers.popleft()
            failure = self._failure
        self.close()
        raise WorkerError(failure)

    def cancel(self, *, idle: bool = False) -> list[ReadJob]:
        """Take back the jobs, or the idle ones, that no worker has yet; the others will still be answered."""
        with self._changed:
            taken = self._queue.cancel(idle=idle)
            self._idle_ids.difference_update(job.job_id for job in taken)
            return taken

    def close(self) -> None:
        """End the processes, by force if they do not leave by themselves. May be called twice."""
        with self._changed:
            self._fail("the loader is closed")
            if not self._wake.closed:
                self._wake.send_bytes(b"")
        # A loader that is collected as garbage may be closed from any thread, that one included.
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _serve(self, started: threading.Event) -> None:
        """Start the workers, serve their pipes until the pool closes or fails, and end them."""
        try:
            with self._changed:
                for name, backend in self._wanted:
                    self._start(name, backend)
            started.set()
            while self._serve_once():
                pass
        except BaseException as error:
            with self._changed:
                self._fail(f"the loader's own thread failed: {error!r}; please report this")
            raise
        finally:
            self._end_workers()
            started.set()

    def _start(self, name: str, backend: str) -> None:
        try:
            worker = start_worker(name, backend, self._settings, self._start_seconds)
        except OSError as error:
            self._fail(f"worker {name} cannot be started: {error}; use fewer workers")
            return
        self._workers.append(worker)

    def _serve_once(self) -> bool:
        """Wait for something to happen and deal with it; return whether the pool goes on."""
        with self._changed:
            if self._failure is not None:
                return False
            self._hand_out()
            workers = list(self._workers)
            waiting = [worker for worker in workers if not worker.is_idle]
            seconds = min((worker.deadline for worker in waiting), default=float("inf")) - time.monotonic()
            pipes = {worker.pipe: worker for worker in workers if worker.ending is None}
            sentinels = {worker.process.sentinel: worker for worker in workers}
        ready = wait([self._woken, *pipes, *sentinels], max(0.0, seconds) if waiting else None)
        with self._changed:
            while self._woken.poll():
                self._woken.recv_bytes()
            # Answers first: one may be the last word of a worker that is gone.
            for pipe, worker in pipes.items():
                if pipe in ready:
                    self._receive(worker)
            for sentinel, worker in sentinels.items():
                if sentinel in ready:
                    self._replace(worker)
            self._check_deadlines()
            self._changed.notify_all()
        return True

    def _hand_out(self) -> None:
        for worker in self._workers:
            if worker.is_idle:
                job = self._queue.take(worker.name, worker.backend)
                if job is not None:
                    worker.job = job
                    worker.deadline = time.monotonic() + self._timeout_seconds
                    try:
                        worker.pipe.send(job)
                    except OSError:
                        worker.give_up("", _SECONDS_TO_LEAVE)

    def _receive(self, worker: Worker) -> None:
        try:
            message: ReadAnswer | Ready = worker.pipe.recv()
        except (EOFError, OSError):
            # Its exit code is worth waiting for.
            worker.give_up("", _SECONDS_TO_LEAVE)
            return
        if isinstance(message, Ready):
            worker.is_ready = True
            self._starts = StartCount()
            return
        job, worker.job = worker.job, None
        assert job is not None
        assert job.job_id == message.job_id
        self._stats[worker.name].add(message, job.num_clips)
        self._answered(self._queue.settle(job, worker.backend, message))

    def _replace(self, worker: Worker) -> None:
        """Bury a worker whose process is gone, and start another in its place."""
        while worker.ending is None and worker.pipe.poll():
            self._receive(worker)
        worker.process.join()
        how = worker.ending or f"died, {worker.exit_reason()}"
        what = f"worker {worker.name} (backend {worker.backend}) {how}, {worker.doing()}"
        self._workers.remove(worker)
        self._queue.forget_worker(worker.name)
        if worker.job is not None:
            self._answered(self._queue.strike(worker.job, how))
        if not worker.is_ready and not self._starts.may_go_on_after(worker):
            self._fail(f"workers end before they can work; {what}; their own output is above")
        worker.release()
        if self._failure is None:
            logger.warning("%s; another takes its place", what)
            self._num_restarts += 1
            self._start(worker.name, worker.backend)

    def _check_deadlines(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.is_idle or now < worker.deadline:
                continue
            if worker.ending is not None and not worker.is_killed:
                worker.kill(worker.ending, _SECONDS_TO_DIE)
            elif worker.ending is not None:
                self._fail(
                    f"worker {worker.name} cannot be ended, {worker.doing()}; does the disk that it reads "
                    "from answer?"
                )
            elif worker.job is not None:
                hint = "; on a slow disk, allow more by timeout_seconds"
                worker.kill(f"gave no answer for {self._timeout_seconds:g} s{hint}", _SECONDS_TO_DIE)
            else:
                worker.kill(f"was not ready after {self._start_seconds:g} s", _SECONDS_TO_DIE)

    def _end_workers(self) -> None:
        for worker in self._workers:
            worker.pipe.close()
        deadline = time.monotonic() + _SECONDS_TO_LEAVE
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
        for worker in self._workers:
            # Deaf to its pipe: stopped, or deep in a decode. Nothing of it is worth saving.
            worker.process.kill()
        for worker in self._workers:
            worker.process.join(_SECONDS_TO_LEAVE)
            worker.release()
        with self._changed:
            self._workers.clear()
            self._woken.close()
            self._wake.close()

    def _answered(self, answers: Sequence[ReadAnswer]) -> None:
        for answer in answers:
            if answer.job_id in self._idle_ids:
                self._idle_ids.remove(answer.job_id)
                self._idle_answers.append(answer)
            else:
                self._answers.append(answer)

    def _fail(self, message: str) -> None:
        if self._failure is None:
            self._failure = message
        self._changed.notify_all()


class IdleReader:
    """A pool as it reads for a second loader: what it is given waits until there is nothing else to do."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    @property
    def worker_stats(self) -> dict[str, WorkerStats]:
        """What was done under each worker's name, for both loaders."""
        return self._pool.worker_stats

    @property
    def num_restarts(self) -> int:
        """Workers that took the place of others."""
        return self._pool.num_restarts

    @property
    def num_moved(self) -> int:
        """Jobs that went to another backend, of both loaders."""
        return self._pool.num_moved

    @property
    def process_ids(self) -> dict[str, int]:
        """Process id of each worker that runs."""
        return self._pool.process_ids

    def submit(self, jobs: Sequence[ReadJob], *, first: bool = False) -> None:
        """Queue jobs as `WorkerPool.submit` does, behind all that are not idle."""
        self._pool.submit([replace(job, is_idle=True) for job in jobs], first=first)

    def has_answer(self) -> bool:
        """Return whether `next_answer` need not wait."""
        return self._pool.has_answer(idle=True)

    def next_answer(self) -> ReadAnswer:
        """Wait for the next job to be over."""
        return self._pool.next_answer(idle=True)

    def cancel(self) -> list[ReadJob]:
        """Take back the jobs that no worker has yet."""
        return self._pool.cancel(idle=True)

    def close(self) -> None:
        """Do nothing: the pool belongs to the other loader."""
