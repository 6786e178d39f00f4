"""Messages of libav that belong to one operation, for errors that say why it failed."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import av.logging

from bvas.errors import redacted

# libav says these of media that it may not or cannot decrypt.
_PROTECTION = re.compile(r"encrypt|decrypt|\bDRM\b|\bkey ?file\b|\bprotected\b|\bcenc\b", re.IGNORECASE)
_lock = threading.Lock()
_num_listening = 0
_before: tuple[int | None, bool, int] = (None, True, logging.NOTSET)


@contextmanager
def libav_messages() -> Iterator[list[tuple[int, str, str]]]:
    """Yield a list that fills with what libav says in this thread: (its level, its component, the text).

    Keep the block short: PyAV asks for Python's lock at each message, of whatever thread.
    """
    _listen(1)
    try:
        with av.logging.Capture(local=True) as said:
            yield said
    finally:
        _listen(-1)


def last_message(said: list[tuple[int, str, str]]) -> str:
    """Return the last error among messages, as one line, or the last word on protection; empty if there is neither."""
    texts = [(level, " ".join(text.split())) for level, _, text in said]
    protection = [text for _, text in texts if _PROTECTION.search(text)]
    errors = [text for level, text in texts if level <= av.logging.ERROR and text]
    return redacted((protection or errors or [""])[-1])


def speaks_of_protection(text: str) -> bool:
    """Return whether a message says that media is encrypted."""
    return _PROTECTION.search(text) is not None


def _listen(change: int) -> None:
    """Switch PyAV's log on for the first listener and off behind the last."""
    global _num_listening, _before
    logger = logging.getLogger("libav")
    with _lock:
        _num_listening += change
        if change > 0 and _num_listening == 1:
            _before = av.logging.get_level(), av.logging.get_skip_repeated(), logger.level
            # What other threads' decoders say meanwhile goes to this logger, and nowhere by default.
            logger.setLevel(logging.CRITICAL + 1)
            # A message that an earlier failure ended with counts again.
            av.logging.set_skip_repeated(False)
            av.logging.set_level(av.logging.WARNING)
        elif not _num_listening:
            level, skips, logger_level = _before
            av.logging.set_level(level)
            av.logging.set_skip_repeated(skips)
            logger.setLevel(logger_level)
