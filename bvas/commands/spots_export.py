"""Write spots for other programs.

These are tables, subtitles for players, edit lists for editing programs, instances for analysts, results for
SoccerNet's evaluation and OpenSportsLib's, and labels for Label Studio and FiftyOne.
"""

import argparse
import logging
from pathlib import Path

from bvas.commands import options
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)

_JSON = ("soccernet", "osl", "label-studio", "fiftyone")
_FORMATS = ("csv", "jsonl", "srt", "vtt", "edl", "otio", "sportscode", *_JSON)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas spots export`."""
    parser.add_argument(
        "spots",
        nargs="+",
        type=Path,
        metavar="SPOTS",
        help="a folder that bvas spot wrote, a results_spotting.json, OSL JSON, .csv or .jsonl; several are parts, in "
        "order",
    )
    parser.add_argument("--to", required=True, choices=_FORMATS, metavar="FORMAT", help=", ".join(_FORMATS))
    options.add_out(
        parser,
        "file to write; with several parts the number is added (default: beside SPOTS, named after the video)",
        metavar="FILE",
    )
    options.add_overwrite(parser, "replace files that exist")
    options.add_video_of(parser)
    options.add_confidence(parser, "the operating point; soccernet, osl: all")
    parser.add_argument(
        "--label", action="append", default=[], metavar="NAME", help="only spots of this label (repeat)"
    )
    subtitles = parser.add_argument_group("srt, vtt")
    subtitles.add_argument(
        "--hold", type=float, default=1.5, metavar="S", help="seconds that a subtitle stays (default: 1.5)"
    )
    clips = parser.add_argument_group("edl, otio, sportscode")
    clips.add_argument(
        "--lead", type=float, default=3.0, metavar="S", help="seconds before a spot (default: 3)"
    )
    clips.add_argument(
        "--lag", type=float, default=3.0, metavar="S", help="seconds after a spot (default: 3)"
    )
    lists = parser.add_argument_group("edl, otio")
    lists.add_argument(
        "--rate",
        metavar="FPS",
        help="23.976, 24, 25, 29.97, 30, 50, 59.94 or 60 (default: the video's, or the nearest of these)",
    )
    lists.add_argument(
        "--start-timecode",
        metavar="TC",
        help="of the video's first frame, hh:mm:ss:ff (default: the file's own, else zero)",
    )
    lists.add_argument(
        "--markers", action="store_true", help="markers on the video instead of a clip for each spot"
    )


def run(args: argparse.Namespace) -> None:
    """Read, check, write."""
    from bvas.report.formats.exporting import ExportConfig, export_spots
    from bvas.results.read_spots import read_spots

    config = ExportConfig(
        format=args.to,
        confidence=args.confidence,
        labels=tuple(args.label),
        hold_seconds=args.hold,
        lead_seconds=args.lead,
        lag_seconds=args.lag,
        rate=args.rate,
        markers=args.markers,
        start_timecode=args.start_timecode,
    )
    source = read_spots(args.spots, args.video)
    for line in source.notices.lines():
        logger.warning("%s", line)
    what = "interval" if any(result.intervals for result in source.videos) else "spot"
    for path, count in export_spots(source, config, args.out, overwrite=args.overwrite):
        print(f"{count_text(count, what)} in {path}")
