"""File names: shown to people, and derived for outputs."""

import codecs
import hashlib
import os
import re
from pathlib import Path

LONGEST_NAME = 255
"""Bytes of a file's name, on nearly all file systems."""
MOST_SUFFIX = 55
"""Bytes of a name that are reserved for suffixes."""
_UNDECODABLE = re.compile("[\ud800-\udfff]")
_ESCAPED_BYTES = re.compile("[\udc80-\udcff]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REPLACEMENT = "\ufffd"
ERROR_HANDLER = "bvas.shown"
"""Name of the error handler for streams that people read: undecodable bytes are replaced, the rest is escaped."""


def shown_text(text: str) -> str:
    """Return a text that any UTF-8 file can hold: undecodable bytes of a file name are replaced.

    Where the system's encoding is ASCII, bytes in UTF-8 are decoded.
    """
    decoded = _ESCAPED_BYTES.sub(
        lambda found: found.group().encode("ascii", "surrogateescape").decode(errors="replace"), text
    )
    return _UNDECODABLE.sub(_REPLACEMENT, decoded)


def shown_name(name: Path | str) -> str:
    """Return the name of a file on one line: undecodable bytes are replaced, line breaks and the like escaped."""
    return _CONTROL.sub(lambda found: ascii(found.group())[1:-1], shown_text(str(name)))


def output_stem(stem: str, *, suffix_bytes: int = MOST_SUFFIX) -> str:
    """Return the stem for outputs of a file: its own stem where possible.

    A stem that is too long for a file system is cut between two characters. Undecodable bytes and control
    characters are replaced. A changed stem ends in a hash of the original, so that two stems stay distinct.

    Args:
        stem: The file's name without its suffix.
        suffix_bytes: Bytes that will be added to the stem.
    """
    most = LONGEST_NAME - suffix_bytes
    name = _CONTROL.sub("_", _UNDECODABLE.sub("_", stem))
    if name == stem and len(name.encode()) <= most:
        return stem
    mark = "_" + hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]
    return name.encode()[: most - len(mark)].decode(errors="ignore") + mark


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace characters that an encoding lacks, in a text that people read."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = b""
    for letter in error.object[error.start : error.end]:
        if not _UNDECODABLE.fullmatch(letter):
            shown += letter.encode("ascii", "backslashreplace")
            continue
        try:
            shown += _REPLACEMENT.encode(error.encoding)
        except UnicodeEncodeError:
            shown += b"?"
    # As bytes: the encoder of UTF-8 takes no other text than ASCII.
    return shown, error.end


codecs.register_error(ERROR_HANDLER, _replaced)
