"""A page to look at spots and to correct them: bvas report NAME|RESULTS."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands.console import OK, add_folders, progress_bar, run_command

if TYPE_CHECKING:
    from bvas.evaluation.experiment_scores import Evaluation
    from bvas.experiment.experiment import Experiment
    from bvas.report.page_input import ReportSource
    from bvas.video.encode.browser_preview import PreviewConfig

logger = logging.getLogger(__name__)


def build_parser(prog: str | None) -> argparse.ArgumentParser:
    """Return the command's parser."""
    parser = argparse.ArgumentParser(
        prog=prog or "bvas report",
        description="Write a folder with a page that shows predictions on the video and lets you correct them. "
        "It opens by double click and asks nothing of any network.",
    )
    parser.add_argument(
        "what",
        metavar="NAME|RESULTS",
        help="an experiment with predictions and labels; or the folder of bvas spot, or a file of spots of any system",
    )
    add_match(parser)
    parser.add_argument(
        "--challenge", action="store_true", help="an experiment's challenge predictions, which have no labels"
    )
    parser.add_argument(
        "--video",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="video of RESULTS, where it moved or is of another system (repeat for each part, in order)",
    )
    parser.add_argument(
        "--confidence",
        type=float,
        default=None,
        metavar="P",
        help="show spots from this confidence up (default: the operating point)",
    )
    add_page(parser, out="runs/NAME/report or RESULTS/report")
    add_folders(parser)
    return parser


def add_match(parser: argparse.ArgumentParser) -> None:
    """Add --match."""
    parser.add_argument(
        "--match",
        action="append",
        default=[],
        metavar="TEXT",
        help="matches with this in their name (repeat)",
    )


def add_page(parser: argparse.ArgumentParser, *, out: str) -> None:
    """Add what says where the page goes and how it shows videos."""
    parser.add_argument("--out", type=Path, default=None, metavar="DIR", help=f"default: {out}")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a page of other results that lies there"
    )
    parser.add_argument(
        "--link",
        action="store_true",
        help="play the video itself where browsers can, instead of a preview beside the page",
    )
    parser.add_argument(
        "--height", type=int, default=540, metavar="H", help="of previews, at most (default: 540)"
    )


def run(args: argparse.Namespace) -> int:
    """Gather, code previews, write the page."""
    from bvas.data.soccernet_files import RESULTS_NAME
    from bvas.report.report_folder import PAGE_NAME
    from bvas.system.atomic_files import check_writable

    config = preview_config(args)
    given = Path(args.what)
    is_results = (given / RESULTS_NAME).is_file() or (
        given.is_file() and given.suffix.lower() in (".json", ".jsonl", ".csv", ".tsv")
    )
    if is_results:
        out: Path = args.out or (given if given.is_dir() else given.parent) / "report"
        check_writable(out, PAGE_NAME)
        source, made_from = _results_source(given, args), given if given.is_dir() else given.parent
    else:
        source, name = _experiment_source(args)
        out = args.out or args.runs / name / "report"
        check_writable(out, PAGE_NAME)
        made_from = args.runs / name
    write_folder(source, out, config, args, made_from)
    return OK


def preview_config(args: argparse.Namespace) -> "PreviewConfig":
    """Return how previews are coded.

    Raises:
        ConfigError: a height that no video has.
    """
    from bvas.video.encode.browser_preview import PreviewConfig

    return PreviewConfig(max_height=args.height)


def write_folder(
    source: "ReportSource",
    out: Path,
    config: "PreviewConfig",
    args: argparse.Namespace,
    made_from: Path,
) -> None:
    """Write the page and its previews, and say where they lie.

    Raises:
        BusyError: another process writes there.
        DataError: a page of other results lies there, and --overwrite is not given.
    """
    from bvas.report.report_folder import check_same_report, write_report_folder
    from bvas.system.atomic_files import locked
    from bvas.video.index.file_identity import place_of

    with locked(out):
        if not args.overwrite:
            check_same_report(out, place_of(made_from))
        page = write_report_folder(
            source.report,
            source.videos,
            out,
            link=args.link,
            config=config,
            progress=lambda name: progress_bar(name, "frame", quiet=args.quiet),
            made_from=place_of(made_from),
        )
    print(f"page      {page}")
    for path in sorted(out.glob("*.mp4")):
        print(f"          {path}")


def _results_source(given: Path, args: argparse.Namespace) -> "ReportSource":
    from bvas.errors import ConfigError
    from bvas.report.page_input import results_source

    if args.match or args.challenge:
        raise ConfigError(f"{given} is results of one recording; --match and --challenge are for experiments")
    return results_source(given, args.video, confidence=args.confidence)


def _experiment_source(args: argparse.Namespace) -> tuple["ReportSource", str]:
    """Return the report and the experiment's name."""
    from dataclasses import replace

    from bvas.data.matches import find_matches
    from bvas.errors import ConfigError
    from bvas.evaluation.label_check import check_labels
    from bvas.experiment.experiment import load_experiment
    from bvas.report.page_input import challenge_source, choose_matches, evaluation_source

    if args.video:
        raise ConfigError("--video is for results of a recording; an experiment's videos are in --data")
    experiment = load_experiment(args.what, args.runs)
    if args.confidence is not None:
        experiment = replace(experiment, peaks=experiment.peaks.shown_from(args.confidence))
    if args.challenge:
        matches = find_matches(experiment.task, args.data)
        chosen = choose_matches([match for match in matches if match.fold is None], args.match)
        predictions = args.runs / experiment.name / "predictions" / "challenge"
        return challenge_source(experiment, chosen, predictions, args.data), experiment.name
    evaluation = evaluated(experiment, args)
    source = evaluation_source(
        evaluation, experiment, args.data, label_check=check_labels(evaluation, experiment)
    )
    return source, experiment.name


def evaluated(experiment: "Experiment", args: argparse.Namespace) -> "Evaluation":
    """Return the scores of the out-of-fold predictions for the chosen matches.

    Raises:
        ConfigError: no match is called like one of --match.
        DataError: none has predictions.
    """
    from bvas.data.matches import find_matches
    from bvas.evaluation.experiment_scores import evaluate_predictions
    from bvas.report.page_input import choose_matches

    labelled = [match for match in find_matches(experiment.task, args.data) if match.fold is not None]
    chosen = choose_matches(labelled, args.match)
    return evaluate_predictions(experiment, chosen, args.runs / experiment.name / "predictions" / "cv")


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(build_parser(prog), run, argv)
