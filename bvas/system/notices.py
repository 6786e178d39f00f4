"""Log lines that a process writes once."""

import logging
import multiprocessing
from threading import Lock

logger = logging.getLogger(__name__)

_lock = Lock()
_said: set[tuple[str, ...]] = set()


def is_first(*remark: str) -> bool:
    """Return whether this process asks for the first time about a remark."""
    with _lock:
        if remark in _said:
            return False
        _said.add(remark)
        return True


def warn_once(name: str, remark: str) -> None:
    """Log a remark on a file, unless this process did so before.

    Worker processes say nothing: the process that started them has opened the files too.
    """
    if multiprocessing.parent_process() is None and is_first(name, remark):
        logger.warning("%s: %s", name, remark)
