"""Progress bars of jobs that run at the same time, a line for each."""

from contextlib import ExitStack

from tqdm.contrib.logging import logging_redirect_tqdm

from bvas.commands.console import progress_bar
from bvas.system.jobs.job import Job
from bvas.values.progress import Progress


class JobBars(ExitStack):
    """A context, within which `watch` shows the progress of jobs, and `end` removes the line of one."""

    def __init__(self, title: str, unit: str, *, quiet: bool) -> None:
        """Take what begins each line, in front of the name of its job."""
        super().__init__()
        self._title, self._unit, self._quiet = title, unit, quiet
        self._lines: dict[str, tuple[int, Progress, ExitStack]] = {}
        self.enter_context(logging_redirect_tqdm())

    def watch(self, job: Job, done: int, total: int, note: str) -> None:
        """Move the line of a job, which takes the first free place."""
        if job.name not in self._lines:
            taken = {place for place, _, _ in self._lines.values()}
            place = next(place for place in range(len(taken) + 1) if place not in taken)
            line = self.enter_context(ExitStack())
            bar = progress_bar(f"{self._title}{job.name}", self._unit, quiet=self._quiet, place=place)
            self._lines[job.name] = place, line.enter_context(bar), line
        self._lines[job.name][1](done, total, note)

    def end(self, job: Job) -> None:
        """Remove the line of a job that ended."""
        if job.name in self._lines:
            self._lines.pop(job.name)[2].close()
