"""Predict matches: python -m bvas.predict --experiment NAME [--folds 0,3] [--challenge]."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands.console import OK, add_folders, add_machine, add_postprocessing, progress_bar, run_command

if TYPE_CHECKING:
    from bvas.spotter import Spotter
    from bvas.tasks.matches import Match

logger = logging.getLogger(__name__)


def build_parser(prog: str | None) -> argparse.ArgumentParser:
    """Return the command's parser."""
    parser = argparse.ArgumentParser(
        prog=prog or "python -m bvas.predict",
        description="Predict each fold's held-out matches with that fold's model, or the challenge with all folds.",
    )
    parser.add_argument("--experiment", required=True, metavar="NAME", help="config name or path")
    parser.add_argument("--folds", default="all", help="all trained ones, or numbers like 0,3 (default: all)")
    parser.add_argument(
        "--challenge",
        action="store_true",
        help="predict the challenge matches with the mean of the folds' curves",
    )
    parser.add_argument("--strict", action="store_true", help="fail where a frame cannot be decoded")
    add_postprocessing(parser)
    add_folders(parser)
    add_machine(parser, workers=False)
    return parser


def run(args: argparse.Namespace) -> int:
    """Predict, and write a score curve per video and a results file per match."""
    from bvas.errors import DataError
    from bvas.experiment import load_experiment
    from bvas.postprocessing_file import with_postprocessing
    from bvas.predictions import predictions_folder
    from bvas.spotter import load_spotter, trained_among
    from bvas.tasks.matches import find_matches, folds_of

    experiment = with_postprocessing(load_experiment(args.experiment, args.runs), args.postprocessing)
    matches = find_matches(experiment.task, args.data)
    folds = trained_among(experiment, args.runs, args.folds)
    out = predictions_folder(args.runs, experiment.name, "challenge" if args.challenge else "cv")
    if args.challenge:
        chosen = [match for match in matches if match.fold is None]
        if not chosen:
            raise DataError(
                f"no challenge match in {args.data / experiment.task.folder}; leave out --challenge"
            )
        spotter = load_spotter(experiment, args.runs, folds=folds, device=args.device)
        predict_matches(spotter, chosen, out, backend=args.backend, strict=args.strict, quiet=args.quiet)
    else:
        unseen = sorted(set(folds) - set(folds_of(matches)))
        if unseen:
            raise DataError(
                f"no match of fold {unseen[0]} in {args.data}; the data has folds {folds_of(matches)}"
            )
        for fold in folds:
            spotter = load_spotter(experiment, args.runs, folds=[fold], device=args.device)
            held_out = [match for match in matches if match.fold == fold]
            predict_matches(
                spotter, held_out, out, backend=args.backend, strict=args.strict, quiet=args.quiet
            )
    logger.info("predictions are in %s", out)
    return OK


def predict_matches(
    spotter: "Spotter",
    matches: "Sequence[Match]",
    out: Path,
    *,
    backend: str = "auto",
    strict: bool = False,
    quiet: bool = False,
) -> None:
    """Write `<match>/results_spotting.json` and a score curve for each video below `out`."""
    from bvas.spotter import spot_video
    from bvas.tasks.matches import match_halves
    from bvas.tasks.soccernet import RESULTS_NAME, write_results

    experiment = spotter.experiment
    for match in matches:
        halves = {}
        for half in match_halves(match, experiment.task.resolution):
            with progress_bar(f"{match.folder.name} {half.number}", "frame", quiet=quiet) as progress:
                halves[half.number] = spot_video(
                    half.path, spotter, backend=backend, strict=strict, progress=progress
                )
            halves[half.number].curve.save(out / match.name / f"{half.path.stem}_scores.npz")
        write_results(
            out / match.name / RESULTS_NAME,
            match.name,
            {number: half.spots for number, half in halves.items()},
            rate=experiment.input.rate,
            gaps=[gap.to_json(number) for number, half in halves.items() for gap in half.gaps],
        )


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(build_parser(prog), run, argv)


if __name__ == "__main__":
    sys.exit(main())
