"""Folder for files that can be made again."""

import hashlib
import logging
import os
import sys
import tempfile
from pathlib import Path

from bvas.errors import DataError
from bvas.system.atomic_files import write_bytes

logger = logging.getLogger(__name__)


def cache_folder() -> Path | None:
    """Return the folder for files that can be made again; None where the user has no home.

    `BVAS_HOME` if it is set, else the platform's folder for caches.
    """
    if home := os.environ.get("BVAS_HOME"):
        return Path(home)
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return base / "bvas"


def fault_of_writing(folder: Path) -> OSError | None:
    """Make a folder; return why no file can be written to it, or None where one can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # What permissions say and what a read-only system does differ; a file tells.
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error


def read_cached(name: str) -> bytes | None:
    """Return the content that `write_cached` wrote; None where it is missing or damaged."""
    folder = cache_folder()
    if folder is None or not (folder / name).is_file():
        return None
    digest, _, content = (folder / name).read_bytes().partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        logger.warning("%s is damaged, and made again", folder / name)
        return None
    return content


def write_cached(name: str, content: bytes) -> bytes:
    """Write a file of the cache folder, whose first line is a digest of the content; return the content.

    Where it cannot be written, it is made in each process.
    """
    folder = cache_folder()
    if folder is not None:
        try:
            write_bytes(folder / name, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        except DataError as error:
            logger.debug("not cached: %s", error)
    return content
