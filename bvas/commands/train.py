"""Train an experiment: python -m bvas.train --experiment NAME [--folds 0,3]."""

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bvas.commands.console import (
    DONE_IN_PART,
    OK,
    WRONG_INPUT,
    add_folders,
    add_machine,
    parse_workers,
    progress_bar,
    run_command,
)
from bvas.errors import ConfigError

if TYPE_CHECKING:
    import torch

    from bvas.commands.fold_jobs import FoldWork

logger = logging.getLogger(__name__)


def build_parser(prog: str | None) -> argparse.ArgumentParser:
    """Return the command's parser."""
    parser = argparse.ArgumentParser(
        prog=prog or "python -m bvas.train", description="Train an experiment on folds."
    )
    parser.add_argument("--experiment", required=True, metavar="NAME", help="config name or path")
    parser.add_argument(
        "--folds",
        default=None,
        help="all, or numbers like 0,3 (default: those that the config names, else all)",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="folds at a time, each in a process of its own, on the GPUs in turn (default: 1)",
    )
    parser.add_argument(
        "--on-error",
        choices=["raise", "skip"],
        default="raise",
        help="a clip that cannot be decoded: stop, or draw another one and count it (default: raise)",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="in place of the config's; give it its own --runs"
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume",
        action="store_true",
        help="go on with an unfinished run, and fail if there is none; without it one is gone on with if there is one",
    )
    again.add_argument("--overwrite", action="store_true", help="train anew, whatever there is")
    add_folders(parser)
    add_machine(parser, workers=True)
    return parser


def run(args: argparse.Namespace) -> int:
    """Train the folds one after another, alone or as one of torchrun's processes, or several at once."""
    from bvas.system.devices import choose_device, use_device
    from bvas.training.distributed import is_launched, join_world, rank_device

    if args.jobs < 1 or (args.jobs > 1 and is_launched()):
        raise ConfigError(
            f"--jobs must be at least 1, and 1 under torchrun, whose processes train a fold together; got {args.jobs}"
        )
    device = rank_device(args.device) if is_launched() else choose_device(args.device)
    with join_world(device) as world:
        if not world.is_writer:
            logging.getLogger().setLevel(logging.WARNING)
        name, folds, work = _prepare(args)
        if args.jobs > 1 and len(folds) > 1:
            return _train_at_once(args, name, folds, work, device)
        use_device(device)
        for fold in folds:
            quiet = args.quiet or not world.is_writer
            with progress_bar(f"{name} fold {fold}", "clip", quiet=quiet) as progress:
                work(fold=fold, device=device, world=world, progress=progress)
    return OK


def _prepare(args: argparse.Namespace) -> "tuple[str, list[int], FoldWork]":
    """Return the experiment's name, the folds, and what trains one."""
    from dataclasses import replace
    from functools import partial

    from bvas.data.matches import find_matches, folds_of
    from bvas.experiment.checkpoint import fold_folder
    from bvas.experiment.experiment import load_experiment, parse_folds
    from bvas.report.training_pictures import RunPictures
    from bvas.system.atomic_files import check_writable
    from bvas.training.fold import run_fold
    from bvas.training.resume import fold_status

    experiment = load_experiment(args.experiment, args.runs)
    if args.seed is not None:
        experiment = replace(experiment, seed=args.seed)
    check_writable(args.runs / experiment.name)
    workers = parse_workers(args.workers)
    matches = find_matches(experiment.task, args.data)
    folds = parse_folds(args.folds, folds_of(matches), experiment.train.folds)
    if args.resume and all(fold_status(fold_folder(args.runs, experiment.name, f)) == "new" for f in folds):
        raise ConfigError(
            f"no run of {experiment.name} in {args.runs} to go on with; without --resume it is begun"
        )
    work = partial(
        run_fold,
        experiment,
        matches=matches,
        runs=args.runs,
        workers=workers,
        on_error=args.on_error,
        overwrite=args.overwrite,
        observers=[RunPictures()],
    )
    return experiment.name, folds, work


def _train_at_once(
    args: argparse.Namespace, name: str, folds: "list[int]", work: "FoldWork", device: "torch.device"
) -> int:
    import torch
    from tqdm.contrib.logging import logging_redirect_tqdm

    from bvas.commands.fold_jobs import train_folds
    from bvas.system.atomic_files import write_json
    from bvas.system.devices import num_cpus

    jobs = min(args.jobs, len(folds))
    devices = [device]
    if device.type == "cuda" and device.index is None:
        devices = [torch.device("cuda", number) for number in range(torch.cuda.device_count())]
    with logging_redirect_tqdm():
        failures = train_folds(
            folds,
            work,
            jobs=jobs,
            devices=devices,
            # OMP_NUM_THREADS may allow fewer.
            num_threads=max(1, min(torch.get_num_threads(), num_cpus() // jobs)),
            bars=lambda place, fold: progress_bar(
                f"{name} fold {fold}", "clip", quiet=args.quiet, place=place
            ),
        )
    path = args.runs / name / "failed_folds.json"
    if not failures:
        path.unlink(missing_ok=True)
        return OK
    write_json(path, {"failed": {str(fold): failure for fold, failure in failures.items()}})
    numbers = ", ".join(map(str, failures))
    logger.error("%d of %d folds failed (%s), see %s", len(failures), len(folds), numbers, path)
    return DONE_IN_PART if len(failures) < len(folds) else WRONG_INPUT


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(build_parser(prog), run, argv)
