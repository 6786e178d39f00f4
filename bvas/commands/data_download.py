"""Download SoccerNet's videos and labels.

This needs the NDA (https://www.soccer-net.org/data) and HF_TOKEN. Where a password is needed, it is asked for or read
from SOCCERNET_PASSWORD.
"""

import argparse
import getpass
import logging
import os
import sys

from bvas.commands import options
from bvas.errors import ConfigError

logger = logging.getLogger(__name__)

PASSWORD_VARIABLE = "SOCCERNET_PASSWORD"  # the variable's name, no password
_SPLITS = ("train", "valid", "test", "challenge")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas data download`."""
    parser.add_argument("--task", required=True, choices=["ball-2023", "ball-2024", "ball-2025", "action"])
    parser.add_argument("--splits", default=",".join(_SPLITS), help=f"default: {','.join(_SPLITS)}")
    options.add_data(parser)
    parser.add_argument(
        "--source",
        choices=["HuggingFace", "EXRCSDrive"],
        default="HuggingFace",
        help="server; HuggingFace needs granted access and HF_TOKEN, EXRCSDrive the password (default: HuggingFace)",
    )


def ask_password() -> str:
    """Return the password from the environment, or ask for it without showing it.

    Raises:
        ConfigError: neither a terminal to ask on nor the variable exists.
    """
    password = os.environ.get(PASSWORD_VARIABLE)
    if password:
        return password
    if not sys.stdin.isatty():
        raise ConfigError(f"a password is needed and this is not a terminal; set {PASSWORD_VARIABLE}")
    return getpass.getpass("SoccerNet password: ")


def run(args: argparse.Namespace) -> None:
    """Download, and log the place."""
    from bvas.data.soccernet_download import download

    splits = args.splits.split(",")
    wrong = [split for split in splits if split not in _SPLITS]
    if wrong:
        raise ConfigError(f"unknown split {wrong[0]!r}; known are {', '.join(_SPLITS)}")
    download(args.task, splits, args.data, source=args.source, ask_password=ask_password)
    logger.info("the data is in %s", args.data)
