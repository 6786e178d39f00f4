"""Download published weights of the reference system, and import them as an experiment.

The author of lRomul/ball-action-spotting (1st place, Ball Action Spotting 2023) publishes them on Google Drive. This
needs gdown (pip install 'bvas[download]'); without it the steps by hand are printed. An interrupted download is
resumed. The author's repository is under the MIT license. Scores of these weights on real matches were not measured
here.
"""

import argparse
import shutil
from functools import partial

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.errors import ConfigError
from bvas.system.quiet_logging import quieted


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas weights download`."""
    parser.add_argument("name", choices=["ball"], metavar="NAME", help="ball: passes and drives, 7 folds")
    parser.add_argument(
        "--url",
        metavar="ZIP",
        help="address of a zip of the folder, in place of Google Drive; #sha256=HEX behind it is checked",
    )
    options.add_folders(parser, data=False)


def run(args: argparse.Namespace) -> None:
    """Download, import, and print origin, license and the next command."""
    from bvas.lromul.importing import import_reference
    from bvas.lromul.published import PUBLISHED, about, download_archive, download_drive, manual_steps
    from bvas.system.atomic_files import check_writable
    from bvas.system.cache_folder import cache_folder
    from bvas.system.locks import locked

    weights = PUBLISHED[args.name]
    out = args.runs / args.name
    if out.exists():
        raise ConfigError(f"{out} exists already: use it with --experiment {args.name}, or remove it first")
    check_writable(out)
    downloads = (cache_folder() or args.runs) / "downloads"
    folder = downloads / args.name
    bar = partial(progress_bar, unit="B", quiet=args.quiet)
    with locked(downloads):
        if args.url is not None:
            source = download_archive(weights, args.url, folder, bar)
        else:
            try:
                with quieted():
                    import gdown
            except ImportError as error:
                raise ConfigError(manual_steps(args.name)) from error
            source = download_drive(weights, gdown, folder, bar)
        folds = import_reference(source, args.name, args.runs)
        shutil.rmtree(folder)
    print(*about(weights), sep="\n")
    print(f"{len(folds)} folds in {out}, each with the hash of its file")
    print(f"now: bvas spot VIDEO --experiment {args.name}")
