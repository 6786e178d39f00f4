"""Train an experiment on folds."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options, ray_options
from bvas.commands.console import OK, partial_code
from bvas.commands.option_values import parse_workers
from bvas.errors import BvasError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bvas.data.siblings.samples import Sample
    from bvas.experiment.experiment import Experiment
    from bvas.training.distributed import World

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas train`."""
    options.add_experiment_option(parser, required=True)
    options.add_folds(parser, "all, or some (default: those that the config names, else all)", default=None)
    options.add_training(parser)
    options.add_seed(parser, "in place of the config's seed; use another --runs for it")
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume",
        action="store_true",
        help="resume; fail if there is nothing to resume (default: resume if possible, else start)",
    )
    options.add_overwrite(again, "train again, also finished folds")
    again.add_argument(
        "--overfit",
        type=int,
        metavar="N",
        help="only check that the model can learn N clips by heart, without augmentation; nothing is saved",
    )
    options.add_folders(parser)
    options.add_workers(parser)
    ray_options.add_ray(parser, gpus=True)


def run(args: argparse.Namespace) -> int:
    """Train the folds one after another, alone or as one of torchrun's processes, or several at once."""
    from bvas.commands.fold_training import train_folds
    from bvas.system.devices import choose_device
    from bvas.training.distributed import is_launched, join_world, rank_device

    if args.jobs < 1 or (args.jobs > 1 and is_launched()):
        raise ConfigError(
            f"--jobs must be at least 1, and 1 under torchrun, whose processes train a fold together; got {args.jobs}"
        )
    make_executor = ray_options.ray_maker(args, args.runs, "device")
    if args.overfit is not None:
        if make_executor is not None:
            raise ConfigError("--overfit trains on this machine; leave out --ray")
        return _check_overfit(args)
    if make_executor is not None and (args.jobs > 1 or is_launched()):
        raise ConfigError("--ray trains folds on a cluster: give neither --jobs nor torchrun")
    device = rank_device(args.device) if is_launched() else choose_device(args.device)
    with join_world(device) as world:
        if not world.is_writer:
            logging.getLogger().setLevel(logging.WARNING)
        name, folds, work = _prepare(args, world)
        jobs = min(args.jobs, len(folds))
        quiet = args.quiet or not world.is_writer
        failures = train_folds(
            folds,
            work,
            jobs=jobs,
            device=device,
            title=name,
            quiet=quiet,
            world=world,
            make_executor=make_executor,
        )
    return (
        OK
        if jobs == 1 and make_executor is None
        else _conclude(failures, len(folds), args.runs / name / "failed_folds.json")
    )


def _check_overfit(args: argparse.Namespace) -> int:
    """Train on a few clips, and print whether their loss is gone.

    Raises:
        TrainingError: it is not.
    """
    from bvas.commands.console import progress_bar
    from bvas.data.matches import find_matches, folds_of
    from bvas.errors import TrainingError
    from bvas.experiment.experiment import load_experiment, parse_folds
    from bvas.system.devices import choose_device, use_device
    from bvas.training.overfit import overfit

    device = choose_device(args.device)
    experiment = _with_seed(load_experiment(args.experiment, args.runs), args.seed)
    matches = find_matches(experiment.task, args.data)
    fold = parse_folds(args.folds, folds_of(matches), experiment.train.folds)[0]
    use_device(device)
    with progress_bar(f"{experiment.name} overfit", "step", quiet=args.quiet) as progress:
        found = overfit(
            experiment,
            fold,
            matches,
            args.overfit,
            runs=args.runs,
            device=device,
            workers=parse_workers(args.workers),
            progress=progress,
        )
    fall = f"{found.losses[0]:.4f} to {found.losses[-1]:.4f} in {len(found.losses)} steps on {args.overfit} clips"
    if not found.is_learned:
        raise TrainingError(
            f"the loss went from {fall}: {experiment.name} cannot learn them by heart; look at the clips with 'bvas "
            "experiment preview', at the learning rate with 'bvas experiment rate', and at frozen stages"
        )
    print(f"the loss fell from {fall}: the model can learn")
    return OK


def _prepare(args: argparse.Namespace, world: "World") -> "tuple[str, list[int], Callable[..., Path]]":
    """Return the experiment's name, the folds, and the function that trains one."""
    from functools import partial

    from bvas.data.matches import find_matches, folds_of
    from bvas.data.siblings.samples import samples_of
    from bvas.experiment.checkpoint import fold_folder
    from bvas.experiment.experiment import load_experiment, parse_folds
    from bvas.report.run_curves import RunCurves
    from bvas.report.training_pictures import RunPictures
    from bvas.system.atomic_files import check_writable
    from bvas.training.fold import run_fold
    from bvas.training.resume import fold_status

    experiment = _with_seed(load_experiment(args.experiment, args.runs), args.seed)
    check_writable(args.runs / experiment.name)
    workers = parse_workers(args.workers)
    matches = find_matches(experiment.task, args.data)
    folds = parse_folds(args.folds, folds_of(matches), experiment.train.folds)
    if args.resume and all(fold_status(fold_folder(args.runs, experiment.name, f)) == "new" for f in folds):
        raise ConfigError(
            f"--resume: no run of {experiment.name} in {args.runs} to resume; leave out --resume to start one"
        )
    # Every rank indexes the videos: one that waited for another would give up after half an hour. One rank looks, and
    # all of them stop where it finds some.
    samples = samples_of(matches, experiment.task)
    looked = _siblings(args, samples) if world.is_writer else None
    facts = world.from_writer(looked)
    if isinstance(facts, BvasError):
        raise facts
    work = partial(
        run_fold,
        experiment,
        matches=matches,
        runs=args.runs,
        workers=workers,
        on_error=args.on_error,
        overwrite=args.overwrite,
        observers=[RunPictures(), RunCurves()],
        facts=facts,
    )
    return experiment.name, folds, work


def _with_seed(experiment: "Experiment", seed: int | None) -> "Experiment":
    from dataclasses import replace

    return experiment if seed is None else replace(experiment, seed=seed)


def _siblings(args: argparse.Namespace, samples: "Sequence[Sample]") -> dict[str, str] | BvasError:
    """Return what the run records about siblings, or why it is refused."""
    from bvas.training.sibling_check import check_siblings

    try:
        return check_siblings(samples, args.data, allow=args.allow_siblings)
    except BvasError as error:
        return error


def _conclude(failures: dict[int, str], num_folds: int, path: Path) -> int:
    """Write the reasons of failed folds, or remove those of an earlier run; return the exit code."""
    from bvas.system.atomic_files import write_json

    if not failures:
        path.unlink(missing_ok=True)
        return OK
    write_json(path, {"failed": failures})
    numbers = ", ".join(map(str, failures))
    logger.error("%d of %d folds failed (%s), see %s", len(failures), num_folds, numbers, path)
    return partial_code(len(failures), num_folds)
