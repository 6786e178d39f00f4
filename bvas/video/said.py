"""Remarks on files that are made once in a process, however often a file is opened."""

import logging
import multiprocessing
from threading import Lock

from bvas.video.protocol import VideoInfo

logger = logging.getLogger(__name__)

_lock = Lock()
_said: set[tuple[str, str]] = set()


def say_once(info: VideoInfo) -> None:
    """Log what was chosen or assumed for a file, one line each, unless this process did so before.

    Worker processes say nothing: the process that started them has opened the files too.
    """
    if multiprocessing.parent_process() is not None:
        return
    for line in info.choices:
        key = str(info.path), line
        with _lock:
            if key in _said:
                continue
            _said.add(key)
        logger.warning("%s: %s", info.path, line)
