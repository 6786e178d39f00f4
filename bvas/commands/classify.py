"""Classify videos, each by itself: one answer for a short clip, a table and a curve for a long video.

A published network (--model r3d_18), a trained experiment of kind clip, or what 'bvas weights export' made of one.
"""

import argparse
import logging
from pathlib import Path

from bvas.commands import options
from bvas.commands.class_listing import list_classes
from bvas.commands.class_run import ClassRun
from bvas.commands.classifier_choice import add_classifier, check_classifier, chosen_classifier
from bvas.commands.console import OK, partial_code
from bvas.commands.option_values import parse_workers
from bvas.errors import ConfigError, DataError, DecodeError, ScoresError, WorkerError
from bvas.system.file_names import shown_name
from bvas.video.container.read_options import Source, source_of

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas classify`."""
    parser.add_argument("videos", nargs="*", metavar="VIDEO", help="any file that FFmpeg reads")
    which = add_classifier(parser)
    which.add_argument("--list", metavar="NAME", help="print the classes of a published network, and stop")
    parser.add_argument("--sports", action="store_true", help="with --list: the sports among them, by sport")
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
    runner = ClassRun(args, chosen_classifier(args, "bvas classify"), workers)
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
    check_classifier(args)


def _check_files(sources: list[Source]) -> None:
    for source in sources:
        if not source.is_indexable:
            raise ConfigError(f"{source.name} is a {source.kind}; bvas classify takes files: {source.remedy}")
    if len(sources) == 1 and not sources[0].path.exists():
        raise DataError(f"no file {sources[0].path}")
