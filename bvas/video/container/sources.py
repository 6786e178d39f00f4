"""Sources of a video: a finished file, or a running source that is read once, from front to back."""

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from bvas.errors import DecodeError, redacted_url

SourceKind = Literal["file", "growing file", "pipe", "URL"]

# Two letters at least: C:/ is a drive.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_REMEDIES = {
    "file": "",
    "growing file": "open it without growing=True once it is complete",
    "pipe": "save it to a file and open that",
    "URL": "save it to a file and open that: ffmpeg -i URL -c copy FILE.mkv",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Source of a video."""

    kind: SourceKind
    location: str = field(repr=False)
    """Path or URL, with its secrets; `-` is standard input."""

    @property
    def name(self) -> str:
        """Its name in messages and results; a URL without its secrets."""
        if self.kind == "URL":
            return redacted_url(self.location)
        return "standard input" if self.location == "-" else self.location

    @property
    def path(self) -> Path:
        """The name as a path, which errors and `VideoInfo` carry; in a URL it joins neighboring slashes."""
        return Path(self.location if self.kind != "URL" else self.name)

    @property
    def is_indexable(self) -> bool:
        """It can be read through beforehand, and then at random."""
        return self.kind == "file"

    @property
    def remedy(self) -> str:
        """How to get random access to its frames."""
        return _REMEDIES[self.kind]


def source_of(given: Path | str, *, growing: bool = False) -> Source:
    """Return the source that a path or a text names.

    Args:
        given: A path, `-` or a URL.
        growing: A file is still being written.

    Raises:
        DecodeError: it is a device or a socket.
    """
    text = os.fspath(given)
    if isinstance(given, str) and _URL.match(given):
        if not given.lower().startswith("file://"):
            return Source("URL", given)
        text = unquote(urlsplit(given).path)
    if text == "-":
        return Source("pipe", text)
    try:
        mode = Path(text).stat().st_mode
    except OSError:
        # The error is reported where it is opened.
        mode = 0
    if stat.S_ISFIFO(mode):
        return Source("pipe", text)
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise DecodeError(
            f"{text} is a device or a socket, not a video; let a program that knows it write a pipe or a file",
            path=text,
        )
    return Source("growing file" if growing else "file", text)


def file_of(given: Path | str) -> Path:
    """Return the path of a file that can be read through beforehand.

    Raises:
        DecodeError: it is another kind of source; the message names the remedy.
    """
    source = source_of(given)
    if not source.is_indexable:
        raise DecodeError(
            f"{source.name} is a {source.kind}, not a finished file; open it with open_stream, or {source.remedy}",
            path=source.path,
        )
    return Path(source.location)
