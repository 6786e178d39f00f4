"""Write a folder with a page that shows predictions on the video and lets you correct them.

The page opens by double click and needs no network.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.errors import ConfigError, DataError
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.evaluation.experiment_scores import Evaluation
    from bvas.experiment.experiment import Experiment
    from bvas.report.content import MatchReport
    from bvas.video.encode.browser_preview import PreviewConfig


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas report`."""
    parser.add_argument(
        "what",
        metavar="NAME|RESULTS",
        help="an experiment with predictions and labels; or the folder of bvas spot, or a file of spots of any system",
    )
    add_match(parser)
    options.add_challenge(parser, "an experiment's challenge predictions, which have no labels")
    options.add_video_of(parser)
    options.add_confidence(parser)
    parser.add_argument(
        "--examples",
        type=int,
        metavar="N",
        help="of kind clip: right and wrong examples of each class, N each (default: 8)",
    )
    add_page(parser, out="runs/NAME/report or RESULTS/report", height="540, of examples of kind clip 240")
    options.add_folders(parser)


def add_match(parser: argparse.ArgumentParser) -> None:
    """Add --match."""
    parser.add_argument(
        "--match",
        action="append",
        default=[],
        metavar="TEXT",
        help="matches with this in their name (repeat)",
    )


def add_page(parser: argparse.ArgumentParser, *, out: str, height: str = "540") -> None:
    """Add what says where the page goes and how it shows videos."""
    options.add_out(parser, f"default: {out}")
    options.add_overwrite(parser, "replace a page of other results")
    add_previews(parser, height=height)


def add_previews(parser: options.Options, *, height: str = "540") -> None:
    """Add --link and --height: how a page shows videos."""
    parser.add_argument(
        "--link",
        action="store_true",
        help="play the video itself where browsers can, instead of a preview beside the page",
    )
    parser.add_argument(
        "--height", type=int, metavar="H", help=f"largest height of previews (default: {height})"
    )


def run(args: argparse.Namespace) -> None:
    """Gather, code previews, write the page."""
    from bvas.experiment.experiment import load_experiment
    from bvas.report.report_folder import PAGE_NAME
    from bvas.results.store import has_results
    from bvas.system.atomic_files import check_writable
    from bvas.video.index.file_identity import place_of

    config = preview_config(args)
    given = Path(args.what)
    if has_results(given):
        made_from, experiment = given, None
    elif given.is_file() and given.suffix.lower() in (".json", ".jsonl", ".csv", ".tsv"):
        made_from, experiment = given.parent, None
    elif args.video:
        raise ConfigError("--video is for results of a recording; an experiment's videos are in --data")
    else:
        experiment = load_experiment(args.what, args.runs)
        made_from = args.runs / experiment.name
    out: Path = args.out or made_from / "report"
    check_writable(out, PAGE_NAME)
    if experiment is not None and experiment.kind == "clip":
        _write_classes(experiment, out, args, place_of(made_from))
        return
    if args.examples is not None:
        raise ConfigError("--examples is for experiments of kind clip; pages of others show all of the video")
    report = _results_report(given, args) if experiment is None else _experiment_report(experiment, args)
    write_folder(report, out, config, args, place_of(made_from))


def preview_config(args: argparse.Namespace) -> "PreviewConfig":
    """Return how previews are coded.

    Raises:
        ConfigError: a height that no video has.
    """
    from bvas.video.encode.browser_preview import PreviewConfig

    return PreviewConfig() if args.height is None else PreviewConfig(max_height=args.height)


def write_folder(
    report: "MatchReport", out: Path, config: "PreviewConfig", args: argparse.Namespace, made_from: str
) -> None:
    """Write the page and its previews, and say where they lie.

    Raises:
        BusyError: another process writes there.
        DataError: a page of other results lies there, and --overwrite is not given.
    """
    from bvas.report.report_folder import check_same_report, write_report_folder
    from bvas.system.locks import locked

    with locked(out):
        if not args.overwrite:
            check_same_report(out, made_from)
        page = write_report_folder(
            report,
            out,
            link=args.link,
            config=config,
            progress=lambda name: progress_bar(name, "frame", quiet=args.quiet),
            made_from=made_from,
        )
    print(f"page      {page}")
    for path in sorted(out.glob("*.mp4")):
        print(f"          {path}")


def _write_classes(experiment: "Experiment", out: Path, args: argparse.Namespace, made_from: str) -> None:
    """Write the error page of an experiment of kind clip, and say where it lies.

    Raises:
        ConfigError: an option of other kinds is given.
        DataError: there are no predictions of now, or a page of other results lies there.
    """
    from bvas.data.matches import find_matches
    from bvas.evaluation.class_evaluation import evaluate_classes
    from bvas.report.class_examples import NUM_EXAMPLES
    from bvas.report.class_page import SHEET_NAME, class_report, write_class_folder
    from bvas.report.example_clips import MAX_HEIGHT
    from bvas.report.report_folder import check_same_report
    from bvas.system.locks import locked
    from bvas.tasks.clip import ClipKind

    for name in ("match", "challenge", "confidence", "link"):
        if getattr(args, name):
            raise ConfigError(f"--{name} is for pages of whole videos, and {experiment.name} is of kind clip")
    most = NUM_EXAMPLES if args.examples is None else args.examples
    if most < 1:
        raise ConfigError(f"--examples must be at least 1, got {most}")
    evaluation = evaluate_classes(experiment, args.runs)
    report = class_report(evaluation, experiment.name, most)
    matches = find_matches(experiment.task, args.data)
    videos = ClipKind(experiment).named_samples(matches, report.names)
    missing = sorted(report.names - set(videos))
    if missing:
        raise DataError(
            f"{args.data} has no sample {missing[0]!r}, which was predicted; name the data root with --data"
        )
    with locked(out):
        if not args.overwrite:
            check_same_report(out, made_from)
        page = write_class_folder(
            report,
            videos,
            out,
            max_height=args.height or MAX_HEIGHT,
            made_from=made_from,
            progress=lambda name: progress_bar(name, "example", quiet=args.quiet),
        )
    num_bytes = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"page      {page} ({count_text(len(report.names), 'example')}, {num_bytes / 2**20:.1f} MiB)")
    print(f"          {out / SHEET_NAME}")


def _results_report(given: Path, args: argparse.Namespace) -> "MatchReport":
    from bvas.report.page_input import results_report

    if args.match or args.challenge:
        raise ConfigError(f"{given} is results of one recording; --match and --challenge are for experiments")
    return results_report(given, args.video, confidence=args.confidence)


def _experiment_report(experiment: "Experiment", args: argparse.Namespace) -> "MatchReport":
    from bvas.data.matches import find_matches, scored_matches
    from bvas.evaluation.interval_evaluation import evaluate_intervals
    from bvas.evaluation.label_check import check_labels
    from bvas.report.page_input import (
        challenge_report,
        choose_matches,
        evaluation_report,
        interval_report,
    )
    from bvas.results.store import Split, predictions_folder
    from bvas.results.tuned_peaks import with_threshold

    if args.confidence is not None:
        experiment = (
            with_threshold(experiment, args.confidence)
            if experiment.kind == "interval"
            else replace(experiment, peaks=experiment.peaks.shown_from(args.confidence))
        )
    if args.challenge:
        matches = find_matches(experiment.task, args.data)
        chosen = choose_matches([match for match in matches if match.fold is None], args.match)
        predictions = predictions_folder(args.runs, experiment.name, Split.CHALLENGE)
        return challenge_report(experiment, chosen, predictions, args.data)
    if experiment.kind == "interval":
        chosen = choose_matches(scored_matches(find_matches(experiment.task, args.data)), args.match)
        return interval_report(evaluate_intervals(experiment, chosen, args.runs), experiment, args.data)
    evaluation = evaluated(experiment, args)
    return evaluation_report(
        evaluation, experiment, args.data, label_check=check_labels(evaluation, experiment)
    )


def evaluated(experiment: "Experiment", args: argparse.Namespace) -> "Evaluation":
    """Return the scores of the out-of-fold predictions for the chosen matches.

    Raises:
        ConfigError: no match is called like one of --match.
        DataError: none has predictions.
    """
    from bvas.data.matches import find_matches, scored_matches
    from bvas.evaluation.experiment_scores import evaluate_predictions
    from bvas.report.page_input import choose_matches
    from bvas.results.store import predictions_folder

    chosen = choose_matches(scored_matches(find_matches(experiment.task, args.data)), args.match)
    return evaluate_predictions(experiment, chosen, predictions_folder(args.runs, experiment.name))
