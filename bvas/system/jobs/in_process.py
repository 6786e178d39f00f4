"""Executor without processes: one job at a time, in the process that waits for it."""

import time
from typing import Any

from bvas.system.jobs.job import Ended, Job, Watch, Worker, run_job, use_cores


class InProcessExecutor:
    """The `Executor` of one device. An exception that is a defect of the program ends the run with its traceback."""

    num_workers = 1

    def __init__(self, device: str = "") -> None:
        """Take the device of the jobs; empty where they need none."""
        self._device = device
        self._kept: dict[str, Any] = {}
        self._job: Job | None = None
        if device:
            use_cores(device, 1)

    def num_idle(self) -> int:
        """Return 1 where no job waits to be run."""
        return int(self._job is None)

    def submit(self, job: Job) -> None:
        """Take a job; `wait` runs it."""
        self._job = job

    def wait(self, seconds: float | None, watch: Watch) -> list[Ended]:
        """Run the job that was submitted, and return its end; without one, sleep."""
        job, self._job = self._job, None
        if job is None:
            time.sleep(seconds or 0.0)
            return []

        def report(done: int, total: int, note: str = "") -> None:
            watch(job, done, total, note)

        worker = Worker(device=self._device, num_workers=1, kept=self._kept, progress=report)
        return [run_job(job, worker)]

    def close(self) -> None:
        """Forget the values that jobs have kept."""
        self._kept.clear()
