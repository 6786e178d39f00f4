"""Sources of a video, finished or running, and the options of reading them: stream, rate, tone mapping."""

import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Self, get_args
from urllib.parse import unquote, urlsplit

from bvas.errors import HIDDEN, ConfigError, DataError, DecodeError, redacted_url
from bvas.video.container.frame_rate import as_rate

SourceKind = Literal["file", "growing file", "pipe", "URL", "remote file"]
STORES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs"}
"""Schemes of object stores, which hold finished files, and the package of each."""

# Two letters at least: C:/ is a drive.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_REMEDIES = {
    "file": "",
    "growing file": "open it without growing=True once it is complete",
    "pipe": "save it to a file and open that",
    "URL": "save it to a file and open that: ffmpeg -i URL -c copy FILE.mkv",
    "remote file": "copy it to a local file and open that; `bvas spot` and `bvas predict` do so",
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
        if self.kind == "remote file":
            return remote_name(self.location)
        if self.kind == "URL":
            return redacted_url(self.location)
        return "standard input" if self.location == "-" else self.location

    @property
    def path(self) -> Path:
        """The name as a path, which errors and `VideoInfo` carry; in a URL it joins neighboring slashes."""
        return Path(self.name if self.kind in ("URL", "remote file") else self.location)

    def error(self, text: str, lost: range | None = None) -> DecodeError:
        """Return an error about this source."""
        return DecodeError(text, path=self.path, lost=lost)

    @property
    def is_indexable(self) -> bool:
        """It can be read through beforehand, and then at random."""
        return self.kind == "file"

    @property
    def remedy(self) -> str:
        """How to get random access to its frames."""
        return _REMEDIES[self.kind]


def remote_name(address: str) -> str:
    """Return the address of a remote file without user and query; a code in the path becomes 8 digits of a hash."""
    scheme, _, rest = address.partition("?")[0].partition("://")
    if scheme.lower() in STORES:
        # Keys may hold it: it begins no fragment.
        address = address.replace("#", "%23")
    # Else files in folders named by codes would have one name. A new password changes no name.
    authority, slash, path = rest.partition("/")
    place = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    digest = hashlib.sha256(place.encode()).hexdigest()[:8]
    return redacted_url(address).partition("?")[0].replace(HIDDEN, digest)


def check_address(address: str) -> None:
    """Raise where an address cannot be split into its parts.

    Raises:
        DataError: it cannot; the message shows no user and password.
    """
    try:
        urlsplit(address)
    except ValueError:
        raise DataError(
            f"{redacted_url(address)} is not a valid address; write special characters of user and password as %XX"
        ) from None


def source_of(given: Path | str, *, growing: bool = False) -> Source:
    """Return the source that a path or a text names.

    Args:
        given: A path, `-` or a URL.
        growing: A file is still being written.

    Raises:
        DecodeError: it is a device or a socket.
        DataError: it is an address that is not valid.
    """
    text = os.fspath(given)
    if isinstance(given, str) and _URL.match(given):
        check_address(given)
        if not given.lower().startswith("file://"):
            is_stored = urlsplit(given).scheme.lower() in STORES
            return Source("remote file" if is_stored else "URL", given)
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
        raise source.error(
            f"{source.name} is a {source.kind}, not a finished file; open it with open_stream, or {source.remedy}"
        )
    return Path(source.location)


Tone = Literal["sdr", "none"]
"""`sdr`: HDR is mapped to SDR. `none`: stored bits are shifted to 8. SDR sources are the same in both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What a caller decides about one source; the defaults are right for nearly all."""

    stream: int | None = None
    """Number of the video stream in the container, as ffprobe counts all its streams; None: the best one."""
    rate: Fraction | None = None
    """Frames per second of a source whose frames have no times of their own; None: what its headers say."""
    tone: Tone = "sdr"
    fit: tuple[int, int] | None = field(default=None, compare=False)
    """(H, W) that frames are fitted into, by which the variant of an adaptive stream (HLS, DASH) is chosen."""
    is_color: bool = field(default=False, compare=False)
    """Color is read, not luma alone."""

    def __post_init__(self) -> None:
        if self.stream is not None and (isinstance(self.stream, bool) or self.stream < 0):
            raise ConfigError(
                f"stream must be a number from 0 on, as ffprobe counts them, got {self.stream!r}"
            )
        if self.tone not in get_args(Tone):
            raise ConfigError(f"unknown tone {self.tone!r}; known are {', '.join(get_args(Tone))}")

    @property
    def keywords(self) -> dict[str, Any]:
        """Arguments of `open_video` that mean the same."""
        return {"stream": self.stream, "rate": self.rate, "tone": self.tone}

    @classmethod
    def of(cls, stream: int | None, rate: float | Fraction | None, tone: Tone) -> Self:
        """Return the options that a caller gave.

        Raises:
            ConfigError: a stream below 0, a rate that is not a positive number, or an unknown tone.
        """
        return cls(stream=stream, rate=None if rate is None else as_rate(rate), tone=tone)


DEFAULT_READING = ReadOptions()
"""Best stream, own times, tone mapping to SDR."""
