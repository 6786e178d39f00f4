"""Take in published weights: bvas weights import FILE|FOLDER --name NAME."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from bvas.commands.console import OK, add_folders, run_command

logger = logging.getLogger(__name__)


def build_parser(prog: str | None) -> argparse.ArgumentParser:
    """Return the command's parser."""
    parser = argparse.ArgumentParser(
        prog=prog or "bvas weights import",
        description="Take in checkpoints of lRomul/ball-action-spotting (1st place, Ball Action Spotting 2023). "
        "Only tensors and plain data are read from them, never code.",
    )
    parser.add_argument(
        "source", type=Path, metavar="FILE|FOLDER", help="a checkpoint, or a folder of fold_K folders"
    )
    parser.add_argument("--name", required=True, help="what to call the experiment")
    parser.add_argument(
        "--predictions",
        type=Path,
        default=None,
        metavar="FOLDER",
        help="the seed's predictions/NAME folder (default: the one beside experiments/NAME, if there)",
    )
    add_folders(parser, data=False)
    return parser


def run(args: argparse.Namespace) -> int:
    """Import, and say how to go on."""
    from bvas.errors import DataError
    from bvas.lromul.importing import import_seed

    for path in (args.source, args.predictions):
        if path is not None and not path.exists():
            raise DataError(f"no file or folder {path}")
    folds = import_seed(args.source, args.name, args.runs, args.predictions)
    logger.info("%d fold(s) in %s", len(folds), args.runs / args.name)
    logger.info("now: bvas spot VIDEO --experiment %s", args.name)
    return OK


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(build_parser(prog), run, argv)
