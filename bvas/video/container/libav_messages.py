"""Log messages of libav during one operation, for errors that name the reason."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import av.logging

from bvas.errors import redacted

# Words in libav's messages on media that it may not or cannot decrypt.
_PROTECTION = re.compile(r"encrypt|decrypt|\bDRM\b|\bkey ?file\b|\bprotected\b|\bcenc\b", re.IGNORECASE)
_lock = threading.Lock()
_num_listening = 0
_before: tuple[int | None, bool, int] = (None, True, logging.NOTSET)


@contextmanager
def libav_messages() -> Iterator[list[tuple[int, str, str]]]:
    """Yield a list that fills with libav's messages in this thread: (level, component, text).

    Keep the block short: PyAV asks for Python's lock at each message, of whatever thread.
    """
    _listen(1)
    try:
        with av.logging.Capture(local=True) as said:
            yield said
    finally:
        _listen(-1)


def last_message(said: list[tuple[int, str, str]]) -> str:
    """Return the last message on protection, else the last error, as one line; empty if there is neither."""
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
            # Messages of other threads' decoders go to this logger meanwhile, and are dropped by default.
            logger.setLevel(logging.CRITICAL + 1)
            # Else a message equal to the last one of an earlier failure would be suppressed.
            av.logging.set_skip_repeated(False)
            av.logging.set_level(av.logging.WARNING)
        elif not _num_listening:
            level, skips, logger_level = _before
            av.logging.set_level(level)
            av.logging.set_skip_repeated(skips)
            logger.setLevel(logger_level)
