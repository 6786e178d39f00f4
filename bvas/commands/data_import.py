"""Make a data root with a dataset.json from labels in other formats.

These are a folder in SoccerNet's layout, E2E-Spot's JSON, OSL JSON, a CSV table with the columns video, label, seconds
or frame, and optionally team, visible, fold, match; a JSON export of Label Studio; temporal detections of FiftyOne; or
the corrections.json that the page of 'bvas report' saves. Clips with a class each: folders of classes, SpaceJam, the
lists of UCF101 and HMDB51, Kinetics' CSV.
"""

import argparse
import logging
import sys
from collections import Counter
from pathlib import Path

from bvas.commands import options
from bvas.commands.console import OK, WRONG_INPUT
from bvas.commands.option_values import parse_shares
from bvas.commands.scored_options import add_head
from bvas.data.importing.draft import Import, Placing, write_dataset
from bvas.data.splits import SPLITS
from bvas.errors import ConfigError
from bvas.system.log_lines import short_line
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)

_CLIP_FORMATS = ("folders", "spacejam", "ucf101", "hmdb51", "kinetics")
_FORMATS = ("soccernet", "e2e-spot", "csv", "osl", "label-studio", "fiftyone", "corrections", *_CLIP_FORMATS)


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
    _add_clip_options(parser)


def _add_clip_options(parser: argparse.ArgumentParser) -> None:
    clips = parser.add_argument_group("clips with a class each")
    clips.add_argument(
        "--shares",
        type=parse_shares,
        metavar="70,20,10",
        help="of train, valid and test, where SOURCE has no splits (default: 70,20,10), or of train and valid, "
        "where it has no valid split (default: 90,10)",
    )
    options.add_seed(clips, "of the draw of splits (default: 0)", default=0)
    clips.add_argument(
        "--split",
        type=int,
        choices=[1, 2, 3],
        default=1,
        help="which of the official splits of UCF101 or HMDB51 (default: 1)",
    )
    clips.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="names of all classes in their order, one a line or JSON; others are refused "
        "(default: those of SOURCE)",
    )


def run(args: argparse.Namespace) -> int:
    """Read all files; write only without faults."""
    from bvas.data.class_names import read_class_names
    from bvas.data.importing.clip_drafts import with_labels
    from bvas.data.importing.format_choice import format_of
    from bvas.data.importing.merging import put_into, read_root
    from bvas.system.atomic_files import check_writable

    check_writable(args.out, "dataset.json")
    format = args.format or format_of(args.source)
    names = read_class_names(args.labels) if args.labels else ()
    found = _read_source(args, format)
    if args.root is not None:
        if format != "corrections":
            raise ConfigError(f"--with is for corrections, and {args.source} is {format}")
        root = read_root(args.root, resolution=args.resolution, label_file=args.label_file)
        found = put_into(found, root, args.source)
    if names:
        if not all(match.is_sample for match in found.matches):
            raise ConfigError(f"--labels is for clips with a class each, and {args.source} is {format}")
        found = with_labels(found, names, args.labels)
    if found.faults:
        for fault in found.faults:
            print(short_line(f"fault: {fault}"), file=sys.stderr)
        print(f"nothing was written: {count_text(len(found.faults), 'fault')}", file=sys.stderr)
        return WRONG_INPUT
    placing: Placing = "link" if args.link else "copy" if args.copy else "path"
    path = write_dataset(found, args.out, placing=placing, overwrite=args.overwrite)
    logger.info("%s: %s", path, contents_text(found))
    logger.info("next: bvas data check %s", args.out)
    return OK


def contents_text(found: Import) -> str:
    """Return what was imported, in words."""
    samples = [match for match in found.matches if match.is_sample]
    matches = [match for match in found.matches if not match.is_sample]
    labelled = [match for match in matches if match.annotations is not None]
    labels = f"{count_text(len(found.labels), 'label')} ({', '.join(found.labels)})"
    if not samples:
        annotations = count_text(sum(len(match.annotations or ()) for match in labelled), "annotation")
        challenge = count_text(len(matches) - len(labelled), "challenge match")
        return f"{count_text(len(labelled), 'labelled match')} and {challenge}, {annotations} of {labels}"
    splits = Counter(match.split for match in samples if match.split)
    sides = ", ".join(f"{splits[split]} {split}" for split in SPLITS if splits[split])
    if not sides:
        shares = found.drawn.get("splits", {})
        sides = f"{', '.join(shares)} drawn {':'.join(f'{share:g}' for share in shares.values())} by group"
    more = f" and {count_text(len(matches), 'clip')} without a label" if matches else ""
    return f"{count_text(len(samples), 'clip')} ({sides}){more} of {labels}"


def _read_source(args: argparse.Namespace, format: str) -> Import:
    """Return the matches that the reader of a format finds."""
    from bvas.data.importing.from_corrections import read_corrections
    from bvas.data.importing.from_csv import read_csv
    from bvas.data.importing.from_e2e_spot import read_e2e_spot
    from bvas.data.importing.from_fiftyone import read_fiftyone
    from bvas.data.importing.from_label_studio import read_label_studio
    from bvas.data.importing.from_osl import read_osl
    from bvas.data.importing.from_soccernet import read_soccernet

    source: Path = args.source
    if format == "soccernet":
        return read_soccernet(source, resolution=args.resolution, label_file=args.label_file)
    if format == "fiftyone":
        return read_fiftyone(source, args.videos)
    folder = source if source.is_dir() else source.parent
    if format == "corrections" and args.root is not None:
        folder = args.root
    folder = args.videos or folder
    if format in _CLIP_FORMATS:
        return _read_clips(args, format, folder)
    if format == "osl":
        return read_osl(source, folder, head=args.head, shares=args.shares, seed=args.seed)
    readers = {
        "csv": read_csv,
        "e2e-spot": read_e2e_spot,
        "label-studio": read_label_studio,
        "corrections": read_corrections,
    }
    return readers[format](source, folder)


def _read_clips(args: argparse.Namespace, format: str, videos: Path) -> Import:
    """Return the clips that the reader of a format finds."""
    from bvas.data.importing.from_class_folders import read_class_folders
    from bvas.data.importing.from_hmdb51 import read_hmdb51
    from bvas.data.importing.from_kinetics import read_kinetics
    from bvas.data.importing.from_spacejam import read_spacejam
    from bvas.data.importing.from_ucf101 import read_ucf101

    source, shares, seed = args.source, args.shares, args.seed
    if format == "folders":
        return read_class_folders(source, shares=shares, seed=seed)
    if format == "spacejam":
        return read_spacejam(source, args.videos, shares=shares, seed=seed)
    if format == "kinetics":
        return read_kinetics(source, videos, shares=shares, seed=seed)
    read_lists = read_ucf101 if format == "ucf101" else read_hmdb51
    return read_lists(source, videos, number=args.split, shares=shares, seed=seed)
