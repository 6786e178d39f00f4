"""Import checkpoints of lRomul/ball-action-spotting (1st place, Ball Action Spotting 2023).

Only tensors and plain data are read from them, never code.
"""

import argparse
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

from bvas.commands import options

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas weights import`."""
    parser.add_argument(
        "source",
        type=Path,
        metavar="FILE|FOLDER|ZIP",
        help="a checkpoint, a folder of fold_K folders, or a zip of one",
    )
    parser.add_argument("--name", required=True, help="name of the experiment")
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="FOLDER",
        help="the folder predictions/NAME (default: the one beside experiments/NAME, if there)",
    )
    options.add_folders(parser, data=False)


def run(args: argparse.Namespace) -> None:
    """Import, and log the next command."""
    from bvas.errors import DataError
    from bvas.lromul.importing import import_reference
    from bvas.lromul.published import unpack_folds

    for path in (args.source, args.predictions):
        if path is not None and not path.exists():
            raise DataError(f"no file or folder {path}")
    with TemporaryDirectory() as folder:
        is_zip = args.source.suffix.lower() == ".zip"
        source = unpack_folds(args.source, Path(folder)) if is_zip else args.source
        folds = import_reference(source, args.name, args.runs, args.predictions)
    logger.info("%d fold(s) in %s", len(folds), args.runs / args.name)
    logger.info("now: bvas spot VIDEO --experiment %s", args.name)
