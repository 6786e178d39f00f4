"""Options of the verbs that compare files of spots with files of labels."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.evaluation.scored_files import LabelledResults
    from bvas.experiment.peak_config import PeakConfig
    from bvas.values.annotations import LabelSet

logger = logging.getLogger(__name__)

_TASKS = {
    "ball": "2 labels (2023)",
    "ball12": "12 labels (2024)",
    "action": "Action Spotting v2",
    "team": "12 labels by team (2025)",
}


def add_files(parser: argparse.ArgumentParser, predictions: str) -> None:
    """Add `--labels` and `--predictions`; `predictions` ends the help of the latter."""
    for name, what in (
        ("labels", "labels as MATCH/Labels-*.json, or OSL JSON"),
        ("predictions", f"predictions as MATCH/results_spotting.json{predictions}; or OSL JSON"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="DIR|ZIP|FILE", help=what)
    add_head(parser)


def add_head(parser: argparse.ArgumentParser) -> None:
    """Add `--head`."""
    parser.add_argument(
        "--head",
        metavar="NAME",
        help="head of OSL JSON to read (default: action, else the one with the most)",
    )


def add_task(parser: argparse.ArgumentParser, *tasks: str) -> None:
    """Add `--task` with some of `ball`, `ball12`, `action` and `team`."""
    told = ", ".join(_TASKS[task] for task in tasks)
    parser.add_argument("--task", choices=tasks, help=f"{told}; default: the labels of OSL JSON, else ball")


def add_choice(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add which spots and matches count; `verb` says what is done with the matches."""
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument(
        "--operating-point",
        type=float,
        default=0.2,
        metavar="CONFIDENCE",
        help="confidence from which a spot counts as a hit or a false alarm (default: 0.2)",
    )
    shown.add_argument(
        "--postprocessing",
        type=Path,
        metavar="FILE",
        help="rules of 'bvas experiment tune', with an operating point for each label",
    )
    parser.add_argument(
        "--matches", type=Path, metavar="FILE", help=f"text file with the matches to {verb}, a line each"
    )
    parser.add_argument(
        "--partial", action="store_true", help="leave out labelled matches without predictions"
    )


def peaks_of(args: argparse.Namespace, labels: "LabelSet") -> "PeakConfig":
    """Return the rules that `add_choice` was given: from which confidence spots count, and how curves are smoothed.

    Raises:
        DataError: the file of rules cannot be read.
        ConfigError: it is wrong or of other labels; or no confidence was given.
    """
    from bvas.errors import ConfigError
    from bvas.experiment.peak_config import PeakConfig
    from bvas.results.tuned_peaks import load_postprocessing

    if args.postprocessing is None:
        if not 0 <= args.operating_point <= 1:
            raise ConfigError(f"the operating point must lie in [0, 1], got {args.operating_point}")
        return PeakConfig().shown_from(args.operating_point)
    tuned = load_postprocessing(args.postprocessing)
    if set(tuned.labels) != set(labels):
        raise ConfigError(
            f"{args.postprocessing} is for the labels {', '.join(tuned.labels)}, and these files are about "
            f"{', '.join(labels)}; --task names others, or take --operating-point"
        )
    return tuned.peaks


def warn_of_files(files: "LabelledResults") -> None:
    """Log what is odd in the files, and matches that only one side has."""
    for line in files.notices.lines():
        logger.warning("%s", line)
    for names, what in (
        (files.not_predicted, "labels and no predictions"),
        (files.not_labelled, "predictions and no labels"),
    ):
        if names:
            logger.warning(
                "%s with %s left out, the first is '%s'", count_text(len(names), "match"), what, names[0]
            )
