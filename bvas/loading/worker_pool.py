"""Worker pool with deadlines and restarts.

    submit ──▶ JobQueue ──▶ idle worker whose backend may do it ──▶ results ──▶ next_result
                               one pipe each, no shared lock

A thread of the parent starts the workers and serves the pipes, so that a worker gets its next job while a training
step runs. A worker that dies is replaced. One that gives no result in time is killed and replaced. In both cases its
job is done again. Slots of a dead worker are reused only after the system has reported the end of its process, so no
process writes to a slot that belongs to another clip.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import wait

from bvas.errors import WorkerError
from bvas.loading.job_queue import JobQueue
from bvas.loading.loader_stats import LoaderStats, WorkerStats
from bvas.loading.read_jobs import ReadJob, ReadResult, Ready
from bvas.loading.worker import WorkerSettings
from bvas.loading.worker_process import Worker, may_start_another, start_worker

logger = logging.getLogger(__name__)

_SECONDS_TO_START = 10.0
_SECONDS_TO_LEAVE = 2.0
_SECONDS_TO_DIE = 30.0


class WorkerPool:
    """A `JobRunner` of spawned processes. `submit`, `next_result` and `cancel` are for one thread."""

    def __init__(
        self,
        workers: Mapping[str, int],
        settings: WorkerSettings,
        *,
        timeout_seconds: float,
        start_seconds: float | None = None,
    ) -> None:
        """Start the processes; returns before they are ready.

        Args:
            workers: How many for each backend; at least one in all.
            settings: Settings of every worker.
            timeout_seconds: Longest time from handing out a job to its result.
            start_seconds: Longest time from the start of a process until it is ready; None: `timeout_seconds`, but at
                least 10 s, since a worker imports its libraries.
        """
        self._wanted = [(f"{name}-{n}", name) for name, count in workers.items() for n in range(count)]
        self._settings = settings
        self._timeout_seconds = timeout_seconds
        self._start_seconds = (
            max(timeout_seconds, _SECONDS_TO_START) if start_seconds is None else start_seconds
        )
        self._changed = threading.Condition()
        self._queue = JobQueue(workers.keys())
        self._results: deque[ReadResult] = deque()
        self._idle_results: deque[ReadResult] = deque()
        self._idle_ids: set[int] = set()
        # The message only: a kept exception would keep the stack frames that it was raised in.
        self._failure: str | None = None
        self._woken, self._wake = get_context("spawn").Pipe(duplex=False)
        self._workers: list[Worker] = []
        self._ended_early: Counter[str] = Counter()
        """Workers that ended before they were ready, since the last one that was."""
        self.num_restarts = 0
        """Workers that were replaced."""
        self._stats = {name: WorkerStats() for name, _ in self._wanted}
        started = threading.Event()
        # Workers end with the thread that started them, so this thread lives as long as the pool.
        self._thread = threading.Thread(target=self._serve, args=(started,), name="bvas-loader", daemon=True)
        self._thread.start()
        try:
            started.wait()
        except BaseException:
            self.close()
            raise

    @property
    def stats(self) -> LoaderStats:
        """Work, restarts and moves so far, a copy."""
        with self._changed:
            workers = {name: replace(worker) for name, worker in self._stats.items()}
            return LoaderStats(restarts=self.num_restarts, moved=self._queue.moved, workers=workers)

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
            self._add_results(self._queue.put(jobs, first=first))
            self._wake.send_bytes(b"")

    def has_result(self, *, idle: bool = False) -> bool:
        """Return whether `next_result` need not wait."""
        with self._changed:
            return bool(self._idle_results if idle else self._results) or self._failure is not None

    def next_result(self, *, idle: bool = False) -> ReadResult:
        """Wait for the next job to be over, an idle one or another.

        Raises:
            WorkerError: the pool is closed, or no worker can be started or ended any more.
        """
        results = self._idle_results if idle else self._results
        with self._changed:
            while not results and self._failure is None:
                # The timeout is for the case that the thread has died.
                self._changed.wait(timeout=1.0)
                if not self._thread.is_alive():
                    self._fail("the loader's thread ended; the output above says why")
            if self._failure is None:
                return results.popleft()
            failure = self._failure
        self.close()
        raise WorkerError(failure)

    def cancel(self, *, idle: bool = False) -> list[ReadJob]:
        """Take back the jobs, or the idle ones, that no worker has yet; results of the others still come."""
        with self._changed:
            taken = self._queue.cancel(idle=idle)
            self._idle_ids.difference_update(job.job_id for job in taken)
            return taken

    def close(self) -> None:
        """End the processes, by force if they do not end by themselves. May be called twice."""
        with self._changed:
            self._fail("the loader is closed")
            if not self._wake.closed:
                self._wake.send_bytes(b"")
        # A loader may be garbage-collected, and so closed, in any thread, this one included.
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
        """Wait for the next event and handle it; return whether the pool stays open."""
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
            # Results first: one may be the last message of a dead worker.
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
            message: ReadResult | Ready = worker.pipe.recv()
        except (EOFError, OSError):
            # Wait for its exit code.
            worker.give_up("", _SECONDS_TO_LEAVE)
            return
        if isinstance(message, Ready):
            worker.is_ready = True
            self._ended_early.clear()
            return
        job, worker.job = worker.job, None
        assert job is not None
        assert job.job_id == message.job_id
        self._stats[worker.name].add(message, len(job.clips))
        self._add_results(self._queue.settle(job, worker.backend, message))

    def _replace(self, worker: Worker) -> None:
        """Clean up after a dead worker, and start another in its place."""
        while worker.ending is None and worker.pipe.poll():
            self._receive(worker)
        worker.process.join()
        how = worker.ending or f"died, {worker.exit_reason()}"
        what = f"worker {worker.name} (backend {worker.backend}) {how}, {worker.doing()}"
        self._workers.remove(worker)
        self._queue.forget_worker(worker.name)
        if worker.job is not None:
            self._add_results(self._queue.strike(worker.job, how))
        if not worker.is_ready and not may_start_another(self._ended_early, worker):
            self._fail(f"workers end before they can work; {what}; their output above says why")
        worker.release()
        if self._failure is None:
            logger.warning("%s; a new worker replaces it", what)
            self.num_restarts += 1
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
                    f"worker {worker.name} cannot be ended, {worker.doing()}; does the disk that it reads from "
                    "respond?"
                )
            elif worker.job is not None:
                hint = "; for a slow disk, raise loading.timeout_seconds in the config"
                worker.kill(f"gave no result for {self._timeout_seconds:g} s{hint}", _SECONDS_TO_DIE)
            else:
                worker.kill(f"was not ready after {self._start_seconds:g} s", _SECONDS_TO_DIE)

    def _end_workers(self) -> None:
        for worker in self._workers:
            worker.pipe.close()
        deadline = time.monotonic() + _SECONDS_TO_LEAVE
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
        for worker in self._workers:
            # It does not serve its pipe: stopped, or in the middle of a decode. Nothing is lost with it.
            worker.process.kill()
        for worker in self._workers:
            worker.process.join(_SECONDS_TO_LEAVE)
            worker.release()
        with self._changed:
            self._workers.clear()
            self._woken.close()
            self._wake.close()

    def _add_results(self, results: Sequence[ReadResult]) -> None:
        for result in results:
            if result.job_id in self._idle_ids:
                self._idle_ids.remove(result.job_id)
                self._idle_results.append(result)
            else:
                self._results.append(result)

    def _fail(self, message: str) -> None:
        if self._failure is None:
            self._failure = message
        self._changed.notify_all()
