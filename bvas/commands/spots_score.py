"""Score the predictions of any system against labels.

Predictions are results_spotting.json files, in a folder or a zip; labels are SoccerNet's label files. Either may be OSL
JSON. Prints the official figures, and what was missed.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands.score_table import score_line, sheet_lines
from bvas.commands.scored_options import add_choice, add_files, add_task, peaks_of, warn_of_files
from bvas.errors import ConfigError, DataError

if TYPE_CHECKING:
    from bvas.metrics.score_rules import Metric

_METRICS = ("at1", "at2", "at3", "at4", "at5", "tight", "loose", "seconds")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas spots score`."""
    add_files(parser, ", e.g. a submission")
    add_task(parser, "ball", "ball12", "action", "team")
    parser.add_argument(
        "--metric",
        nargs="+",
        default=[],
        metavar=("NAME", "SECONDS"),
        help=f"{', '.join(_METRICS[:-1])}, or 'seconds 0.2,0.5,1': largest distances of spot and annotation, "
        "at exact times (default: tight for action, at1 for the others)",
    )
    parser.add_argument(
        "--rate",
        type=float,
        help="frames per second of the metric (default: 2 for action, 25 for the others)",
    )
    add_choice(parser, "score")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")


def run(args: argparse.Namespace) -> None:
    """Score, write the figures, and print a table."""
    from bvas.evaluation.file_scores import score_files, scored_task
    from bvas.system.atomic_files import check_writable, write_json

    metric, tolerances = parse_metric(args.metric)
    task = scored_task(args.task, args.labels, head=args.head)
    peaks = peaks_of(args, task.labels)
    matches = read_names(args.matches) if args.matches else []
    if args.json:
        check_writable(args.json.parent)
    scores = score_files(
        args.labels,
        args.predictions,
        task,
        metric=metric,
        tolerances_seconds=tolerances,
        rate=args.rate,
        operating_point=peaks.operating_point,
        operating_points=peaks.operating_points(peaks.per_label),
        matches=matches,
        partial=args.partial,
        head=args.head,
    )
    warn_of_files(scores.files)
    if args.json:
        write_json(args.json, scores.to_json())
    print(*sheet_lines(scores.sheet), score_line(scores.sheet), sep="\n")


def parse_metric(words: Sequence[str]) -> "tuple[Metric | None, list[float]]":
    """Return the metric and the tolerances in seconds that the words name; (None, []) without words.

    Raises:
        ConfigError: no such metric, or tolerances that are no positive numbers.
    """
    if not words:
        return None, []
    name, *rest = words
    if name != "seconds":
        if name not in _METRICS or rest:
            raise ConfigError(
                f"unknown metric '{' '.join(words)}'; known are {', '.join(_METRICS[:-1])}, and 'seconds 0.2,0.5,1'"
            )
        return name, []  # type: ignore[return-value]
    try:
        tolerances = [float(number) for number in ",".join(rest).split(",") if number]
    except ValueError as error:
        raise ConfigError(f"tolerances must be seconds like 0.2,0.5,1, got '{' '.join(rest)}'") from error
    if not tolerances:
        raise ConfigError("the metric 'seconds' needs tolerances: --metric seconds 0.2,0.5,1")
    return "seconds", tolerances


def read_names(path: Path) -> list[str]:
    """Return the lines of a text file that are not empty.

    Raises:
        DataError: it cannot be read, or holds none.
    """
    from bvas.system.text_files import read_text, text_lines

    names = [line.strip() for line in text_lines(read_text(path)) if line.strip()]
    if not names:
        raise DataError(f"{path} names no match; write one a line, like league/season/match")
    return names
