"""The worker processes, the one queue that they are fed from, and their deadlines.

    submit ──▶ pending jobs ──▶ a free worker whose backend reads the file ──▶ answers ──▶ next_answer
                 (in order)       one pipe each, no lock shared

A thread of the parent serves the pipes, so that a worker that is done gets its next job
while the training step runs. A worker that dies, or gives no answer in time, ends the
pool with a `WorkerError`: nobody waits for what cannot come.
"""

import logging
import signal
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path

from bvas.errors import WorkerError
from bvas.loading.jobs import ReadAnswer, ReadJob
from bvas.loading.shared import SharedFrames
from bvas.loading.spawn import Worker, start_worker

logger = logging.getLogger(__name__)

_SECONDS_TO_LEAVE = 2.0
_KILLED = 9


class WorkerPool:
    """Spawned processes that do jobs. `submit`, `next_answer`, `cancel` belong to one thread."""

    def __init__(
        self,
        workers: Mapping[str, int],
        frames: SharedFrames,
        *,
        timeout_seconds: float,
        max_open: int,
        gpu: str = "cuda",
    ) -> None:
        """Start the processes; they import and open files on their own time.

        Args:
            workers: How many for each backend; at least one in all.
            frames: Where they write.
            timeout_seconds: Longest time from handing out a job to its answer; the first includes the start.
            max_open: Videos that a worker keeps open.
            gpu: The device that `nvdec` workers decode on.
        """
        self._frames = frames
        self._timeout_seconds = timeout_seconds
        self._changed = threading.Condition()
        self._pending: deque[ReadJob] = deque()
        self._answers: deque[ReadAnswer] = deque()
        self._refusals: dict[Path, dict[str, ReadAnswer]] = {}
        # A message: an exception that is kept would keep the frames that it was raised in.
        self._failure: str | None = None
        self._closing = False
        self._woken, self._wake = get_context("spawn").Pipe(duplex=False)
        self._workers: list[Worker] = []
        self._thread: threading.Thread | None = None
        try:
            for backend, count in workers.items():
                for number in range(count):
                    self._workers.append(start_worker(f"{backend}-{number}", backend, frames, max_open, gpu))
        except BaseException:
            self.close()
            raise
        self._thread = threading.Thread(target=self._serve, name="bvas-loader", daemon=True)
        self._thread.start()

    @property
    def clips_per_worker(self) -> dict[str, int]:
        """Clips that each worker has delivered."""
        return {worker.name: worker.num_clips for worker in self._workers}

    @property
    def process_ids(self) -> dict[str, int]:
        """Process id of each worker."""
        return {worker.name: worker.process_id for worker in self._workers}

    def submit(self, jobs: Sequence[ReadJob], *, first: bool = False) -> None:
        """Queue jobs behind the others, or with `first` before them.

        Raises:
            WorkerError: the pool is closed.
        """
        with self._changed:
            if self._closing and self._failure is not None:
                raise WorkerError(self._failure)
            if first:
                self._pending.extendleft(reversed(jobs))
            else:
                self._pending.extend(jobs)
        self._wake.send_bytes(b"")

    def next_answer(self) -> ReadAnswer:
        """Wait for the next job to be over.

        Raises:
            WorkerError: a worker died or gave no answer in time; the pool is closed.
        """
        with self._changed:
            while not self._answers and self._failure is None:
                # The thread notifies; the timeout is for the case that it cannot any more.
                self._changed.wait(timeout=1.0)
                if self._thread is None or not self._thread.is_alive():
                    self._fail("the loader's thread ended; its reason is in the output above")
            if self._failure is None:
                return self._answers.popleft()
            failure = self._failure
        self.close()
        raise WorkerError(failure)

    def cancel(self) -> list[ReadJob]:
        """Take back the jobs that no worker has yet; the others will still be answered."""
        with self._changed:
            taken = list(self._pending)
            self._pending.clear()
            return taken

    def close(self) -> None:
        """End the processes, by force if they do not leave by themselves. May be called twice."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._failure = self._failure or "the loader is closed"
            self._changed.notify_all()
        # A loader that is collected as garbage may be closed from any thread, this one included.
        if self._thread is not None and self._thread is not threading.current_thread():
            self._wake.send_bytes(b"")
            self._thread.join()
        for worker in self._workers:
            worker.pipe.close()
        deadline = time.monotonic() + _SECONDS_TO_LEAVE
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
        for worker in self._workers:
            if worker.process.is_alive():
                # Deaf to its pipe: stopped, or deep in a decode. Nothing of it is worth saving.
                worker.process.kill()
                worker.process.join()
            worker.process.close()
        self._woken.close()
        self._wake.close()

    def _serve(self) -> None:
        """Serve the pipes until the pool closes or fails: the body of the thread."""
        try:
            while True:
                with self._changed:
                    if self._closing or self._failure is not None:
                        return
                    self._hand_out()
                    busy = [worker for worker in self._workers if worker.job is not None]
                    by_pipe = {worker.pipe: worker for worker in self._workers}
                seconds = min((worker.deadline for worker in busy), default=float("inf")) - time.monotonic()
                timeout = None if not busy else max(0.0, seconds)
                ready = wait([self._woken, *by_pipe], timeout)
                with self._changed:
                    for pipe in ready:
                        if pipe is self._woken:
                            self._woken.recv_bytes()
                        else:
                            self._receive(by_pipe[pipe])  # type: ignore[index]
                    self._check_deadlines()
                    self._changed.notify_all()
        except BaseException as error:
            with self._changed:
                self._fail(f"the loader's own thread failed: {error!r}; please report this")
            raise

    def _hand_out(self) -> None:
        """Give each free worker the first pending job that its backend has not refused."""
        for job in [job for job in self._pending if self._nobody_reads(job.path)]:
            self._pending.remove(job)
            refusal = next(iter(self._refusals[job.path].values()))
            self._answers.append(ReadAnswer(job.job_id, refusal.failure))
            self._changed.notify_all()
        for worker in self._workers:
            if worker.job is not None:
                continue
            for job in self._pending:
                if worker.backend not in self._refusals.get(job.path, ()):
                    self._pending.remove(job)
                    worker.job = job
                    worker.deadline = time.monotonic() + self._timeout_seconds
                    try:
                        worker.pipe.send(job)
                    except OSError:
                        self._lose(worker)
                    break

    def _receive(self, worker: Worker) -> None:
        try:
            answer: ReadAnswer = worker.pipe.recv()
        except (EOFError, OSError):
            self._lose(worker)
            return
        job, worker.job = worker.job, None
        assert job is not None
        assert job.job_id == answer.job_id
        if answer.failure is None:
            worker.num_clips += job.num_clips
        elif answer.failure.refused:
            refusals = self._refusals.setdefault(job.path, {})
            if worker.backend not in refusals:
                logger.info("%s does not read %s: %s", worker.backend, job.path, answer.failure.error)
            refusals[worker.backend] = answer
            if not self._nobody_reads(job.path):
                self._pending.appendleft(job)
                return
            for backend, refusal in refusals.items():
                if backend != worker.backend and refusal.failure is not None:
                    answer.failure.error.add_note(
                        f"{backend} does not read it either: {refusal.failure.error}"
                    )
        self._answers.append(answer)

    def _nobody_reads(self, path: Path) -> bool:
        refusals = self._refusals.get(path)
        return refusals is not None and all(worker.backend in refusals for worker in self._workers)

    def _lose(self, worker: Worker) -> None:
        """Note that a worker has died."""
        worker.process.join(1.0)
        code = worker.process.exitcode
        how = f"exit code {code}"
        if code is not None and code < 0:
            how = f"signal {-code} ({signal.strsignal(-code)})"
            if -code == _KILLED:
                how += "; is the memory used up?"
        doing = "while it was idle" if worker.job is None else worker.job.note()
        self._fail(f"worker {worker.name} (backend {worker.backend}) died {doing}: {how}")

    def _check_deadlines(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.job is not None and now >= worker.deadline:
                worker.process.kill()
                self._fail(
                    f"worker {worker.name} (backend {worker.backend}) gave no answer for "
                    f"{self._timeout_seconds:g} s {worker.job.note()}; on a slow disk, allow more by "
                    "timeout_seconds"
                )

    def _fail(self, message: str) -> None:
        if self._failure is None:
            self._failure = message
            self._changed.notify_all()
