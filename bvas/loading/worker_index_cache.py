"""Where workers find the indices of videos if the user's own cache folder cannot be written."""

import logging
import tempfile
from pathlib import Path

from bvas.system.cache_folder import cache_folder

logger = logging.getLogger(__name__)


def make_index_cache() -> tempfile.TemporaryDirectory[str] | None:
    """Return a folder for the time of a loader, or None where the user's own cache can be written.

    Without a cache each worker would read through each video whenever it opens it.
    """
    folder = cache_folder()
    if folder is not None and _is_writable(folder / "index"):
        return None
    made = tempfile.TemporaryDirectory(prefix="bvas-index-", ignore_cleanup_errors=True)
    logger.info("the cache folder %s cannot be written; workers use %s", folder, made.name)
    return made


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # What permissions say and what a read-only system does differ; a file tells.
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
