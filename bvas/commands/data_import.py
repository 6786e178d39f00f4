"""Make a data root with a dataset.json from labels in other formats.

These are a folder in SoccerNet's layout, E2E-Spot's JSON, OSL JSON, a CSV table with the columns video, label, seconds
or frame, and optionally team, visible, fold, match; or the corrections.json that the page of 'bvas report' saves.
"""

import argparse
import logging
import sys
from pathlib import Path

from bvas.commands import options
from bvas.commands.console import OK, WRONG_INPUT
from bvas.commands.scored_options import add_head
from bvas.data.importing.draft import Import, Placing, write_dataset
from bvas.errors import ConfigError, DataError
from bvas.system.log_lines import short_line
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)

_FORMATS = ("soccernet", "e2e-spot", "csv", "osl", "corrections")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas data import`."""
    parser.add_argument("source", type=Path, metavar="SOURCE", help="folder, .json or .csv file")
    options.add_out(parser, "data root to write to", required=True)
    parser.add_argument(
        "--format", choices=_FORMATS, help="format of SOURCE (default: recognized by name and content)"
    )
    parser.add_argument(
        "--videos", type=Path, metavar="DIR", help="folder of the videos (default: beside SOURCE, or --with)"
    )
    parser.add_argument(
        "--with",
        dest="root",
        type=Path,
        metavar="DIR",
        help="for corrections: the data root whose other matches and folds are kept",
    )
    add_head(parser)
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--link", action="store_true", help="make symbolic links to the videos below --out")
    place.add_argument(
        "--copy",
        action="store_true",
        help="copy the videos below --out (default: neither; their paths are written)",
    )
    parser.add_argument(
        "--resolution", default="720p", help="rendition of SoccerNet's videos (default: 720p)"
    )
    parser.add_argument(
        "--label-file",
        choices=["Labels-ball.json", "Labels-v2.json"],
        help="label file of SoccerNet's layout (default: the one found)",
    )
    options.add_overwrite(parser, "replace a dataset.json in --out")


def run(args: argparse.Namespace) -> int:
    """Read all files; write only without faults."""
    from bvas.data.importing.merging import put_into, read_root
    from bvas.system.atomic_files import check_writable

    check_writable(args.out, "dataset.json")
    format = args.format or format_of(args.source)
    found = _read_source(args, format)
    if args.root is not None:
        if format != "corrections":
            raise ConfigError(f"--with is for corrections, and {args.source} is {format}")
        root = read_root(args.root, resolution=args.resolution, label_file=args.label_file)
        found = put_into(found, root, args.source)
    if found.faults:
        for fault in found.faults:
            print(short_line(f"fault: {fault}"), file=sys.stderr)
        print(f"nothing was written: {count_text(len(found.faults), 'fault')}", file=sys.stderr)
        return WRONG_INPUT
    placing: Placing = "link" if args.link else "copy" if args.copy else "path"
    path = write_dataset(found, args.out, placing=placing, overwrite=args.overwrite)
    labelled = [match for match in found.matches if match.annotations is not None]
    logger.info(
        "%s: %s and %s, %s of %s (%s)",
        path,
        count_text(len(labelled), "labelled match"),
        count_text(len(found.matches) - len(labelled), "challenge match"),
        count_text(sum(len(match.annotations or ()) for match in labelled), "annotation"),
        count_text(len(found.labels), "label"),
        ", ".join(found.labels),
    )
    logger.info("next: bvas data check %s", args.out)
    return OK


def format_of(source: Path) -> str:
    """Return the format of a file or folder, by name and content.

    Raises:
        DataError: it does not exist, or its format is not recognized.
    """
    from bvas.data.importing.from_corrections import is_corrections
    from bvas.data.osl_json import is_osl
    from bvas.system.text_files import read_json

    if not source.exists():
        raise DataError(f"no file or folder {source}")
    if source.is_dir():
        splits = [source / f"{split}.json" for split in ("train", "val", "test", "challenge")]
        return "e2e-spot" if any(path.is_file() for path in splits) else "soccernet"
    suffix = source.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return "csv"
    if suffix != ".json":
        raise DataError(f"{source} is neither a folder nor .csv nor .json; name its format with --format")
    content = read_json(source)
    return "corrections" if is_corrections(content) else "osl" if is_osl(content) else "e2e-spot"


def _read_source(args: argparse.Namespace, format: str) -> Import:
    """Return the matches that the reader of a format finds."""
    from bvas.data.importing.from_corrections import read_corrections
    from bvas.data.importing.from_csv import read_csv
    from bvas.data.importing.from_e2e_spot import read_e2e_spot
    from bvas.data.importing.from_osl import read_osl
    from bvas.data.importing.from_soccernet import read_soccernet

    source: Path = args.source
    if format == "soccernet":
        return read_soccernet(source, resolution=args.resolution, label_file=args.label_file)
    folder = source if source.is_dir() else source.parent
    if format == "corrections" and args.root is not None:
        folder = args.root
    folder = args.videos or folder
    if format == "osl":
        return read_osl(source, folder, head=args.head)
    readers = {"csv": read_csv, "e2e-spot": read_e2e_spot, "corrections": read_corrections}
    return readers[format](source, folder)
