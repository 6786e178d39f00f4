"""Label videos: points and ranges, in a page or as frame numbers on the command line.

Writes a labels file, which is a dataset.json, and beside it a folder with a page that completes it. The page opens by
double click and needs no network. A labels file that exists is continued.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.commands.report import add_previews, preview_config, write_folder
from bvas.errors import ConfigError
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.data.labels_file import LabelsFile


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas label`."""
    parser.add_argument(
        "videos", nargs="+", type=Path, metavar="VIDEO", help="videos, each a match of its own"
    )
    parser.add_argument(
        "--labels",
        default="",
        metavar="A,B",
        help="labels in the order of their keys 1 to 9 (default: those of --out)",
    )
    parser.add_argument("--ranges", action="store_true", help="the keys begin and end ranges at first")
    parser.add_argument(
        "--present",
        metavar="405-577,768-999",
        help="ranges of one video's frames, first and last, from 0, of the first label; LABEL:405-577 for another "
        "label, which holds for the ranges behind it too. No page is written",
    )
    options.add_out(
        parser,
        "labels file (default: labels.json); the page lies beside it in labels_page",
        metavar="FILE",
        default=Path("labels.json"),
    )
    options.add_overwrite(parser, "replace a page of something else; the labels file is kept")
    add_previews(parser)


def run(args: argparse.Namespace) -> None:
    """Open the labels file, add ranges or write the page."""
    from bvas.commands.option_values import parse_ranges
    from bvas.data.labels_file import open_labels_file
    from bvas.report.label_report import label_report
    from bvas.report.report_folder import PAGE_NAME
    from bvas.system.atomic_files import check_writable, write_json
    from bvas.video.index.video_index import build_index

    config = preview_config(args)
    out: Path = args.out
    folder = out.with_name(f"{out.stem}_page")
    ranges = None if args.present is None else parse_ranges(args.present)
    if ranges is not None and len(args.videos) > 1:
        raise ConfigError(
            f"--present is for one video, and {len(args.videos)} are named; label them one after the other, with the "
            "same --out"
        )
    labels = [label.strip() for label in args.labels.split(",") if label.strip()]
    check_writable(out.parent, out.name)
    indexes = []
    with progress_bar("reading", "video", quiet=args.quiet) as progress:
        for number, path in enumerate(args.videos, start=1):
            indexes.append(build_index(path)[0])
            progress(number, len(args.videos))
    file = open_labels_file(out, indexes, labels)
    if ranges is not None:
        file = file.with_ranges(0, indexes[0], ranges)
        write_json(out, file.content)
        _print_labels(file)
        return
    check_writable(folder, PAGE_NAME)
    report = label_report(file, indexes, begins_with_ranges=args.ranges)
    # Its name alone, as both may be moved together.
    write_folder(report, folder, config, args, out.name)
    if not out.exists():
        write_json(out, file.content)
    _print_labels(file)
    print(f"save the labels on the page, in the place of {out.name}")


def _print_labels(file: "LabelsFile") -> None:
    rows = [row for video in range(len(file.entries)) for row in file.rows(video)]
    ranges = sum("from_frame" in row for row in rows)
    print(f"labels    {file.path} ({count_text(len(rows) - ranges, 'point')}, {count_text(ranges, 'range')})")
