"""Log lines that a process writes once."""

import logging
import multiprocessing
from collections import Counter
from threading import Lock

logger = logging.getLogger(__name__)

MOST_FILES = 10
"""Files that have a line each, of remarks of one kind."""

_lock = Lock()
_said: set[tuple[str, ...]] = set()
_files_of_kind: Counter[str] = Counter()


def is_first(*remark: str) -> bool:
    """Return whether a remark is new to this process."""
    with _lock:
        if remark in _said:
            return False
        _said.add(remark)
        return True


def warn_once(name: str, remark: str, *, kind: str = "") -> None:
    """Log a remark on a file once in this process.

    Worker processes log nothing: their parent has opened the files too.

    Args:
        name: The file.
        remark: The line.
        kind: What many files of a data set have in common: behind the first `MOST_FILES` they have no line. Empty:
            each file has one.
    """
    if multiprocessing.parent_process() is not None or not is_first(name, remark):
        return
    with _lock:
        _files_of_kind[kind] += 1
        number = _files_of_kind[kind]
    if not kind or number <= MOST_FILES:
        logger.warning("%s: %s", name, remark)
    elif number == MOST_FILES + 1:
        logger.warning("further files like it are not named: %s", kind)
