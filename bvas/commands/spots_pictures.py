"""Draw pictures of predictions against labels.

Predictions are results_spotting.json files, in a folder or a zip; labels are SoccerNet's label files. The pictures are
a timeline of each video, precision over recall, timing, and frames around the worst misses and false alarms.
"""

import argparse
from pathlib import Path

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.commands.scored_options import add_choice, add_files, add_task, peaks_of, warn_of_files
from bvas.commands.spots_score import read_names
from bvas.values.plural import count_text

_KINDS = ("timeline", "precision-recall", "timing", "worst")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas spots pictures`."""
    add_files(parser, "; score curves beside them are drawn too")
    options.add_out(parser, "default: ./pictures", default=Path("pictures"))
    options.add_overwrite(parser, "replace pictures that exist")
    parser.add_argument(
        "--videos", type=Path, metavar="DIR", help="videos as MATCH/1_224p.mkv (default: in --labels)"
    )
    add_task(parser, "ball", "ball12", "action")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=_KINDS,
        metavar="KIND",
        help=f"{', '.join(_KINDS)} (repeat)",
    )
    options.add_tolerance(parser)
    parser.add_argument(
        "--worst",
        type=int,
        default=6,
        metavar="N",
        help="number of misses, and of false alarms, on the sheet (default: 6)",
    )
    add_choice(parser, "draw")


def run(args: argparse.Namespace) -> None:
    """Read, draw, write."""
    from bvas.evaluation.file_scores import scored_task
    from bvas.evaluation.scored_files import read_videos
    from bvas.report.picturing import PictureConfig, write_pictures_of_files
    from bvas.system.atomic_files import check_writable

    task = scored_task(args.task, args.labels, head=args.head)
    config = PictureConfig(
        kinds=tuple(args.only) or PictureConfig().kinds,
        peaks=peaks_of(args, task.labels),
        tolerance_seconds=args.tolerance,
        num_worst=args.worst,
    )
    matches = read_names(args.matches) if args.matches else []
    check_writable(args.out)
    files = read_videos(
        args.labels, args.predictions, task, matches=matches, partial=args.partial, head=args.head
    )
    with progress_bar("pictures", "picture", quiet=args.quiet) as bar:
        paths = write_pictures_of_files(
            files,
            task.labels,
            args.out,
            config,
            videos=args.videos or args.labels,
            predictions=args.predictions,
            overwrite=args.overwrite,
            progress=bar,
        )
    warn_of_files(files)
    print(f"{count_text(len(paths), 'picture')} in {args.out}")
