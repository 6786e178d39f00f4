"""Find the actions in a recording, or in what is running: bvas spot VIDEO... --experiment NAME|--model DIR [--live]."""

import argparse
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bvas.commands.console import (
    DONE_IN_PART,
    OK,
    Progress,
    add_folders,
    add_machine,
    add_postprocessing,
    add_reading,
    duration_text,
    parse_time,
    progress_bar,
    reading_of,
    run_command,
)
from bvas.commands.spot_live import add_live, check_live, run_live
from bvas.errors import HIDDEN, ConfigError
from bvas.system.file_names import output_stem
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.experiment.experiment import Experiment
    from bvas.inference.spotter import VideoSpotter
    from bvas.report.recorded import PartPlan, RecordingPart
    from bvas.results.recording import RecordedFile
    from bvas.video.container.sources import Source

logger = logging.getLogger(__name__)

_ESTIMATE_AFTER_FRAMES = 200
_LONG_SECONDS = 3600


def build_parser(prog: str | None) -> argparse.ArgumentParser:
    """Return the command's parser."""
    parser = argparse.ArgumentParser(
        prog=prog or "bvas spot",
        description="Find the actions of one recording; several files are its parts, in order.",
    )
    parser.add_argument(
        "videos",
        nargs="+",
        metavar="VIDEO",
        help="any file that FFmpeg reads; or one pipe, - for standard input, or one address (http, HLS, rtsp, udp)",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--experiment",
        metavar="NAME",
        help="trained or imported experiment (default: the newest one that is not the demo)",
    )
    which.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help="a model that 'bvas weights export' wrote; runs on ONNX Runtime, without PyTorch",
    )
    parser.add_argument(
        "--folds", default="all", help="folds whose scores are averaged (default: all trained ones)"
    )
    parser.add_argument(
        "--from",
        dest="from_seconds",
        type=parse_time,
        default=0.0,
        metavar="T",
        help="start, on the timeline of all parts: s or mm:ss",
    )
    parser.add_argument(
        "--to", dest="to_seconds", type=parse_time, default=None, metavar="T", help="end: s or mm:ss"
    )
    parser.add_argument(
        "--kickoff", type=parse_time, default=0.0, metavar="T", help="when the match clock starts"
    )
    parser.add_argument(
        "--out", type=Path, default=None, metavar="DIR", help="default: ./spots/<first video's name>"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace results of another recording, or a --jsonl file"
    )
    parser.add_argument("--strict", action="store_true", help="fail where a frame cannot be decoded")
    add_postprocessing(parser)
    parser.add_argument(
        "--precision",
        default="auto",
        choices=["auto", "float32", "bfloat16", "float16"],
        help="what is computed in (default: float16 on CUDA, float32 on a CPU)",
    )
    parser.add_argument(
        "--stride",
        type=int,
        default=1,
        metavar="N",
        help="compute the scores of every Nth frame, and fill in between (default: 1)",
    )
    add_live(parser)
    add_reading(parser)
    add_folders(parser, data=False)
    add_machine(parser, workers=False)
    return parser


def run(args: argparse.Namespace) -> int:
    """Spot, and write the results, a table, the score curves and pictures."""
    from bvas.video.container.sources import source_of

    check_live(args)
    reading = reading_of(args)
    if args.stride < 1:
        raise ConfigError(f"--stride must be at least 1, got {args.stride}")
    # As text, a path would not show that it is a URL; and before the imports that take seconds.
    sources = [source_of(video, growing=args.growing) for video in args.videos]
    from bvas.data.soccernet_files import RESULTS_NAME
    from bvas.errors import DataError
    from bvas.report.recorded import PartPlan, outputs_of, part_names, plan_parts
    from bvas.report.replacing import TABLE_NAME, check_same_recording
    from bvas.results.recording import RECORDING_NAME
    from bvas.system.atomic_files import check_writable, locked

    for source in sources:
        if source.kind in ("file", "growing file") and not source.path.exists():
            raise DataError(f"no file {source.path}")
    streams = [source for source in sources if not source.is_indexable]
    if streams and len(sources) > 1:
        raise ConfigError(
            f"{streams[0].name} is a {streams[0].kind}: it is spotted alone, not as a part of others"
        )
    out: Path = args.out or default_out(sources[0])
    names = [output_stem(out.name)] if streams else part_names([source.path for source in sources])
    if not args.live:
        # Hours of work must not end at a folder that cannot be written, or in that of another recording.
        files = [file for name in names for file in outputs_of(name)]
        check_writable(out, RESULTS_NAME, TABLE_NAME, RECORDING_NAME, *files)
        if not args.overwrite:
            check_same_recording(out, sources)
    spotter, num_models = _spotter(args)
    if spotter.experiment.name == "demo":
        logger.warning(
            "the demo model knows synthetic matches only; what it says of other videos means nothing"
        )
    if args.live:
        return run_live(args, spotter)
    if streams:
        address = "" if streams[0].kind == "growing file" else streams[0].name
        address = "-" if streams[0].location == "-" else address
        plans = [
            PartPlan(1, streams[0].path, names[0], 0.0, args.from_seconds, args.to_seconds, reading, address)
        ]
    else:
        plans = plan_parts([source.path for source in sources], args.from_seconds, args.to_seconds, reading)
    with locked(out):
        if not args.overwrite:
            check_same_recording(out, sources)
        return _spot_parts(args, plans, sources, spotter, num_models, out)


def _spot_parts(
    args: argparse.Namespace,
    plans: "Sequence[PartPlan]",
    sources: "Sequence[Source]",
    spotter: "VideoSpotter",
    num_models: int,
    out: Path,
) -> int:
    """Spot the parts of a recording, and write the results of each as soon as they are there."""
    from bvas.errors import DataError
    from bvas.inference.spot_video import spot_video
    from bvas.report.recorded import RecordingPart
    from bvas.report.replacing import RecordedFiles, remove_stale
    from bvas.results.recording import read_recording

    try:
        before = read_recording(out)
    except DataError:
        before = None
    is_stream = not sources[0].is_indexable
    digests = RecordedFiles([] if is_stream else [source.path for source in sources])
    parts: list[RecordingPart] = []
    with digests:
        for plan in plans:
            with progress_bar(plan.path.name, "frame", quiet=args.quiet) as bar:
                estimate = _with_estimate(
                    bar, len(sources), num_models, str(spotter.device).partition(":")[0]
                )
                found = spot_video(
                    sources[0].location if is_stream else plan.path,
                    spotter,
                    backend=args.backend,
                    from_seconds=plan.from_seconds,
                    to_seconds=plan.to_seconds,
                    strict=args.strict,
                    growing=args.growing,
                    stream=plan.reading.stream,
                    rate=plan.reading.rate,
                    tone=plan.reading.tone,
                    # The length of a stream is unknown.
                    progress=bar if is_stream else estimate,
                    in_part=True,
                )
            parts.append(RecordingPart(plan, found))
            failure = found.failure
            in_part = _in_part(parts, len(plans))
            made_from = digests.known(wait=not in_part)
            # At once: hours of work on one part are not lost with the next.
            _write_outputs(parts, spotter.experiment, out, args.kickoff, made_from, in_part)
            if failure is not None:
                break
    remove_stale(out, before, [plan.name for plan in plans])
    _sum_up(parts, spotter.experiment, out, in_part)
    if failure is None:
        return OK
    if isinstance(failure, KeyboardInterrupt):
        raise failure
    logger.error("bvas spot: %s", failure)
    return DONE_IN_PART


def _in_part(parts: "Sequence[RecordingPart]", num_plans: int) -> str:
    """Return why results are of a part of the recording only; nothing where they are complete."""
    found = parts[-1].found
    if isinstance(found.failure, KeyboardInterrupt):
        return f"interrupted at {found.curve.seconds[-1]:.1f} s of {parts[-1].plan.name}"
    if found.failure is not None:
        return str(found.failure)
    return "" if len(parts) == num_plans else f"{len(parts)} of {num_plans} files"


def _spotter(args: argparse.Namespace) -> "tuple[VideoSpotter, int]":
    """Return what to look at videos with, and how many models `--folds` could choose among."""
    from bvas.results.tuned_peaks import with_postprocessing

    if args.model is not None:
        from bvas.onnx.spotter import load_onnx_spotter

        if args.folds != "all":
            raise ConfigError("--folds does not go with --model: its files hold the folds that were exported")
        if args.precision not in ("auto", "float32"):
            raise ConfigError(
                f"--precision {args.precision} does not go with --model: exports compute in float32"
            )
        exported = load_onnx_spotter(args.model, device=args.device, stride=args.stride)
        return replace(exported, experiment=with_postprocessing(exported.experiment, args.postprocessing)), 1
    from bvas.experiment.checkpoint import trained_among
    from bvas.experiment.experiment import load_experiment
    from bvas.inference.spotter import load_spotter

    name = args.experiment or newest_experiment(args.runs)
    experiment = with_postprocessing(load_experiment(name, args.runs), args.postprocessing)
    folds = trained_among(experiment, args.runs, args.folds)
    spotter = load_spotter(
        experiment,
        args.runs,
        folds=folds,
        device=args.device,
        precision=args.precision,
        stride=args.stride,
    )
    return spotter, len(spotter.models)


def default_out(source: "Source") -> Path:
    """Return `spots/<name>`: the video's, or its folder's where the file is called `1_720p` as in SoccerNet."""
    if source.location == "-":
        return Path("spots") / "stdin"
    video = Path(urlsplit(source.name).path or "stream") if source.kind == "URL" else source.path
    stem = video.stem.replace(HIDDEN, "") or "stream"
    named = stem if not re.fullmatch(r"([12]_)?\d+p", stem) else video.absolute().parent.name
    return Path("spots") / output_stem(named)


def _with_estimate(
    bar: Progress, num_videos: int, num_models: int, device: str
) -> Callable[[int, int], None]:
    """Report progress, and once 200 frames are done say how long the whole takes and what would shorten it."""
    # Counted from the first frames on: opening and indexing the file comes once, whatever its length.
    start: tuple[float, int] | None = None
    said = False

    def report(done: int, total: int) -> None:
        nonlocal start, said
        bar(done, total)
        if start is None:
            start = time.monotonic(), done
            return
        if said or done < _ESTIMATE_AFTER_FRAMES:
            return
        said = True
        left = (time.monotonic() - start[0]) / (done - start[1]) * (total - done)
        each = " for this file" if num_videos > 1 else ""
        logger.info("%d of %d frames done; about %s left%s", done, total, duration_text(left), each)
        if left > _LONG_SECONDS:
            ways = ["a part of the video (--from, --to)", "every other row (--stride 2)"]
            if num_models > 1:
                ways.insert(
                    0, f"one of the {count_text(num_models, 'fold')} (--folds 0) takes 1/{num_models} of it"
                )
            if device == "cpu":
                ways.insert(0, "a CUDA device (--device cuda)")
            logger.info("what would shorten it: %s", "; ".join(ways))

    return report


def newest_experiment(runs: Path) -> str:
    """Return the trained or imported experiment whose weights are the newest, the demo left out.

    Raises:
        CheckpointError: there is none; the message tells how to get one.
    """
    from bvas.errors import CheckpointError
    from bvas.experiment.checkpoint import FILE_NAME

    files = [path for path in runs.glob(f"*/fold_*/{FILE_NAME}") if path.parent.parent.name != "demo"]
    if not files:
        raise CheckpointError(
            f"no trained or imported model in {runs}. Get the seed system's published weights:\n"
            "  1. download ball_action/experiments/ball_finetune_long_004 from "
            "https://drive.google.com/drive/folders/1mIu62cIdsRn3W4o1E5vRR8V5Q1B6HHoz\n"
            "  2. bvas weights import ball_finetune_long_004 --name ball_seed\n"
            "  3. bvas spot VIDEO --experiment ball_seed"
        )
    return max(files, key=lambda path: path.stat().st_mtime).parent.parent.name


def _write_outputs(
    parts: "Sequence[RecordingPart]",
    experiment: "Experiment",
    out: Path,
    kickoff: float,
    made_from: "Sequence[RecordedFile]",
    in_part: str,
) -> None:
    """Write the newest part of a recording into `out`, and what its parts so far make together."""
    from bvas.data.soccernet_files import RESULTS_NAME, write_results
    from bvas.report.recorded import write_part, write_recording, write_table

    # First, so that whatever lies here is known to be of this recording.
    write_recording(parts, experiment, out, kickoff, made_from=made_from, in_part=in_part)
    write_part(parts[-1], experiment, out, kickoff)
    write_results(
        out / RESULTS_NAME,
        out.name,
        {part.plan.number: part.found.spots for part in parts},
        rate=experiment.input.rate,
        gaps=[gap.to_json(part.plan.number) for part in parts for gap in part.found.gaps],
    )
    write_table(parts, experiment, out, kickoff)


def _sum_up(parts: "Sequence[RecordingPart]", experiment: "Experiment", out: Path, in_part: str) -> None:
    """Print what was found, and where it lies."""
    from bvas.tasks.peaks import shown

    found = [spot for part in parts for spot in shown(part.found.spots, experiment.peaks)]
    counts = ", ".join(f"{sum(s.label == label for s in found)} {label}" for label in experiment.task.labels)
    points = experiment.peaks.operating_points(experiment.task.labels)
    if len(set(points.values())) == 1:
        print(f"{counts} (confidence {next(iter(points.values())):g} or more)")
    else:
        each = ", ".join(f"{label} {point:g}" for label, point in points.items())
        print(f"{counts} (confidence from {each})")
    print(f"results in {out}" + (f", in part: {in_part}" if in_part else ""))


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(build_parser(prog), run, argv)
