"""Video files on web servers and in object stores: named without secrets, known by etag and size, fetched whole.

Reading at random over a network costs a request and megabytes for each clip, so a file is copied before it is read.
http and https are read by `HttpBytes`; s3, gs and az by fsspec, whose packages bring the credentials' rules.
"""

import logging
import shutil
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit

from bvas.errors import BvasError, ConfigError, DataError, DecodeError, redacted_error
from bvas.system.background import in_background
from bvas.system.file_names import output_stem
from bvas.system.scratch import Scratch
from bvas.video.container.http_bytes import HttpBytes, NotPlainError
from bvas.video.container.read_options import DEFAULT_READING, STORES, ReadOptions, Source, remote_name
from bvas.video.index.file_identity import Fingerprint
from bvas.video.index.video_index import forget_index

logger = logging.getLogger(__name__)

_INSTALL = "pip install 'bvas[remote]'"
_HTTP = ("http", "https")
_CHUNK_BYTES = 1 << 20
_CONNECT_SECONDS, _STALL_SECONDS = 20.0, 30.0
# Seconds before each try from the start; `HttpBytes` resumes within a try.
_WAITS = (0.5, 2.0, 8.0)
# Statuses of servers that may answer later: RFC 9110, 15.5.9 and 15.6; RFC 6585, 4.
_PASSING = (408, 429, 500, 502, 503, 504)
_FINAL = (ConnectionRefusedError, socket.gaierror, ssl.SSLError)


class NoRoomError(DataError):
    """Scratch has no room for a file beside those that lie there."""


class _PassingError(Exception):
    """A failure that another try may not meet."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A video file at an address."""

    address: str = field(repr=False)
    """With user, password and query where it has them."""

    @property
    def name(self) -> str:
        """Its address in results and messages, from `remote_name`."""
        return remote_name(self.address)

    def __str__(self) -> str:
        return self.name

    @property
    def has_query(self) -> bool:
        """Whether another file may have the same name."""
        return "?" in self.address

    @property
    def file_name(self) -> str:
        """Name of a copy of it: the last part of its path."""
        parts = urlsplit(self.name)
        path = PurePosixPath(unquote(parts.path))
        return f"{output_stem(path.stem) or 'video'}{path.suffix}"

    @property
    def stem(self) -> str:
        """Its file name without the suffix."""
        return PurePosixPath(self.file_name).stem

    @property
    def place(self) -> str:
        """Its name as a relative path, for folders of results."""
        parts = [part for part in self.name.split("/") if part not in ("", ".", "..")]
        return "/".join(part.replace(":", "_") if number else part[:-1] for number, part in enumerate(parts))

    def is_same(self, other: "RemoteFile") -> bool:
        """Return whether both are known to be one file: equal but for the query, with one etag and size."""
        if self.address == other.address or self.name != other.name:
            return self.address == other.address
        try:
            mine = self.fingerprint()
            return bool(mine.etag) and mine == other.fingerprint()
        except DataError:
            return False

    def fingerprint(self) -> Fingerprint:
        """Ask the server for size and etag.

        Raises:
            DataError: it cannot be reached, or has no such file.
            ConfigError: the packages for its scheme are missing.
        """
        return self._retried(self._facts)

    def fetch(self, scratch: Scratch) -> "FetchedFile":
        """Copy the file into scratch, whole.

        Raises:
            DataError: it cannot be fetched, or changed in the middle of each try.
            NoRoomError: scratch has no room for it.
            ConfigError: the packages for its scheme are missing.
        """
        path = scratch.new_folder() / self.file_name
        try:
            found = self._retried(lambda: self._try_fetch(path, scratch))
        except BaseException:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise
        return FetchedFile(remote=self, path=path, fingerprint=found)

    def _retried(self, attempt: Callable[[], Fingerprint]) -> Fingerprint:
        for wait in (*_WAITS, None):
            try:
                return attempt()
            except _PassingError as error:
                if wait is None:
                    raise DataError(
                        f"cannot fetch {self.name}: {error}, {len(_WAITS) + 1} times; try again later, or fetch it by "
                        "other means and name the file itself"
                    ) from redacted_error(error)
                logger.info("%s: %s; it is tried again", self.name, error)
                time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    @property
    def _is_http(self) -> bool:
        return urlsplit(self.address).scheme.lower() in _HTTP

    def _facts(self) -> Fingerprint:
        if not self._is_http:
            return self._facts_of_store(*self._store())
        source = self._http()
        source.close()
        return _http_fingerprint(source)

    def _try_fetch(self, path: Path, scratch: Scratch) -> Fingerprint:
        found = (self._fetch_http if self._is_http else self._fetch_from_store)(path, scratch)
        size = path.stat().st_size
        if size != found.size:
            raise _PassingError(f"{size} bytes came of {found.size}")
        return found

    def _http(self) -> HttpBytes:
        """Open it; its announced length is known."""
        try:
            source = HttpBytes(self.address, self.name, connect=_CONNECT_SECONDS, stall=_STALL_SECONDS)
        except DecodeError as error:
            raise _PassingError(str(error)) from error
        except NotPlainError as error:
            cause = error.__cause__
            if cause is None:
                raise DataError(f"{self.name} is a playlist, not a file; `bvas spot` reads one") from None
            is_final = isinstance(cause, HTTPError) and cause.code not in _PASSING
            if is_final or isinstance(getattr(cause, "reason", None), _FINAL):
                raise DataError(
                    f"cannot fetch {self.name}: {_reason(cause)}; check the address, and its user or token"
                ) from redacted_error(cause)
            raise _PassingError(_reason(cause)) from cause
        if source.size is None:
            source.close()
            raise DataError(
                f"{self.name}: the server does not say how long the file is, so an early end would not show; fetch it "
                "by other means and name the file itself"
            )
        return source

    def _fetch_http(self, path: Path, scratch: Scratch) -> Fingerprint:
        source = self._http()
        try:
            assert source.size is not None
            self._check_room(source.size, scratch)
            with path.open("wb") as file:
                while data := source.read(_CHUNK_BYTES):
                    _write(file, data, scratch)
            if source.failure is not None:
                raise _PassingError(_reason(source.failure)) from source.failure
            return _http_fingerprint(source)
        finally:
            source.close()

    def _store(self) -> tuple[Any, str]:
        """Return the file system of fsspec, and the path in it."""
        scheme = urlsplit(self.address).scheme.lower()
        try:
            found: tuple[Any, str] = import_module("fsspec.core").url_to_fs(self.address)
        except ImportError as error:
            raise ConfigError(
                f"{self.name}: {scheme}:// needs fsspec and {STORES.get(scheme, 'its package')}: {_INSTALL}"
            ) from error
        except ValueError as error:
            raise ConfigError(
                f"{self.name}: {_reason(redacted_error(error))}; docs/remote.md names the variables"
            ) from error
        return found

    def _facts_of_store(self, store: Any, path: str) -> Fingerprint:
        with self._faults_of_store():
            store.invalidate_cache()
            facts = store.info(path)
        if facts.get("type") == "directory" or facts.get("size") is None:
            raise DataError(f"{self.name} is a folder, not a video file; name the file in it")
        tag = str(facts.get("ETag") or facts.get("etag") or "")
        return Fingerprint(size=int(facts["size"]), mtime_ns=0, etag=tag.strip('"'))

    def _fetch_from_store(self, path: Path, scratch: Scratch) -> Fingerprint:
        store, inside = self._store()
        before = self._facts_of_store(store, inside)
        self._check_room(before.size, scratch)
        with (
            self._faults_of_store(),
            store.open(inside, "rb", cache_type="none") as source,
            path.open("wb") as file,
        ):
            while data := source.read(8 * _CHUNK_BYTES):
                _write(file, data, scratch)
        if self._facts_of_store(store, inside) != before:
            raise _PassingError("the file changed while it was fetched")
        return before

    @contextmanager
    def _faults_of_store(self) -> Iterator[None]:
        """Translate the errors of a store's package."""
        try:
            yield
        except BvasError:
            raise
        except FileNotFoundError as error:
            raise DataError(f"no file {self.name}; check bucket and path") from redacted_error(error)
        except PermissionError as error:
            raise DataError(f"{self.name} may not be read; check its credentials") from redacted_error(error)
        # Each package has its own kinds of errors, and some derive from Exception alone.
        except Exception as error:
            raise _PassingError(_reason(redacted_error(error))) from error

    def _check_room(self, size: int, scratch: Scratch) -> None:
        free = shutil.disk_usage(scratch.root).free
        if size > free:
            raise NoRoomError(
                f"{self.name} has {size / 1e9:.2f} GB, and {scratch.root} has {free / 1e9:.2f} GB free; choose "
                "another --scratch"
            )
        logger.info("fetching %s, %.1f MB", self.name, size / 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFile:
    """A copy of a remote file in scratch."""

    remote: RemoteFile
    path: Path
    fingerprint: Fingerprint
    """Of the remote file: size and etag."""

    @contextmanager
    def named(self) -> Iterator[None]:
        """Let errors name the remote file, and not its copy."""
        try:
            yield
        except DecodeError as error:
            text = str(error).replace(str(self.path), self.remote.name)
            raise DecodeError(text, path=self.remote.name, lost=error.lost) from error

    def discard(self, reading: ReadOptions = DEFAULT_READING) -> None:
        """Remove the copy, and its index from the cache."""
        forget_index(self.path, reading)
        shutil.rmtree(self.path.parent, ignore_errors=True)


class FetchedInTurn:
    """Copies of remote videos, each fetched while its caller works on the one before, and removed after its use.

    Args:
        videos: In the order in which they are opened, each once; local ones are opened as they are.
        scratch: Where copies are made.
    """

    def __init__(self, videos: Iterable[Path | RemoteFile], scratch: Scratch) -> None:
        self._scratch = scratch
        self._left = deque(video for video in videos if isinstance(video, RemoteFile))
        self._next = self._begun()

    @contextmanager
    def open(self, video: Path | RemoteFile) -> Iterator[Path]:
        """Yield the file, or the copy of a remote one.

        Raises:
            DataError: it cannot be fetched.
        """
        if isinstance(video, Path):
            yield video
            return
        assert self._next is not None
        future = self._next
        if isinstance(future.exception(), NoRoomError):
            # The copy before is removed now.
            future = in_background(video.fetch, self._scratch)
            future.exception()
        self._next = self._begun()
        fetched = future.result()
        try:
            with fetched.named():
                yield fetched.path
        finally:
            fetched.discard()

    def _begun(self) -> "Future[FetchedFile] | None":
        return in_background(self._left.popleft().fetch, self._scratch) if self._left else None


def is_remote(text: str) -> bool:
    """Return whether a text is an address of which files can be fetched."""
    return text.partition("://")[0].lower() in (*_HTTP, *STORES) and "://" in text


def looked_at(source: Source) -> Source:
    """Return a URL of http or https as a remote file where its server announces a length and it is not a playlist."""
    if source.kind != "URL" or not is_remote(source.location):
        return source
    try:
        RemoteFile(source.location).fingerprint()
    except DataError as error:
        # A playlist, a stream without an end, or an address that libav may read all the same.
        logger.debug("%s is read as a stream: %s", source.name, error)
        return source
    return replace(source, kind="remote file")


def _http_fingerprint(source: HttpBytes) -> Fingerprint:
    assert source.size is not None
    tag = source.identity[0] or ""
    # A date is no tag: two files of one size may share it.
    return Fingerprint(size=source.size, mtime_ns=0, etag=tag.strip('"') if tag.startswith('"') else "")


def _write(file: Any, data: bytes, scratch: Scratch) -> None:
    if scratch.closed.is_set():
        raise DataError("scratch is closed")
    try:
        file.write(data)
    except OSError as error:
        raise DataError(
            f"cannot write to {scratch.root}: {error.strerror}; free space, or choose another --scratch"
        ) from error


def _reason(error: BaseException) -> str:
    if isinstance(error, HTTPError):
        return f"the server answers {error.code} {error.reason}"
    cause = error.reason if isinstance(error, URLError) else error
    return str(getattr(cause, "strerror", None) or cause or type(cause).__name__)
