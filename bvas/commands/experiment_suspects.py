"""Rank annotations that look like mistakes.

These are the annotations that out-of-fold predictions contradict most, and the confident spots where nothing is
annotated. Writes runs/NAME/suspects.json, and the page of 'bvas report' with them first.
"""

import argparse
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.report import add_match, add_page, evaluated, preview_config, write_folder
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.evaluation.label_check import LabelCheck
    from bvas.metrics.suspects import Suspect


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas experiment suspects`."""
    options.add_experiment(parser, "an experiment with predictions and labels")
    add_match(parser)
    parser.add_argument(
        "--top", type=int, default=20, metavar="N", help="lines of the table (default: 20); the file has all"
    )
    parser.add_argument("--no-page", action="store_true", help="only the table and the file")
    add_page(parser, out="runs/NAME/report")
    options.add_folders(parser)


def run(args: argparse.Namespace) -> None:
    """Judge the labels, print the table, write the file and the page."""
    from bvas.errors import ConfigError
    from bvas.evaluation.label_check import check_labels
    from bvas.experiment.experiment import load_experiment
    from bvas.report.page_input import evaluation_report
    from bvas.system.atomic_files import check_writable, write_json
    from bvas.tasks.kind_choice import check_kind
    from bvas.video.index.file_identity import place_of

    if args.top < 0:
        raise ConfigError(f"--top is a number of lines, got {args.top}")
    config = preview_config(args)
    experiment = load_experiment(args.experiment, args.runs)
    check_kind(experiment, "spot", "bvas experiment suspects")
    evaluation = evaluated(experiment, args)
    label_check = check_labels(evaluation, experiment)
    path = args.runs / experiment.name / "suspects.json"
    out = args.out or args.runs / experiment.name / "report"
    check_writable(path.parent)
    write_json(path, label_check.to_json())
    print(*suspect_lines(label_check, args.top), sep="\n")
    print(f"all       {path}")
    if not args.no_page:
        check_writable(out)
        report = evaluation_report(
            evaluation, experiment, args.data, label_check=label_check, begins_with_suspects=True
        )
        write_folder(report, out, config, args, place_of(args.runs / experiment.name))


def suspect_lines(label_check: "LabelCheck", top: int) -> list[str]:
    """Return the table of the first suspects, and counts of annotations that were not judged."""
    suspects = label_check.suspects
    counted = count_text(len(suspects), "suspect")
    lines = [
        f"{counted} among {count_text(label_check.num_annotations, 'annotation')} and the spots beside them"
    ]
    if suspects and top:
        rows = [_row(label_check, suspect) for suspect in suspects[:top]]
        head = ("rank", "suspicion", "match", "half", "time", "annotated", "spotted", "what")
        widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
        for row in (head, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            lines.append("  ".join(cells).rstrip())
    left_out = []
    if label_check.num_unshown:
        left_out.append(f"{label_check.num_unshown} of actions that are not shown")
    if label_check.num_in_gaps:
        left_out.append(f"{label_check.num_in_gaps} where the video could not be decoded")
    return [*lines, f"annotations not judged: {', '.join(left_out)}"] if left_out else lines


def _row(label_check: "LabelCheck", suspect: "Suspect") -> tuple[str, ...]:
    video, annotation, spot = label_check.videos[suspect.video].video, suspect.annotation, suspect.spot
    minutes, seconds = divmod(round(100 * suspect.seconds), 6000)
    spotted = ""
    if spot is not None:
        away = "" if annotation is None else f" {spot.seconds - annotation.seconds:+.2f} s"
        spotted = f"{spot.label} {spot.confidence:.2f}{away}"
    return (
        str(suspect.rank),
        f"{suspect.suspicion:.2f}",
        video.match.rsplit("/", 1)[-1],
        str(video.number),
        f"{minutes:02d}:{seconds / 100:05.2f}",
        "" if annotation is None else f"{annotation.label} {suspect.support:.2f}",
        spotted,
        suspect.kind.value,
    )
