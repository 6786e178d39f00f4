"""Training of several folds at once, each with a progress line."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from bvas.commands.console import progress_bar
from bvas.commands.job_bars import JobBars
from bvas.system.devices import use_device
from bvas.system.jobs.job import Ended, Executor, Job, MakeExecutor, Worker, reason_of
from bvas.system.jobs.processes import ProcessExecutor
from bvas.system.jobs.runner import TRIES, run_jobs
from bvas.training.distributed import World

logger = logging.getLogger(__name__)


def worker_devices(device: torch.device, jobs: int) -> list[str]:
    """Return the device of each of several workers: all GPUs in turn where `device` is CUDA without a number."""
    names = [str(device)]
    if device.type == "cuda" and device.index is None:
        names = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [names[place % len(names)] for place in range(jobs)]


def train_folds(
    folds: Sequence[int],
    train: Callable[..., Path],
    *,
    jobs: int,
    device: torch.device,
    title: str,
    quiet: bool,
    world: World | None = None,
    make_executor: MakeExecutor | None = None,
) -> dict[int, str]:
    """Train folds one after another in this process, or several at a time, each in a process.

    Returns the reason for each fold that failed where several are trained at a time: it stops no other.

    Args:
        folds: In the order in which they begin.
        train: `run_fold` with everything but fold, device, world and progress; it is pickled.
        jobs: Folds at a time.
        device: As `worker_devices` takes it.
        title: Begins the progress lines.
        quiet: Show no progress.
        world: The ranks that train a fold together, one fold at a time; None: this process alone.
        make_executor: Makes an executor of other machines, in place of `jobs` processes; paths must be absolute.

    Raises:
        BvasError: one of the folds that are trained one after another failed; those behind it are not trained.
    """
    if jobs <= 1 and make_executor is None:
        use_device(device)
        for fold in folds:
            with progress_bar(f"{title} fold {fold}", "clip", quiet=quiet) as progress:
                train(fold=fold, device=device, world=world, progress=progress)
        return {}
    names = {f"fold {fold}": fold for fold in folds}
    failures: dict[int, str] = {}
    with JobBars(f"{title} ", "clip", quiet=quiet) as bars:

        def settle(ended: Ended) -> None:
            bars.end(ended.job)
            if ended.error is not None:
                reason = reason_of(ended.error)
                failures[names[ended.job.name]] = reason
                logger.error("%s failed: %s", ended.job.name, reason)

        executor: Executor = (
            ProcessExecutor(worker_devices(device, jobs), remedy="use fewer --jobs")
            if make_executor is None
            else make_executor()
        )
        run_jobs(
            [Job(name, _train_fold, (train, fold)) for name, fold in names.items()],
            executor,
            on_end=settle,
            watch=bars.watch,
            tries=1 if make_executor is None else TRIES,
        )
    return dict(sorted(failures.items()))


def _train_fold(train: Callable[..., Path], fold: int, worker: Worker) -> Path:
    device = torch.device(worker.device)
    world = World(device=device, local_size=worker.num_workers)
    return train(fold=fold, device=device, world=world, progress=worker.progress)
