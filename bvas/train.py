"""Train an experiment: python -m bvas.train --experiment NAME [--folds 0,3]."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bvas.commands.console import OK, add_folders, add_machine, parse_workers, progress_bar, run_command
from bvas.errors import ConfigError

if TYPE_CHECKING:
    from bvas.training.parallel import World


def build_parser(prog: str | None) -> argparse.ArgumentParser:
    """Return the command's parser."""
    parser = argparse.ArgumentParser(
        prog=prog or "python -m bvas.train", description="Train an experiment on folds."
    )
    parser.add_argument("--experiment", required=True, metavar="NAME", help="config name or path")
    parser.add_argument("--folds", default="all", help="all, or numbers like 0,3 (default: all)")
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
    """Train the folds one after another, alone or as one of torchrun's processes."""
    from bvas.devices import choose_device
    from bvas.training.parallel import Placement, join_world

    placement = Placement.from_environment(os.environ)
    device = choose_device(args.device) if placement is None else placement.choose_device(args.device)
    with join_world(placement, device) as world:
        if not world.is_writer:
            logging.getLogger().setLevel(logging.WARNING)
        return _train(args, world)


def _train(args: argparse.Namespace, world: "World") -> int:
    from dataclasses import replace

    from bvas.checkpoint import fold_folder
    from bvas.experiment import load_experiment, parse_folds
    from bvas.tasks.soccernet import find_matches, folds_of
    from bvas.training.loop import run_fold
    from bvas.training.resume import fold_status

    experiment = load_experiment(args.experiment, args.runs)
    if args.seed is not None:
        experiment = replace(experiment, seed=args.seed)
    workers = parse_workers(args.workers)
    matches = find_matches(experiment.task, args.data)
    folds = parse_folds(args.folds, folds_of(matches))
    if args.resume and all(fold_status(fold_folder(args.runs, experiment.name, f)) == "new" for f in folds):
        raise ConfigError(
            f"no run of {experiment.name} in {args.runs} to go on with; without --resume it is begun"
        )
    for fold in folds:
        quiet = args.quiet or not world.is_writer
        with progress_bar(f"{experiment.name} fold {fold}", "clip", quiet=quiet) as progress:
            run_fold(
                experiment,
                fold,
                matches,
                runs=args.runs,
                device=world.device,
                workers=workers,
                on_error=args.on_error,
                overwrite=args.overwrite,
                progress=progress,
                world=world,
            )
    return OK


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(build_parser(prog), run, argv)


if __name__ == "__main__":
    sys.exit(main())
