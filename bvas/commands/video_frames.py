"""Write frames of a video as numbered pictures: their numbers are those of the frames in the video."""

import argparse
import logging
from pathlib import Path

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas video frames`."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help="any file that FFmpeg reads")
    options.add_out(parser, "folder of the pictures", required=True)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth frame (default: 1)")
    options.add_intervals(parser)
    parser.add_argument("--format", choices=["png", "jpg"], default="png", help="default: png")
    options.add_overwrite(parser, "replace pictures that exist")
    options.add_strict(parser)
    options.add_reading(parser)


def run(args: argparse.Namespace) -> None:
    """Read and write."""
    from bvas.cutting.frame_pictures import write_frames
    from bvas.data.interval_files import read_interval_file
    from bvas.data.soccernet_entries import Notices
    from bvas.video.decode.damage_scan import frames_text

    notices = Notices()
    intervals = None if args.intervals is None else read_interval_file(args.intervals, notices)
    for line in notices.lines():
        logger.warning("%s", line)
    with progress_bar(args.out.name, "frame", quiet=args.quiet) as bar:
        made = write_frames(
            args.video,
            args.out,
            every=args.every,
            intervals=intervals,
            format=args.format,
            strict=args.strict,
            overwrite=args.overwrite,
            reading=options.reading_of(args),
            progress=bar,
        )
    if made.lost:
        lost = count_text(sum(map(len, made.lost)), "frame")
        logger.warning(
            "%s: %s cannot be decoded, and have no picture: %s", args.video, lost, frames_text(made.lost)
        )
    first, last = made.paths[0].name, made.paths[-1].name
    print(f"{count_text(len(made.paths), 'picture')}, {first} to {last}, in {args.out}")
