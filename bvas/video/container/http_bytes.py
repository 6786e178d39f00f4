"""Bytes of a file on a web server: complete, or an error.

libav takes an early close for the end of the video, and was seen to drop the first keyframe after a reconnect. Here
the bytes received are compared with the length that the server announced (RFC 9112, 6.3). A connection that breaks
off is resumed where the server gives ranges of the very same file (RFC 9110, 13.1.5 and 14); else it is an error.
Where no length is announced, the container may show what is missing (completeness.py). Playlists are left to libav.
"""

import http.client
import logging
import re
import ssl
import threading
import urllib.request
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from bvas.errors import DecodeError

logger = logging.getLogger(__name__)

# Playlists and multipart streams: libav reads these by their type.
_NOT_PLAIN = re.compile(r"mpegurl|dash\+xml|^multipart/", re.IGNORECASE)
_LISTS = (b"#EXTM3U", b"<?xml", b"<MPD")
LIST_NAMES = (".m3u8", ".m3u", ".mpd", ".ffconcat")
# ISO/IEC 13818-1, 2.4.3.3.
_TS_SYNC = b"\x47"
# A seek over fewer bytes is done by reading on.
_NEAR_BYTES = 256 * 1024
# Seconds before each try to resume; any new byte starts the list over.
_WAITS = (0.2, 1.0, 3.0)
Span = tuple[int, int | None]
_FAULTS = (OSError, http.client.HTTPException, ValueError)


class HttpBytes:
    """A file on a web server as an open source of bytes; see `WaitingBytes`.

    Args:
        location: Its address, with user and password where it has them.
        name: Its name in messages.
        connect: Seconds to wait for an answer.
        stall: Seconds to wait for more of it.
        span: (first byte, behind the last) of a part of the file; None as the end: up to the end of the file. A
            part may be a playlist, and need not have an announced length. By default the whole file is read.

    Raises:
        DecodeError: the server does not answer in time.
        NotPlainError: libav has to read it.
    """

    def __init__(
        self, location: str, name: str, *, connect: float, stall: float, span: Span | None = None
    ) -> None:
        self.name = urlsplit(location).path
        """The path, by whose ending libav knows some formats."""
        self.head = b""
        self._called = name
        self._connect, self._stall = connect, stall
        self._url, self._opener = _opener_of(location)
        self._stopped = threading.Event()
        self._is_part = span is not None
        first, self._stop = span or (0, None)
        self._place = first
        """Of the next byte in the file."""
        self._body_at = first
        """Of the next byte of the answer."""
        self._body: Any = self._first_answer()
        self._gives_ranges = self._body.status == 206
        self.size: int | None = _span_of(self._body)[1] if self._gives_ranges else self._body.length
        """Bytes of the file; None where the server does not say."""
        self._end = self.size if self._stop is None else self._stop
        if first and not self._gives_ranges:
            self.close()
            raise DecodeError(f"{name}: the server gives no ranges", path=name)
        self._validator = _validator_of(self._body)
        self.failure: OSError | None = None
        """Why reading ended before the end of the file."""

    @property
    def identity(self) -> tuple[str | None, int | None]:
        """(version, bytes) by which a later file of the same name is recognized as another one."""
        return self._validator, self.size

    def seekable(self) -> bool:
        """Return whether libav may go to another place.

        Not in a transport stream: libav would seek to its end only to guess a duration.
        """
        return self._can_resume and self.head[:1] != _TS_SYNC

    @property
    def _can_resume(self) -> bool:
        return self._gives_ranges and self.size is not None

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place; whence is 0, 1 or 2 as of a file. The connection follows with the next `read`."""
        assert self.size is not None
        self._place = offset + (0, self._place, self.size)[whence]
        return self._place

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, as soon as there are any; none at the end, or where there is a `failure`.

        Errors are kept in `failure`: one raised here would make libav drop the packets that it has read ahead.
        """
        waits = iter(_WAITS)
        while not self._ends_here():
            try:
                self._go_to_place()
                data: bytes = self._body.read1(size)
            except ChangedError as error:
                # Another file: no try to resume can help.
                self.failure = error
                break
            except _FAULTS as error:
                failure = self._failure(error)
            else:
                if self._end is not None:
                    data = data[: self._end - self._place]
                if data or self._end is None:
                    self._place += len(data)
                    self._body_at += len(data)
                    self.head = self.head or data[:16]
                    return data
                if self._can_resume and self._body.length == 0:
                    # A server may answer with a shorter range than requested.
                    self.close()
                    continue
                failure = OSError(f"the connection closed after {self._place} of {self.size} bytes")
            self.close()
            wait = next(waits, None) if self._can_resume else None
            if wait is None:
                self.failure = failure
                break
            logger.info("%s: %s; the rest is asked for", self._called, failure)
            self._stopped.wait(wait)
        return b""

    def stop(self) -> None:
        """End a `read` that waits for its next try."""
        self._stopped.set()

    def close(self) -> None:
        """Close the connection."""
        body, self._body = self._body, None
        if body is not None:
            body.close()

    def _ends_here(self) -> bool:
        is_over = self._end is not None and self._place >= self._end
        return is_over or self.failure is not None or self._stopped.is_set()

    def _first_answer(self) -> Any:
        try:
            answer = self._ask()
        except _FAULTS as error:
            _close_answer(error)
            reason = error.reason if isinstance(error, URLError) else error
            if isinstance(reason, TimeoutError):
                raise DecodeError(
                    f"{self._called} is not a video that can be opened: no answer for {self._connect:g} s",
                    path=self._called,
                ) from error
            # libav tries it too, and reports what is wrong; it does not check certificates.
            if isinstance(reason, ssl.SSLCertVerificationError) and not self._is_part:
                logger.warning("%s: %s; it is read all the same", self._called, reason.verify_message)
            raise NotPlainError() from error
        self._body = answer
        if not self._is_part and self._is_list(answer):
            self.close()
            raise NotPlainError()
        self._set_timeout(answer)
        return answer

    def _ask(self, validator: str | None = None) -> Any:
        """Ask for the file from the present place on, if it still has this validator; return the answer."""
        headers = {"Range": f"bytes={self._place}-", "Accept-Encoding": "identity", "User-Agent": "bvas"}
        if validator is not None:
            headers["If-Range"] = validator
        return self._opener.open(urllib.request.Request(self._url, headers=headers), timeout=self._connect)

    def _is_list(self, answer: Any) -> bool:
        try:
            self.head = bytes(answer.peek(16)[:16])
        except _FAULTS as error:
            # The error shows again when the body is read.
            logger.debug("%s: %s", self._called, error)
        is_named = self.name.lower().endswith(LIST_NAMES)
        is_typed = _NOT_PLAIN.search(answer.headers.get_content_type()) is not None
        return is_named or is_typed or self.head.startswith(_LISTS)

    def _go_to_place(self) -> None:
        """Make the next byte of the answer that of the present place.

        Raises:
            OSError, HTTPException: no answer, or another one than this file.
        """
        ahead = self._place - self._body_at
        if self._body is not None and 0 <= ahead <= _NEAR_BYTES:
            while ahead > 0 and (passed := self._body.read1(ahead)):
                ahead -= len(passed)
                self._body_at += len(passed)
            if not ahead:
                return
        self.close()
        answer = self._ask(self._validator)
        is_same = answer.status == 206 and _span_of(answer) == (self._place, self.size)
        if not is_same or _validator_of(answer) != self._validator:
            answer.close()
            raise ChangedError("the file changed on the server, or it gives no ranges any more")
        self._set_timeout(answer)
        self._body, self._body_at = answer, self._place

    def _set_timeout(self, answer: Any) -> None:
        """Set the limit between bytes; urllib has one limit for this and for the first answer."""
        sock = getattr(getattr(answer.fp, "raw", None), "_sock", None)
        if sock is not None:
            sock.settimeout(self._stall)

    def _failure(self, error: Exception) -> OSError:
        _close_answer(error)
        if isinstance(error, HTTPError):
            return OSError(f"the server answers {error.code} {error.reason}")
        if isinstance(error, http.client.IncompleteRead):
            return OSError(f"the connection closed within a piece, after {self._place} bytes")
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, TimeoutError):
            return TimeoutError(f"nothing came for {self._stall:g} s")
        return OSError(getattr(cause, "strerror", None) or str(cause) or type(cause).__name__)


class NotPlainError(Exception):
    """An address that only libav can read."""


class ChangedError(OSError):
    """The server has another file under this name now."""


def _close_answer(error: Exception) -> None:
    """Close the answer that an error of urllib holds, if it holds one."""
    if isinstance(error, HTTPError):
        error.close()


def _span_of(answer: Any) -> tuple[int | None, int | None]:
    """Return (first byte, bytes of the file) of an answer to a request for a range."""
    found = re.match(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
    return (int(found[1]), int(found[2])) if found else (None, None)


def _validator_of(answer: Any) -> str | None:
    """Return the validator of this very content: a strong tag or a date (RFC 9110, 8.8)."""
    tag: str | None = answer.headers.get("ETag")
    date: str | None = answer.headers.get("Last-Modified")
    return tag if tag is not None and not tag.startswith("W/") else date


def _opener_of(location: str) -> tuple[str, urllib.request.OpenerDirector]:
    """Return an address without user and password, and what opens it with them."""
    parts = urlsplit(location)
    user_info, _, host = parts.netloc.rpartition("@")
    # As browsers do: what is not allowed in a path or query is escaped, what is escaped stays.
    path, query = (quote(text, safe="/%:@!$&'()*+,;=~?") for text in (parts.path, parts.query))
    url = urlunsplit((parts.scheme, host, path, query, ""))
    user, _, password = user_info.partition(":")
    if not user:
        return url, urllib.request.build_opener()
    known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    known.add_password(None, url, unquote(user), unquote(password))
    handlers = urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)
    return url, urllib.request.build_opener(*handlers)
