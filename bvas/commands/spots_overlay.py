"""Draw spots, annotations and score curves on a copy of their video.

The copy is H.264 in mp4, each frame at its own time, with the sound.
"""

import argparse
import logging
from pathlib import Path

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.errors import ConfigError, DecodeError
from bvas.system.file_names import output_stem
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas spots overlay`."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help="any file that FFmpeg reads")
    options.add_spots(parser, " (default: spots/NAME)")
    parser.add_argument(
        "--part",
        type=int,
        metavar="N",
        help="which part (half) of SPOTS and LABELS the video is (default: the one of its name)",
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="annotations: a Labels-ball.json or Labels-v2.json"
    )
    options.add_out(parser, "an .mp4 (default: SPOTS/NAME_overlay.mp4)", metavar="FILE")
    options.add_overwrite(parser, "replace a file that exists")
    options.add_confidence(parser)
    options.add_tolerance(parser)
    options.add_span(parser)
    parser.add_argument(
        "--height",
        type=int,
        default=1080,
        metavar="H",
        help="rows of the picture, at most; small ones are enlarged to 540 or more (default: 1080)",
    )
    options.add_reading(parser)


def run(args: argparse.Namespace) -> None:
    """Read, draw, and say what could not be drawn."""
    from dataclasses import replace

    from bvas.report.overlay import OverlayConfig, write_overlay
    from bvas.report.overlaying import drawn_report, part_of_video, read_annotations
    from bvas.results.read_spots import read_spots
    from bvas.results.recording_folder import default_folder
    from bvas.system.atomic_files import check_writable
    from bvas.video.container.read_options import DEFAULT_READING, source_of
    from bvas.video.decode.damage_scan import frames_text

    config = OverlayConfig(max_height=args.height, min_height=min(540, args.height))
    if not args.video.exists():
        raise DecodeError(f"no file {args.video}", path=args.video)
    if args.confidence is not None and not 0 <= args.confidence <= 1:
        raise ConfigError(f"--confidence must lie in [0, 1], got {args.confidence}")
    spots: Path = args.spots or default_folder(source_of(str(args.video)))
    source = read_spots([spots])
    out: Path = args.out or source.folder / f"{output_stem(args.video.stem)}_overlay.mp4"
    check_target(out, args.video, overwrite=args.overwrite)
    check_writable(out.parent, out.name, f"{out.name}.part")
    part = part_of_video(source, args.video, args.part)
    if part.intervals:
        raise ConfigError(
            f"{spots} holds intervals, and the overlay shows spots alone; bvas report {spots} shows them"
        )
    # Nothing given: as the spots were found.
    given = options.reading_of(args)
    reading = part.video.reading if given == DEFAULT_READING else given
    part, labels = replace(part, video=replace(part.video, path=args.video, reading=reading)), source.labels
    if args.labels is not None:
        annotations, labels = read_annotations(args.labels, part.video.number, source)
        part = replace(part, annotations=tuple(annotations))
    for line in source.notices.lines():
        logger.warning("%s", line)
    shown = drawn_report(part.shown_from(args.confidence), labels, tolerance_seconds=args.tolerance)
    out.parent.mkdir(parents=True, exist_ok=True)
    with progress_bar(out.name, "frame", quiet=args.quiet) as bar:
        made = write_overlay(
            out,
            shown,
            labels,
            from_seconds=args.from_seconds,
            to_seconds=args.to_seconds,
            config=config,
            progress=bar,
        )
    if made.lost:
        logger.warning(
            "%s: not decoded: %s (%s); the one before stays on screen",
            args.video,
            count_text(sum(map(len, made.lost)), "frame"),
            frames_text(made.lost),
        )
    if made.num_damaged:
        damaged = count_text(made.num_damaged, "frame")
        logger.warning("%s: %s after a decoding error may be wrong", args.video, damaged)
    sound = {"copied": "its sound", "coded": "its sound, coded once more", "none": "no sound"}[made.sound]
    print(f"{count_text(made.num_frames, 'frame')} with {sound} in {out}")


def check_target(out: Path, video: Path, *, overwrite: bool) -> None:
    """Refuse a target that is not an mp4, is the video itself, or exists.

    Raises:
        ConfigError: names it.
    """
    if out.suffix.lower() != ".mp4":
        raise ConfigError(f"the annotated video must be an .mp4, got {out}")
    if out.exists() and out.samefile(video):
        raise ConfigError(f"{out} is the video itself; choose another --out")
    if out.is_dir() or (out.exists() and not overwrite):
        raise ConfigError(f"{out} is there already; --overwrite replaces it, --out names another")
