"""Folder of a set of synthetic videos, and the jobs that write them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bvas.errors import ConfigError, DataError
from bvas.synthetic.league import check_config
from bvas.system.cpu_cores import free_cores
from bvas.system.jobs.in_process import InProcessExecutor
from bvas.system.jobs.job import Ended, Executor, Job, MakeExecutor
from bvas.system.jobs.processes import ProcessExecutor
from bvas.system.jobs.runner import TRIES, run_jobs


def open_root(root: Path, config: Any, *, config_name: str, folder: str) -> None:
    """Make the folder of the videos below a data root, and write or compare the config.

    Args:
        root: The data root; made where it is missing.
        config: The config of the set.
        config_name: File of the config below `root`.
        folder: Folder of the videos below `root`.

    Raises:
        DataError: `root` holds other data, or cannot be written.
    """
    videos = root / folder
    try:
        videos.mkdir(parents=True, exist_ok=True)
        others = [entry for entry in root.iterdir() if entry.name not in (config_name, folder)]
        check_config(root / config_name, config, is_used=bool(others or any(videos.iterdir())))
    except OSError as error:
        raise DataError(f"cannot write {root}: {error.strerror}; choose a folder that is writable") from error


def check_jobs(jobs: int | None) -> None:
    """Check a number of processes.

    Raises:
        ConfigError: it is below 1.
    """
    if jobs is not None and jobs < 1:
        raise ConfigError(f"jobs must be at least 1, got {jobs}")


def run_writers(
    tasks: Sequence[Job],
    jobs: int | None,
    make_executor: MakeExecutor | None,
    *,
    on_end: Callable[[Job], None] | None = None,
    watch: Callable[[Job, int, int, str], None] | None = None,
) -> None:
    """Run jobs that write videos, in this process or in several; the first error ends all.

    Args:
        tasks: The jobs.
        jobs: Processes at a time; None is one for each CPU.
        make_executor: Makes an executor of other machines, in place of processes.
        on_end: Called with each finished job.
        watch: Called with a job's own progress.
    """

    def settle(ended: Ended) -> None:
        if ended.error is not None:
            ended.error.add_note(f"while writing {ended.job.name}")
            raise ended.error
        if on_end is not None:
            on_end(ended.job)

    if not tasks:
        return
    workers = max(1, min(free_cores() if jobs is None else jobs, len(tasks)))
    executor: Executor = (
        make_executor()
        if make_executor is not None
        else InProcessExecutor()
        if workers == 1
        else ProcessExecutor([""] * workers, remedy="use fewer --jobs")
    )
    run_jobs(tasks, executor, on_end=settle, watch=watch, tries=1 if make_executor is None else TRIES)
