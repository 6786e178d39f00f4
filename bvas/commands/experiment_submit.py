"""Write the predictions of the challenge matches as a zip in SoccerNet's layout.

The zip is read back, with SoccerNet's own reader where its package is installed. Matches or halves without predictions
are listed, and no zip is written then.
"""

import argparse
from pathlib import Path

from bvas.commands import options


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas experiment submit`."""
    options.add_experiment(parser, "config name or path, or an ensemble")
    parser.add_argument(
        "--test",
        action="store_true",
        help="the out-of-fold predictions of the task's test matches instead of the challenge",
    )
    options.add_out(
        parser,
        "default: RUNS/NAME/submission_challenge.zip, or submission_test.zip with --test",
        metavar="ZIP",
    )
    options.add_folders(parser)


def run(args: argparse.Namespace) -> None:
    """Write the zip, and print its contents."""
    from bvas.data.matches import find_matches
    from bvas.errors import ConfigError, DataError
    from bvas.evaluation.submission import write_submission
    from bvas.experiment.experiment import load_experiment
    from bvas.results.store import Split
    from bvas.system.atomic_files import check_writable
    from bvas.tasks.kind_choice import check_kind

    experiment = load_experiment(args.experiment, args.runs)
    check_kind(experiment, "spot", "bvas experiment submit")
    kind = "test" if args.test else "challenge"
    out: Path = args.out or args.runs / experiment.name / f"submission_{kind}.zip"
    if out.suffix != ".zip":
        raise ConfigError(f"--out must end in .zip, got {out}")
    check_writable(out.parent)
    found = find_matches(experiment.task, args.data)
    matches = [match for match in found if (match.is_test if args.test else match.fold is None)]
    if not matches:
        raise DataError(f"nothing to submit: no {kind} match in {args.data / experiment.task.folder}")
    split = Split.CV if args.test else Split.CHALLENGE
    num_predictions, reader = write_submission(experiment, matches, args.runs, out, split)
    for name, count in num_predictions.items():
        print(f"{count:>7} predictions  {name}")
    print(f"read back by {reader}: as written")
    print(f"submission in {out}")
