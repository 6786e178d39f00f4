"""Find the stretches of a recording in which something is present, by an experiment of kind interval.

Several files are the parts of one recording, in order. 'bvas cut' makes clips or a film of what was found.
"""

import argparse
from pathlib import Path

from bvas.commands import options
from bvas.commands.recording_run import run_parts, trained_spotter
from bvas.errors import ConfigError, DataError
from bvas.video.container.read_options import source_of


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas intervals`."""
    parser.add_argument("videos", nargs="+", metavar="VIDEO", help="any file that FFmpeg reads")
    options.add_experiment_option(parser, "trained experiment of kind interval (default: the newest one)")
    options.add_folds(parser, "folds whose scores are averaged (default: all trained ones)")
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="P",
        help="score that an interval reaches (default: the experiment's)",
    )
    options.add_span(parser)
    options.add_out(parser, "default: ./intervals/<first video's name>")
    options.add_overwrite(parser, "replace results of another recording")
    options.add_inference(parser)
    options.add_postprocessing(parser)
    options.add_reading(parser)
    options.add_folders(parser, data=False)
    options.add_backend(parser)


def run(args: argparse.Namespace) -> int:
    """Find intervals, and write the results, a table, the score curves and pictures."""
    reading = options.reading_of(args)
    if args.stride < 1:
        raise ConfigError(f"--stride must be at least 1, got {args.stride}")
    sources = [source_of(video) for video in args.videos]
    from bvas.experiment.experiment import Experiment
    from bvas.report.recording_outputs import output_names, part_names, plan_parts
    from bvas.results.recording_folder import check_same_recording, default_folder
    from bvas.results.tuned_peaks import with_threshold
    from bvas.system.atomic_files import check_writable
    from bvas.system.locks import locked

    for source in sources:
        if not source.is_indexable:
            raise ConfigError(
                f"{source.name} is a {source.kind}; bvas intervals takes files: {source.remedy}"
            )
        if not source.path.exists():
            raise DataError(f"no file {source.path}")
    out: Path = args.out or default_folder(sources[0], "intervals")
    paths = [source.path for source in sources]
    # Hours of work must not end at a folder that cannot be written, or in that of another recording.
    check_writable(out, *output_names(part_names(paths), "interval"))
    if not args.overwrite:
        check_same_recording(out, sources)

    def changed(experiment: Experiment) -> Experiment:
        return with_threshold(experiment, args.threshold)

    spotter = trained_spotter(args, "interval", changed)
    plans = plan_parts(paths, args.from_seconds, args.to_seconds, reading)
    with locked(out):
        if not args.overwrite:
            check_same_recording(out, sources)
        return run_parts(args, plans, sources, spotter, out)
