"""Cut intervals or moments out of videos, with their sound: one file of highlights, or a file for each cut.

Several videos are the parts of one recording, in order.
"""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.commands.option_values import parse_speed
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.video.encode.stretches import WrittenFile, WrittenStretch

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas cut`."""
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="any file that FFmpeg reads")
    what = parser.add_argument_group("what is cut out").add_mutually_exclusive_group(required=True)
    options.add_intervals(what)
    options.add_spots(what)
    parser.add_argument("--before", type=float, metavar="S", help="seconds before each spot (default: 3)")
    parser.add_argument("--after", type=float, metavar="S", help="seconds after each spot (default: 5)")
    parser.add_argument("--labels", default="", metavar="A,B", help="only these labels (default: all)")
    options.add_confidence(parser, "the operating point of spots; all intervals")
    parser.add_argument(
        "--keep-overlaps", action="store_true", help="do not join cuts that overlap or touch each other"
    )
    where = parser.add_argument_group("where it goes").add_mutually_exclusive_group(required=True)
    options.add_out(where, "one .mp4 of all cuts, in order of time", metavar="FILE")
    where.add_argument("--clips", type=Path, metavar="DIR", help="folder of an .mp4 for each cut")
    options.add_overwrite(parser, "replace files that exist")
    how = parser.add_argument_group("how it is written")
    options.add_codec(how)
    options.add_crf(how, 12)
    how.add_argument(
        "--copy",
        action="store_true",
        help="copy the pictures without encoding them, from the keyframe before each cut",
    )
    how.add_argument(
        "--speed", type=parse_speed, default=1, metavar="X", help="0.5 is half as fast (default: 1)"
    )
    how.add_argument("--stretch-sound", action="store_true", help="keep the sound at another speed")
    how.add_argument("--titles", action="store_true", help="label and time over the begin of each cut")
    options.add_strict(how)
    options.add_reading(parser)
    options.add_no_cache(parser)


def run(args: argparse.Namespace) -> None:
    """Cut, and say what was written."""
    from bvas.cutting.cut_video import cut

    with progress_bar("cut", "frame", quiet=args.quiet) as bar:
        made = cut(
            args.videos,
            intervals=args.intervals,
            spots=args.spots,
            out=args.out,
            clips=args.clips,
            before=args.before,
            after=args.after,
            labels=[label.strip() for label in args.labels.split(",") if label.strip()],
            confidence=args.confidence,
            keep_overlaps=args.keep_overlaps,
            titles=args.titles,
            copy=args.copy,
            speed=args.speed,
            stretch_sound=args.stretch_sound,
            codec=args.codec,
            crf=args.crf,
            strict=args.strict,
            overwrite=args.overwrite,
            reading=options.reading_of(args),
            cache=not args.no_cache,
            progress=bar,
        )
    for number, one in enumerate((one for file in made for one in file.stretches), 1):
        _warn_of_damage(one)
        if args.copy:
            print(f"cut {number}: {added_text(one)}")
    is_silent = args.speed != 1 and not args.stretch_sound
    for file in made:
        print(file_text(file, is_silent=is_silent))


def added_text(one: "WrittenStretch") -> str:
    """Return what copied packets add to a cut, as text for people."""
    first, last = one.asked[0].start, max(asked.stop for asked in one.asked)
    before, after = first - one.frames.start, one.frames.stop - last
    between = one.num_added - before - after
    parts = [(before, "before"), (after, "behind"), (between, "between joined cuts")]
    added = ", ".join(f"{count_text(count, 'frame')} {where}" for count, where in parts if count)
    frames = f"frames {one.frames.start} to {one.frames.stop - 1} of {one.source.index.path.name}"
    return f"{frames}, {f'with {added}' if added else 'no frame added'}"


def file_text(file: "WrittenFile", *, is_silent: bool) -> str:
    """Return a finished file as a line for people."""
    sound = "with sound" if file.has_sound else "without sound"
    if is_silent:
        sound += " (another speed; --stretch-sound keeps it)"
    cuts = count_text(len(file.stretches), "cut")
    return f"{cuts}, {count_text(file.num_frames, 'frame')}, {file.duration_seconds:.2f} s, {sound}, in {file.path}"


def _warn_of_damage(one: "WrittenStretch") -> None:
    from bvas.video.decode.damage_scan import frames_text

    index = one.source.index
    if one.lost:
        at = index.seconds_of(one.lost[0].start)
        logger.warning(
            "%s: not decoded: %s (%s), the first at %.3f s; they are missing from the cut",
            index.path,
            count_text(sum(map(len, one.lost)), "frame"),
            frames_text(one.lost),
            at,
        )
    if one.damaged:
        damaged = count_text(len(one.damaged), "frame")
        logger.warning("%s: %s after a decoding error may be wrong", index.path, damaged)
