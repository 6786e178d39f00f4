"""Score predictions: python -m bvas.evaluate --experiment NAME."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bvas.commands.console import OK, add_folders, run_command

if TYPE_CHECKING:
    from bvas.scoring import Evaluation


def build_parser(prog: str | None) -> argparse.ArgumentParser:
    """Return the command's parser."""
    parser = argparse.ArgumentParser(
        prog=prog or "python -m bvas.evaluate",
        description="Score an experiment's out-of-fold predictions, and write runs/NAME/evaluation.json.",
    )
    parser.add_argument("--experiment", required=True, metavar="NAME", help="config name or path")
    parser.add_argument(
        "--folds", default="all", help="folds to score, e.g. 0,3 (default: all predicted ones)"
    )
    add_folders(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Score, print a table, and write the figures."""
    from bvas.experiment import load_experiment, parse_folds
    from bvas.files import write_json
    from bvas.scoring import evaluate_predictions
    from bvas.tasks.matches import find_matches, folds_of

    experiment = load_experiment(args.experiment, args.runs)
    matches = [match for match in find_matches(experiment.task, args.data) if match.fold is not None]
    folds = set(parse_folds(args.folds, folds_of(matches)))
    evaluation = evaluate_predictions(
        experiment,
        [match for match in matches if match.fold in folds],
        args.runs / experiment.name / "predictions" / "cv",
    )
    write_json(args.runs / experiment.name / "evaluation.json", evaluation.to_json())
    for line in evaluation_lines(evaluation, experiment.peaks.operating_point):
        print(line)
    return OK


def evaluation_lines(evaluation: "Evaluation", operating_point: float) -> list[str]:
    """Return the figures as lines for people; the last one is the official score."""
    num_matches = len({video.match.name for video in evaluation.videos})
    lines = [
        f"{num_matches} match{'es' if num_matches > 1 else ''}, {len(evaluation.videos)} videos, "
        f"spots at or above {operating_point:g}:",
        f"  {'label':<24}{'AP@1':>7}{'hits':>7}{'misses':>8}{'false alarms':>14}{'precision':>11}{'recall':>8}",
    ]
    for label, count in evaluation.counts.items():
        lines.append(
            f"  {label:<24}{evaluation.official_per_label[label]:>7.3f}{count.hits:>7}{count.misses:>8}"
            f"{count.false_alarms:>14}{count.precision:>11.3f}{count.recall:>8.3f}"
        )
    timing = evaluation.timing
    if timing is not None:
        lines.append(
            f"median timing error {timing.median_seconds:+.3f} s over {timing.num_hits} hits "
            f"(positive: late; middle half within {timing.spread_seconds:.3f} s)"
        )
    lines += [
        f"mAP within 0.2 s {evaluation.tight:.3f}",
        f"blind baseline mAP@1 {evaluation.blind:.3f} (spots at the average rate)",
        f"official mAP@1 {evaluation.official:.2f}",
    ]
    return lines


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(build_parser(prog), run, argv)


if __name__ == "__main__":
    sys.exit(main())
