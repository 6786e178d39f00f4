"""Folder for files that can be made again."""

import os
import sys
import tempfile
from pathlib import Path


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
