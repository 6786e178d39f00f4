"""Classify videos, each by itself: one answer for a short clip, a table and a curve for a long video.

A published network (--model r3d_18), a trained experiment of kind clip, or what 'bvas weights export' made of one.
"""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.class_listing import list_classes
from bvas.commands.class_run import ClassRun
from bvas.commands.console import OK, partial_code
from bvas.commands.option_values import parse_workers
from bvas.commands.recording_run import newest_experiment
from bvas.errors import ConfigError, DataError, DecodeError, ScoresError, WorkerError
from bvas.models.video.published import VIDEO_MODELS
from bvas.system.file_names import shown_name
from bvas.video.container.read_options import Source, source_of

if TYPE_CHECKING:
    from bvas.inference.classifier import VideoClassifier

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas classify`."""
    parser.add_argument("videos", nargs="*", metavar="VIDEO", help="any file that FFmpeg reads")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--model",
        metavar="NAME|DIR",
        help=f"a published network ({', '.join(VIDEO_MODELS)}), or a folder that 'bvas weights export' wrote",
    )
    options.add_experiment_option(which, "trained experiment of kind clip (default: the newest one)")
    which.add_argument("--list", metavar="NAME", help="print the classes of a published network, and stop")
    parser.add_argument("--sports", action="store_true", help="with --list: the sports among them, by sport")
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="weights of a published --model (default: download them)"
    )
    options.add_folds(parser, "folds whose probabilities are averaged (default: all trained ones)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--every",
        type=float,
        metavar="S",
        help="a row every so many seconds (default: 0.8 for a video of more than 10 seconds)",
    )
    how.add_argument(
        "--clips",
        type=int,
        metavar="N",
        help="one answer for the whole video, the mean of N clips (default: as the experiment is tested, for a video "
        "of at most 10 seconds)",
    )
    parser.add_argument(
        "--top", type=int, default=5, metavar="N", help="labels in a row, or for a clip (default: 5)"
    )
    options.add_out(parser, "default: ./clips/<video's name>; of several videos a folder with one for each")
    options.add_overwrite(parser, "replace results of another video")
    options.add_precision(parser)
    options.add_strict(parser)
    options.add_folders(parser, data=False)
    options.add_workers(parser)


def run(args: argparse.Namespace) -> int:
    """Classify one video after the other; one that fails does not end the others."""
    if args.list is not None:
        list_classes(args.list, by_sport=args.sports)
        return OK
    _check(args)
    workers = parse_workers(args.workers)
    sources = [source_of(video) for video in args.videos]
    from bvas.inference.class_rows import check_top
    from bvas.inference.class_windows import check_spacing
    from bvas.predicting.failures import note_failure
    from bvas.report.recording_outputs import output_names, part_names
    from bvas.results.recording_folder import default_folder
    from bvas.system.atomic_files import check_writable

    check_top(args.top)
    check_spacing(args.every, args.clips)
    _check_files(sources)
    names = part_names([source.path for source in sources])
    root: Path = args.out or (default_folder(sources[0], "clips") if len(sources) == 1 else Path("clips"))
    folders = [root] if len(sources) == 1 else [root / name for name in names]
    for out, name in zip(folders, names, strict=True):
        check_writable(out, *output_names([name], "clip"))
    runner = ClassRun(args, _classifier(args), workers)
    failed: list[str] = []
    for source, name, out in zip(sources, names, folders, strict=True):
        try:
            runner.classify(source, name, out)
        except (DataError, DecodeError, ScoresError, WorkerError) as error:
            if len(sources) == 1:
                raise
            logger.error("%s: %s", shown_name(source.path), error)
            failed.append(str(source.path))
            note_failure(root, name, str(error))
        else:
            if len(sources) > 1:
                note_failure(root, name, None)
    if failed:
        logger.error(
            "%d of %d videos failed: %s", len(failed), len(sources), ", ".join(map(shown_name, failed))
        )
    return partial_code(len(failed), len(sources))


def _check(args: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if not args.videos:
        raise ConfigError("no VIDEO; name a file, or print classes with --list r3d_18")
    if args.sports:
        raise ConfigError("--sports goes with --list r3d_18")
    is_published = args.model in VIDEO_MODELS
    if args.weights is not None and not is_published:
        raise ConfigError(f"--weights {args.weights} needs a published --model: {', '.join(VIDEO_MODELS)}")
    if args.model is not None and args.folds != "all":
        raise ConfigError("--folds goes with --experiment, not with --model")
    if args.model is not None and not is_published and not Path(args.model).is_dir():
        raise ConfigError(
            f"--model {args.model!r} is neither a published network ({', '.join(VIDEO_MODELS)}) nor a folder that "
            "'bvas weights export' wrote"
        )


def _check_files(sources: list[Source]) -> None:
    for source in sources:
        if not source.is_indexable:
            raise ConfigError(f"{source.name} is a {source.kind}; bvas classify takes files: {source.remedy}")
    if len(sources) == 1 and not sources[0].path.exists():
        raise DataError(f"no file {sources[0].path}")


def _classifier(args: argparse.Namespace) -> "VideoClassifier":
    """Return the networks that --model or --experiment names; by default those of the newest experiment."""
    from bvas.experiment.checkpoint import trained_among
    from bvas.experiment.experiment import load_experiment
    from bvas.inference.classifier import load_classifier, published_classifier
    from bvas.tasks.kind_choice import check_kind

    if args.model in VIDEO_MODELS:
        return published_classifier(args.model, args.weights, device=args.device, precision=args.precision)
    if args.model is not None:
        from bvas.onnx.classifier import load_onnx_classifier

        if args.precision not in ("auto", "float32"):
            raise ConfigError(
                f"--precision {args.precision} does not go with exports, which compute in float32"
            )
        return load_onnx_classifier(Path(args.model), device=args.device)
    experiment = load_experiment(args.experiment or newest_experiment(args.runs, "clip"), args.runs)
    check_kind(experiment, "clip", "bvas classify")
    return load_classifier(
        experiment,
        args.runs,
        folds=trained_among(experiment, args.runs, args.folds),
        device=args.device,
        precision=args.precision,
    )
