"""Index videos: find the number and time of every frame, and keep them.

They are kept in the cache folder, and with --sidecar in VIDEO.bvasindex beside the video too: a copy of both opens at
once on another machine.
"""

import argparse
import logging
from pathlib import Path

from bvas.commands import options
from bvas.commands.console import partial_code
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas video index`."""
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="any file that FFmpeg reads")
    parser.add_argument(
        "--sidecar", action="store_true", help="write VIDEO.bvasindex, an index that travels with the video"
    )
    options.add_reading(parser)
    options.add_no_cache(parser)


def run(args: argparse.Namespace) -> int:
    """Index each video, and print a line for it."""
    from bvas.errors import BvasError
    from bvas.video.index.sidecar import write_sidecar
    from bvas.video.index.video_index import build_index

    reading = options.reading_of(args)
    num_failed = 0
    for video in args.videos:
        try:
            index, info = build_index(video, reading=reading, cache=not args.no_cache)
            written = f", index in {write_sidecar(video, reading, index, info)}" if args.sidecar else ""
        except BvasError as error:
            if len(args.videos) == 1:
                raise
            num_failed += 1
            logger.error("%s", error)
            continue
        frames = count_text(index.num_frames, "frame")
        print(f"{video}: {frames}, {index.duration_seconds:.3f} s{written}")
    return partial_code(num_failed, len(args.videos))
