"""Log lines that a process writes once."""

import logging
import multiprocessing
from threading import Lock

logger = logging.getLogger(__name__)

_lock = Lock()
_said: set[tuple[str, ...]] = set()


def is_first(*remark: str) -> bool:
    """Return whether a remark is new to this process."""
    with _lock:
        if remark in _said:
            return False
        _said.add(remark)
        return True


def warn_once(name: str, remark: str) -> None:
    """Log a remark on a file once in this process.

    Worker processes log nothing: their parent has opened the files too.
    """
    if multiprocessing.parent_process() is None and is_first(name, remark):
        logger.warning("%s: %s", name, remark)
