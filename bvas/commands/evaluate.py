"""Score an experiment's out-of-fold predictions, or compare experiments.

The figures are also written to runs/NAME/evaluation.json, those of a comparison to runs/comparisons/A,B.json.
"""

import argparse
import logging
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.score_table import sheet_lines
from bvas.errors import ConfigError
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.data.matches import Match
    from bvas.evaluation.comparison import Comparison
    from bvas.evaluation.cross_validation import CrossValidation
    from bvas.evaluation.experiment_scores import Evaluation
    from bvas.evaluation.interval_evaluation import IntervalEvaluation
    from bvas.experiment.experiment import Experiment
    from bvas.metrics.interval_scores import IntervalScores

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas evaluate`."""
    what = parser.add_mutually_exclusive_group(required=True)
    options.add_experiment_option(what)
    what.add_argument(
        "--experiments", metavar="A,B", help="compare B (and C, ...) with A on the same matches"
    )
    options.add_folds(parser, "folds to score (default: all predicted ones)")
    parser.add_argument(
        "--side",
        metavar="NAME",
        help="of kind clip: splits or folds whose samples are scored, as 'valid' or 'fold 0,fold 1' (default: the test "
        "split where there is one, else all)",
    )
    options.add_postprocessing(
        parser, "rules that the predictions were made with: their operating points decide which spots count"
    )
    options.add_folders(parser)


def run(args: argparse.Namespace) -> None:
    """Score, print tables, and write the figures."""
    from bvas.evaluation.comparison import check_comparable, compare
    from bvas.experiment.experiment import load_experiment
    from bvas.results.tuned_peaks import with_postprocessing
    from bvas.system.atomic_files import write_json

    names = [args.experiment] if args.experiment else args.experiments.split(",")
    experiments = [
        with_postprocessing(load_experiment(name, args.runs), args.postprocessing) for name in names
    ]
    if args.side is not None and experiments[0].kind != "clip":
        raise ConfigError(
            f"--side is of kind clip, and {experiments[0].name} is of kind '{experiments[0].kind}'; leave it out"
        )
    if args.experiments:
        check_comparable(experiments)
    elif experiments[0].kind == "interval":
        _evaluate_intervals(experiments[0], args)
        return
    elif experiments[0].kind == "clip":
        _evaluate_classes(experiments[0], args)
        return
    evaluations = {experiment.name: _evaluate(experiment, args) for experiment in experiments}
    for name, evaluation in evaluations.items():
        write_json(args.runs / name / "evaluation.json", evaluation.to_json())
        if args.experiments:
            print(f"{name}:")
        print(*evaluation_lines(evaluation), sep="\n")
    if args.experiments:
        comparisons = compare(
            experiments, {name: evaluation.cross_validation for name, evaluation in evaluations.items()}
        )
        path = args.runs / "comparisons" / f"{','.join(evaluations)}.json"
        write_json(path, {"comparisons": [comparison.to_json() for comparison in comparisons]})
        for comparison in comparisons:
            print(*comparison_lines(comparison), sep="\n")


def _chosen_matches(experiment: "Experiment", args: argparse.Namespace) -> "list[Match]":
    from bvas.data.matches import find_matches, folds_of, scored_matches
    from bvas.experiment.experiment import parse_folds

    matches = scored_matches(find_matches(experiment.task, args.data))
    folds = set(parse_folds(args.folds, folds_of(matches)))
    return [match for match in matches if match.fold in folds]


def _evaluate(experiment: "Experiment", args: argparse.Namespace) -> "Evaluation":
    from bvas.evaluation.experiment_scores import evaluate_predictions
    from bvas.results.store import predictions_folder

    folder = predictions_folder(args.runs, experiment.name)
    return evaluate_predictions(experiment, _chosen_matches(experiment, args), folder)


def _evaluate_intervals(experiment: "Experiment", args: argparse.Namespace) -> None:
    from bvas.evaluation.interval_evaluation import evaluate_intervals
    from bvas.system.atomic_files import write_json

    evaluation = evaluate_intervals(experiment, _chosen_matches(experiment, args), args.runs)
    write_json(args.runs / experiment.name / "evaluation.json", evaluation.to_json())
    print(*interval_lines(evaluation), sep="\n")


def _evaluate_classes(experiment: "Experiment", args: argparse.Namespace) -> None:
    from bvas.commands.class_samples import class_lines, class_table
    from bvas.evaluation.class_evaluation import evaluate_classes
    from bvas.experiment.checkpoint import trained_among
    from bvas.report.class_pictures import write_class_pictures
    from bvas.system.atomic_files import write_json, write_text

    folds = () if args.folds == "all" else trained_among(experiment, args.runs, args.folds)
    sides = None if args.side is None else [side.strip() for side in args.side.split(",")]
    evaluation = evaluate_classes(experiment, args.runs, sides=sides, folds=folds)
    folder = args.runs / experiment.name
    write_json(folder / "evaluation.json", evaluation.to_json())
    write_text(folder / "report.txt", evaluation.scores.report())
    write_text(folder / "report.csv", class_table(evaluation))
    for path in write_class_pictures(evaluation, experiment.name, folder):
        logger.info("%s", path)
    print(*class_lines(evaluation), sep="\n")


def interval_lines(evaluation: "IntervalEvaluation") -> list[str]:
    """Return the figures of intervals as lines for people; the last one is the mean over the thresholds."""
    scores = evaluation.scores
    width = max(len("AP at tIoU"), *map(len, scores.average_precision)) + 2
    lines = [f"  {'AP at tIoU':<{width}}" + "".join(f"{tiou:>7.2f}" for tiou in scores.thresholds)]
    for label, row in scores.average_precision.items():
        cells = "  no range has it" if row is None else "".join(f"{value:>7.3f}" for value in row)
        lines.append(f"  {label:<{width}}{cells}")
    lines.append(f"frame accuracy {scores.mean_frame_accuracy:.4f}")
    error = scores.boundary_error
    if error is not None and scores.rate is not None:
        quartiles = (error.both.median, error.both.lower, error.both.upper)
        median, lower, upper = (value * scores.rate for value in quartiles)
        lines.append(
            f"boundary error {median:.1f} frames at {scores.rate:g} a second (median; quartiles {lower:.1f} to "
            f"{upper:.1f}), over {count_text(error.num_pairs, 'matched interval')}"
        )
    if len(evaluation.folds) > 1:
        for fold, own in evaluation.folds.items():
            lines.append(f"  fold {fold}: mAP {_mean_text(own)}")
    return [*lines, f"mAP at tIoU 0.5:0.95 {_mean_text(scores)}"]


def _mean_text(scores: "IntervalScores") -> str:
    return "none: no range" if scores.mean is None else f"{scores.mean:.4f}"


def evaluation_lines(evaluation: "Evaluation") -> list[str]:
    """Return the figures as lines for people; the last one is the official score."""
    return [
        *sheet_lines(evaluation.sheet),
        f"mAP within 0.2 s {evaluation.tight:.3f}",
        f"blind baseline mAP@1 {evaluation.blind:.3f} (spots at the average rate)",
        *_validation_lines(evaluation.cross_validation),
        f"official mAP@1 {evaluation.official:.4f}",
    ]


def _validation_lines(validation: "CrossValidation") -> list[str]:
    lines = []
    if len(validation.folds) > 1:
        lines.append(f"  {'fold':<6}{'mAP@1':>8}  matches")
        for fold, score in validation.folds.items():
            names = [name.rsplit("/", 1)[-1] for name in score.matches]
            shown = "; ".join(names) if len(names) < 3 else f"{len(names)} matches"
            lines.append(f"  {fold:<6}{score.official:>8.4f}  {shown}")
        lines.append(
            f"mean over folds {validation.mean_over_folds:.4f}, standard deviation {validation.spread:.4f}"
        )
    published = validation.published
    if published is not None and validation.complete and published.cross_validation is not None:
        lines.append(f"published for all matches {published.cross_validation:.4f} ({published.system})")
    if validation.test is not None:
        beside = ""
        if published is not None and published.test is not None:
            beside = f"; published {published.test:.4f} ({published.system})"
        lines.append(f"test matches mAP@1 {validation.test.official:.4f}{beside}")
    return lines + [f"note: {note}" for note in validation.notes]


def comparison_lines(comparison: "Comparison") -> list[str]:
    """Return a comparison as lines for people."""
    lines = [
        f"{comparison.other} against {comparison.base}, {count_text(len(comparison.matches), 'common match')}: "
        f"{comparison.other_score:.4f} - {comparison.base_score:.4f} = {comparison.difference:+.4f}"
    ]
    if comparison.left_out:
        lines.append(f"  not compared: {len(comparison.left_out)} that only one of them predicted")
    if len(comparison.folds) > 1:
        by_fold = ", ".join(f"{fold}: {value:+.4f}" for fold, value in comparison.folds.items())
        lines.append(f"  by fold {by_fold}")
    if comparison.interval is not None:
        lines.append(f"  interval {comparison.interval.text(signed=True)}")
    return [*lines, f"  {comparison.verdict}"]
