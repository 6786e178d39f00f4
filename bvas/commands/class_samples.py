"""Samples of kind clip: prediction of those that folds hold out, and lines of their figures."""

import argparse
import logging
from typing import TYPE_CHECKING

from bvas.commands.console import OK, partial_code, progress_bar
from bvas.errors import ConfigError
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.evaluation.class_evaluation import ClassEvaluation
    from bvas.experiment.experiment import Experiment

logger = logging.getLogger(__name__)

_MOST_NAMED = 3
# Options of `bvas predict` that are of whole matches, with their values where they are not given.
_OF_MATCHES = {
    "challenge": False,
    "manifest": None,
    "shard": (1, 1),
    "devices": None,
    "ray": None,
    "scratch": None,
    "stride": 1,
    "compute_repeats": False,
    "engine": "auto",
    "backend": "auto",
    "postprocessing": None,
}


def predict_class_samples(args: argparse.Namespace, experiment: "Experiment") -> int:
    """Predict the samples that the trained folds hold out, and write them; return the exit code.

    Raises:
        ConfigError: an option of whole matches is given.
    """
    from bvas.data.matches import find_matches
    from bvas.experiment.checkpoint import trained_among
    from bvas.predicting.assignments import check_folds
    from bvas.predicting.samples import current_predictions, predict_samples
    from bvas.results.sample_predictions import save_sample_predictions
    from bvas.results.store import sample_predictions_path
    from bvas.system.atomic_files import check_writable
    from bvas.system.devices import choose_device

    for name, default in _OF_MATCHES.items():
        if getattr(args, name, default) != default:
            option = name.replace("_", "-")
            raise ConfigError(
                f"--{option} is of whole matches, and {experiment.name} predicts samples (kind 'clip'); leave it out, "
                "or classify other videos: bvas classify VIDEO"
            )
    path = sample_predictions_path(args.runs, experiment.name)
    check_writable(path.parent, path.name)
    folds = trained_among(experiment, args.runs, args.folds)
    matches = find_matches(experiment.task, args.data)
    check_folds(matches, folds, args.data)
    known = current_predictions(experiment, args.runs)
    if known is not None and args.overwrite:
        known = known.of_folds(set(known.folds.tolist()) - set(folds))
    with progress_bar(experiment.name, "clip", quiet=args.quiet) as bar:
        found = predict_samples(
            experiment,
            matches,
            folds,
            args.runs,
            device=choose_device(args.device),
            workers="auto",
            precision=args.precision,
            strict=args.strict,
            known=known,
            progress=bar,
        )
    save_sample_predictions(found.predictions, path)
    num_samples = len(found.predictions.of_folds(folds).names)
    state = "" if found.new_folds else " before"
    logger.info(
        "%s predicted%s, %d failed: %s", count_text(num_samples, "sample"), state, len(found.failed), path
    )
    if not found.failed:
        return OK
    more = f" and {len(found.failed) - _MOST_NAMED} more" if len(found.failed) > _MOST_NAMED else ""
    logger.error(
        "%s cannot be read or decoded (%s%s); see 'bvas data check --decode'",
        *(count_text(len(found.failed), "sample"), ", ".join(found.failed[:_MOST_NAMED]), more),
    )
    return partial_code(len(found.failed), num_samples + len(found.failed))


def class_lines(evaluation: "ClassEvaluation") -> list[str]:
    """Return the figures of samples as lines for people; the last one is the macro F1."""
    scores = evaluation.scores
    lines = [f"{count_text(len(evaluation.predictions.names), 'sample')} of {', '.join(evaluation.sides)}"]
    lines += scores.report().splitlines()
    lines += confusion_lines(evaluation)
    lines += scores.summary().splitlines()
    if len(evaluation.folds) > 1:
        lines += [
            f"  fold {fold}: macro F1 {own.macro.f1:.4f}, accuracy {own.accuracy:.4f}"
            for fold, own in evaluation.folds.items()
        ]
    return [*lines, f"macro F1 {scores.macro.f1:.4f}"]


def class_table(evaluation: "ClassEvaluation") -> str:
    """Return precision, recall, F1 and samples of each class as a CSV table, for spreadsheets."""
    from bvas.system.table_files import table_text

    return table_text(
        ["class", "precision", "recall", "f1", "samples"],
        [
            (name, f"{rates.precision:.6f}", f"{rates.recall:.6f}", f"{rates.f1:.6f}", rates.support)
            for name, rates in evaluation.scores.classes.items()
        ],
    )


# More do not fit a line; the picture and --json have them all.
_MOST_COLUMNS = 16


def confusion_lines(evaluation: "ClassEvaluation") -> list[str]:
    """Return the confusion matrix as lines, rows by true class; nothing where it is too wide."""
    labels, confusion = evaluation.predictions.labels, evaluation.scores.confusion
    if len(labels) > _MOST_COLUMNS:
        return []
    width = max(len("true, predicted"), *map(len, labels))
    cell = max(len(str(confusion.max())), 5) + 1
    heads = "".join(f"{label[: cell - 1]:>{cell}}" for label in labels)
    rows = [
        f"{label:>{width}}" + "".join(f"{count:>{cell}}" for count in row)
        for label, row in zip(labels, confusion.tolist(), strict=True)
    ]
    return [f"{'true, predicted':>{width}}{heads}", *rows]
