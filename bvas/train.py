"""Train an experiment: python -m bvas.train --experiment NAME [--folds 0,3]."""

import argparse
import sys
from collections.abc import Sequence

from bvas.commands.console import OK, add_folders, add_machine, parse_workers, progress_bar, run_command


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
    add_folders(parser)
    add_machine(parser, workers=True)
    return parser


def run(args: argparse.Namespace) -> int:
    """Train the folds one after another."""
    from bvas.devices import choose_device
    from bvas.experiment import load_experiment, parse_folds
    from bvas.tasks.matches import find_matches, folds_of
    from bvas.training.loop import run_fold

    experiment = load_experiment(args.experiment, args.runs)
    device = choose_device(args.device)
    workers = parse_workers(args.workers)
    matches = find_matches(experiment.task, args.data)
    for fold in parse_folds(args.folds, folds_of(matches)):
        with progress_bar(f"{experiment.name} fold {fold}", "clip", quiet=args.quiet) as progress:
            run_fold(
                experiment,
                fold,
                matches,
                runs=args.runs,
                device=device,
                workers=workers,
                on_error=args.on_error,
                progress=progress,
            )
    return OK


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(build_parser(prog), run, argv)


if __name__ == "__main__":
    sys.exit(main())
