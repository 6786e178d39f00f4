"""Find the actions in a recording, or in a source that is still running.

Several files are the parts of one recording, in order.
"""

import argparse
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.option_values import parse_time
from bvas.commands.recording_run import run_parts, trained_spotter
from bvas.commands.spot_live import add_live, check_live, run_live
from bvas.errors import ConfigError, DataError
from bvas.system.file_names import output_stem
from bvas.video.container.read_options import ReadOptions, Source, source_of

if TYPE_CHECKING:
    from bvas.inference.spotter import VideoSpotter
    from bvas.video.index.remote_file import FetchedFile

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas spot`."""
    parser.add_argument(
        "videos",
        nargs="+",
        metavar="VIDEO",
        help="any file that FFmpeg reads, also at an address (https, s3, gs, az); or one pipe, - for standard input, "
        "or one stream (HLS, rtsp, udp)",
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
    options.add_scratch(parser)
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
    if any(source.kind == "URL" for source in sources) and not args.live:
        from bvas.video.index.remote_file import looked_at

        sources = [looked_at(source) for source in sources]
    from bvas.report.recording_outputs import PlannedPart, output_names, part_names
    from bvas.results.recording_folder import check_same_recording, default_folder
    from bvas.results.video_result import VideoFile
    from bvas.system.atomic_files import check_writable
    from bvas.system.locks import locked
    from bvas.system.scratch import Scratch
    from bvas.video.index.remote_file import RemoteFile

    for source in sources:
        if source.kind in ("file", "growing file") and not source.path.exists():
            raise DataError(f"no file {source.path}")
    streams = [source for source in sources if not (source.is_indexable or source.kind == "remote file")]
    if streams and len(sources) > 1:
        raise ConfigError(
            f"{streams[0].name} is a {streams[0].kind}: it is spotted alone, not as a part of others"
        )
    out: Path = args.out or default_folder(sources[0])
    names = [output_stem(out.name)] if streams else part_names([_plain_path(source) for source in sources])
    if not args.live:
        # Hours of work must not end at a folder that cannot be written, or in that of another recording.
        check_writable(out, *output_names(names, "spot"))
        # What a remote file holds is known once it is fetched.
        if not args.overwrite and not any(source.kind == "remote file" for source in sources):
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
        with locked(out):
            if not args.overwrite:
                check_same_recording(out, sources)
            return run_parts(args, plans, sources, spotter, out)
    with Scratch(args.scratch) as scratch:
        # All first: the parts lie on one timeline.
        files = [
            RemoteFile(source.location).fetch(scratch) if source.kind == "remote file" else source.path
            for source in sources
        ]
        return _run_files(args, sources, files, reading, spotter, out)


def _run_files(
    args: argparse.Namespace,
    sources: Sequence[Source],
    files: "Sequence[Path | FetchedFile]",
    reading: ReadOptions,
    spotter: "VideoSpotter",
    out: Path,
) -> int:
    """Spot the parts of a recording; remote ones are named by their addresses, and their copies removed."""
    from bvas.report.recording_outputs import plan_parts
    from bvas.results.recording_folder import FileRecords, check_same_recording
    from bvas.system.locks import locked

    fetched = {file.path: file for file in files if not isinstance(file, Path)}
    paths = [file if isinstance(file, Path) else file.path for file in files]
    with ExitStack() as stack:
        for file in fetched.values():
            stack.callback(file.discard, reading)
            stack.enter_context(file.named())
        plans = [
            replace(plan, video=replace(plan.video, address=fetched[plan.video.path].remote.name))
            if plan.video.path in fetched
            else plan
            for plan in plan_parts(paths, args.from_seconds, args.to_seconds, reading)
        ]
        stack.enter_context(locked(out))
        if not args.overwrite:
            check_same_recording(out, sources, files)
        copies = [Source("file", str(path)) for path in paths]
        return run_parts(args, plans, copies, spotter, out, FileRecords(files))


def _plain_path(source: Source) -> Path:
    """Return a path with the name that the source's outputs have."""
    from bvas.video.index.remote_file import RemoteFile

    return Path(RemoteFile(source.location).file_name) if source.kind == "remote file" else source.path


def _spotter(args: argparse.Namespace) -> "VideoSpotter":
    """Return the models that --experiment, --folds or --model name."""
    if args.model is not None:
        from bvas.onnx.spotter import load_onnx_spotter
        from bvas.results.tuned_peaks import with_postprocessing

        if args.folds != "all":
            raise ConfigError("--folds does not go with --model: its files hold the folds that were exported")
        if args.precision not in ("auto", "float32"):
            raise ConfigError(
                f"--precision {args.precision} does not go with --model: exports compute in float32"
            )
        exported = load_onnx_spotter(
            args.model,
            device=args.device,
            stride=args.stride,
            share_repeats=not args.compute_repeats,
            engine=args.engine,
        )
        return replace(exported, experiment=with_postprocessing(exported.experiment, args.postprocessing))
    return trained_spotter(args, "spot")
