"""Find the actions in a recording, or in a source that is still running.

Several files are the parts of one recording, in order.
"""

import argparse
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.console import DONE_IN_PART, OK, progress_bar
from bvas.commands.option_values import parse_time
from bvas.commands.spot_live import add_live, check_live, run_live
from bvas.errors import CheckpointError, ConfigError, DataError, DecodeError
from bvas.system.file_names import output_stem
from bvas.values.progress import Progress
from bvas.values.units import duration_text
from bvas.video.container.read_options import Source, source_of

if TYPE_CHECKING:
    from bvas.experiment.experiment import Experiment
    from bvas.inference.spotter import VideoSpotter
    from bvas.report.recording_outputs import PlannedPart
    from bvas.results.video_result import VideoResult

logger = logging.getLogger(__name__)

_ESTIMATE_AFTER_FRAMES = 200
_LONG_SECONDS = 3600


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas spot`."""
    parser.add_argument(
        "videos",
        nargs="+",
        metavar="VIDEO",
        help="any file that FFmpeg reads; or one pipe, - for standard input, or one address (http, HLS, rtsp, udp)",
    )
    which = parser.add_mutually_exclusive_group()
    options.add_experiment_option(
        which, "trained or imported experiment (default: the newest one that is not the demo)"
    )
    which.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help="a model that 'bvas weights export' wrote; runs on ONNX Runtime, without PyTorch",
    )
    options.add_folds(parser, "folds whose scores are averaged (default: all trained ones)")
    options.add_span(parser)
    parser.add_argument(
        "--kickoff", type=parse_time, default=0.0, metavar="T", help="when the match clock starts"
    )
    options.add_out(parser, "default: ./spots/<first video's name>")
    options.add_overwrite(parser, "replace results of another recording, or a --jsonl file")
    options.add_inference(parser)
    options.add_postprocessing(parser)
    add_live(parser)
    options.add_reading(parser)
    options.add_folders(parser, data=False)
    options.add_backend(parser)


def run(args: argparse.Namespace) -> int:
    """Spot, and write the results, a table, the score curves and pictures."""
    check_live(args)
    reading = options.reading_of(args)
    if args.stride < 1:
        raise ConfigError(f"--stride must be at least 1, got {args.stride}")
    # As text, a path would not show that it is a URL; and before the imports that take seconds.
    sources = [source_of(video, growing=args.growing) for video in args.videos]
    from bvas.report.recording_outputs import PlannedPart, output_names, part_names, plan_parts
    from bvas.results.recording_folder import check_same_recording, default_folder
    from bvas.results.video_result import VideoFile
    from bvas.system.atomic_files import check_writable
    from bvas.system.locks import locked

    for source in sources:
        if source.kind in ("file", "growing file") and not source.path.exists():
            raise DataError(f"no file {source.path}")
    streams = [source for source in sources if not source.is_indexable]
    if streams and len(sources) > 1:
        raise ConfigError(
            f"{streams[0].name} is a {streams[0].kind}: it is spotted alone, not as a part of others"
        )
    out: Path = args.out or default_folder(sources[0])
    names = [output_stem(out.name)] if streams else part_names([source.path for source in sources])
    if not args.live:
        # Hours of work must not end at a folder that cannot be written, or in that of another recording.
        check_writable(out, *output_names(names))
        if not args.overwrite:
            check_same_recording(out, sources)
    spotter = _spotter(args)
    if spotter.experiment.name == "demo":
        logger.warning("the demo model knows synthetic matches only; its spots of other videos mean nothing")
    if args.live:
        return run_live(args, spotter)
    if streams:
        address = "" if streams[0].kind == "growing file" else streams[0].name
        address = "-" if streams[0].location == "-" else address
        video = VideoFile(name=names[0], path=streams[0].path, address=address, reading=reading)
        plans = [PlannedPart(video, args.from_seconds, args.to_seconds)]
    else:
        plans = plan_parts([source.path for source in sources], args.from_seconds, args.to_seconds, reading)
    with locked(out):
        if not args.overwrite:
            check_same_recording(out, sources)
        return _spot_parts(args, plans, sources, spotter, out)


def _spot_parts(
    args: argparse.Namespace,
    plans: "Sequence[PlannedPart]",
    sources: Sequence[Source],
    spotter: "VideoSpotter",
    out: Path,
) -> int:
    """Spot the parts of a recording, and write the results of each as soon as they are there."""
    from bvas.inference.spot_video import spot_video
    from bvas.inference.spotter import Spotter
    from bvas.report.recording_outputs import write_outputs
    from bvas.results.recording_folder import FileRecords, stale_files
    from bvas.results.video_result import VideoResult
    from bvas.values.match_clock import MatchClock

    stale = stale_files(out, [plan.video.name for plan in plans])
    is_stream = not sources[0].is_indexable
    clock = MatchClock(kickoff_seconds=args.kickoff)
    num_models = len(spotter.models) if isinstance(spotter, Spotter) else 1
    results: list[VideoResult] = []
    records = FileRecords([] if is_stream else [source.path for source in sources])
    for plan in plans:
        video = plan.video
        assert video.path is not None
        with progress_bar(video.path.name, "frame", quiet=args.quiet) as bar:
            estimate = _with_estimate(bar, len(sources), num_models, str(spotter.device).partition(":")[0])
            found = spot_video(
                sources[0].location if is_stream else video.path,
                spotter,
                backend=args.backend,
                from_seconds=plan.from_seconds,
                to_seconds=plan.to_seconds,
                strict=args.strict,
                growing=args.growing,
                stream=video.reading.stream,
                rate=video.reading.rate,
                tone=video.reading.tone,
                # The length of a stream is unknown.
                progress=bar if is_stream else estimate,
                in_part=True,
            )
        results.append(
            VideoResult(
                video=replace(video, match=out.name),
                curve=found.curve,
                spots=found.spots,
                spot_frames=found.source_frames,
                gaps=found.gaps,
                peaks=spotter.experiment.peaks,
            )
        )
        failure = found.failure
        in_part = _in_part(results, failure, len(plans))
        # At once: hours of work on one part are not lost with the next.
        made_from = records.known(wait=not in_part)
        length = found.duration_seconds
        write_outputs(out, spotter.experiment, clock, results, length, made_from=made_from, in_part=in_part)
        if failure is not None:
            break
    for path in stale:
        path.unlink(missing_ok=True)
    _sum_up(results, spotter.experiment, out, in_part)
    if failure is None:
        return OK
    if isinstance(failure, KeyboardInterrupt):
        raise failure
    logger.error("bvas spot: %s", failure)
    return DONE_IN_PART


def _in_part(
    results: "Sequence[VideoResult]", failure: DecodeError | KeyboardInterrupt | None, num_plans: int
) -> str:
    """Return the reason why results cover a part of the recording only; empty where they are complete."""
    if isinstance(failure, KeyboardInterrupt):
        last = results[-1]
        return f"interrupted at {last.required_curve.seconds[-1]:.1f} s of {last.video.name}"
    if failure is not None:
        return str(failure)
    return "" if len(results) == num_plans else f"{len(results)} of {num_plans} files"


def _spotter(args: argparse.Namespace) -> "VideoSpotter":
    """Return the models that --experiment, --folds or --model name."""
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
        return replace(exported, experiment=with_postprocessing(exported.experiment, args.postprocessing))
    from bvas.experiment.checkpoint import trained_among
    from bvas.experiment.experiment import load_experiment
    from bvas.inference.spotter import load_spotter

    name = args.experiment or newest_experiment(args.runs)
    experiment = with_postprocessing(load_experiment(name, args.runs), args.postprocessing)
    folds = trained_among(experiment, args.runs, args.folds)
    return load_spotter(
        experiment, args.runs, folds=folds, device=args.device, precision=args.precision, stride=args.stride
    )


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
                ways.insert(0, f"one of the {num_models} folds (--folds 0) takes 1/{num_models} of it")
            if device == "cpu":
                ways.insert(0, "a CUDA device (--device cuda)")
            logger.info("what would shorten it: %s", "; ".join(ways))

    return report


def newest_experiment(runs: Path) -> str:
    """Return the trained or imported experiment whose weights are the newest, the demo left out.

    Raises:
        CheckpointError: no model was found; the message tells how to get one.
    """
    from bvas.experiment.checkpoint import FILE_NAME

    files = [path for path in runs.glob(f"*/fold_*/{FILE_NAME}") if path.parent.parent.name != "demo"]
    if not files:
        raise CheckpointError(
            f"no trained or imported model in {runs}. Get the published weights of the reference system:\n"
            "  bvas weights download ball\n"
            "  bvas spot VIDEO --experiment ball\n"
            "or train one: bvas train --experiment NAME"
        )
    return max(files, key=lambda path: path.stat().st_mtime).parent.parent.name


def _sum_up(results: "Sequence[VideoResult]", experiment: "Experiment", out: Path, in_part: str) -> None:
    """Print what was found, and where it lies."""
    found = [spot for result in results for spot in result.shown]
    counts = ", ".join(f"{sum(s.label == label for s in found)} {label}" for label in experiment.task.labels)
    points = experiment.peaks.operating_points(experiment.task.labels)
    shown = "from " + ", ".join(f"{label} {point:g}" for label, point in points.items())
    if len(set(points.values())) == 1:
        shown = f"{min(points.values()):g} or more"
    print(f"{counts} (confidence {shown})")
    print(f"results in {out}" + (f", in part: {in_part}" if in_part else ""))
