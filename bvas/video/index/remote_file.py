"""Remote video files: named without secrets, known by etag and size, fetched whole.

Reading at random over a network costs a request and megabytes for each clip, so a file is copied before it is read.
"""

import errno
import logging
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from bvas.errors import DataError, DecodeError, redacted_error
from bvas.system.background import in_background
from bvas.system.file_names import output_stem
from bvas.system.scratch import Scratch
from bvas.video.container.read_options import (
    DEFAULT_READING,
    STORES,
    ReadOptions,
    Source,
    check_address,
    remote_name,
)
from bvas.video.index.file_identity import Fingerprint
from bvas.video.index.remote_bytes import HTTP, PassingError, http_bytes_of, stored_bytes_of
from bvas.video.index.video_index import forget_index

logger = logging.getLogger(__name__)

# Seconds before each try from the start; within a try connections are resumed.
_WAITS = (0.5, 2.0, 8.0)
_ROOM_LEFT = 1 << 28
"""Bytes that a copy leaves free."""


class NoRoomError(DataError):
    """Scratch has no room for a file beside those that lie there."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A video file at an address."""

    address: str = field(repr=False)
    """With user, password and query where it has them."""

    def __post_init__(self) -> None:
        """Check the address.

        Raises:
            DataError: it is not valid.
        """
        check_address(self.address)

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

        def ask() -> Fingerprint:
            with self._bytes() as (fingerprint, _):
                return fingerprint

        return self._retried(ask)

    def fetch(self, scratch: Scratch) -> "FetchedFile":
        """Copy the file into scratch, whole.

        Raises:
            DataError: it cannot be fetched, or changed in the middle of each try.
            NoRoomError: scratch has no room for it.
            ConfigError: the packages for its scheme are missing.
            OSError: scratch cannot be written.
        """
        path = scratch.new_folder() / self.file_name

        def copy() -> Fingerprint:
            with self._bytes() as (fingerprint, chunks):
                self._check_room(fingerprint.size, scratch)
                try:
                    with path.open("wb") as file:
                        for chunk in chunks:
                            scratch.check_open()
                            file.write(chunk)
                except OSError as error:
                    if error.errno in (errno.ENOSPC, errno.EDQUOT):
                        # Not a cause: a full scratch ends no other match.
                        raise self._no_room(fingerprint.size, scratch) from None
                    raise
                if (size := path.stat().st_size) != fingerprint.size:
                    raise PassingError(f"{size} bytes came of {fingerprint.size}")
                return fingerprint

        try:
            return FetchedFile(remote=self, path=path, fingerprint=self._retried(copy))
        except BaseException:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise

    def _bytes(self) -> AbstractContextManager[tuple[Fingerprint, Iterator[bytes]]]:
        is_http = urlsplit(self.address).scheme.lower() in HTTP
        return (http_bytes_of if is_http else stored_bytes_of)(self.address, self.name)

    def _retried(self, attempt: Callable[[], Fingerprint]) -> Fingerprint:
        for wait in (*_WAITS, None):
            try:
                return attempt()
            except PassingError as error:
                if wait is None:
                    raise DataError(
                        f"cannot fetch {self.name}: {error}, {len(_WAITS) + 1} times; try again later, or fetch it by "
                        "other means and name the file itself"
                    ) from redacted_error(error)
                logger.info("%s: %s; it is tried again", self.name, error)
                time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _no_room(self, size: int, scratch: Scratch) -> NoRoomError:
        free = shutil.disk_usage(scratch.root).free
        return NoRoomError(
            f"{self.name} has {size / 1e9:.2f} GB, and {scratch.root} has {free / 1e9:.2f} GB free, of "
            f"which {_ROOM_LEFT / 1e9:.2f} GB stay free; choose another --scratch"
        )

    def _check_room(self, size: int, scratch: Scratch) -> None:
        # Results may be written to the same disk.
        if size + _ROOM_LEFT > shutil.disk_usage(scratch.root).free:
            raise self._no_room(size, scratch)
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
    """Copies of remote videos, each fetched while its caller works on the one before, and removed after its last use.

    Args:
        videos: As often as they are opened, and in the order in which they are opened first; local ones are opened as
            they are.
        scratch: Where copies are made.
    """

    def __init__(self, videos: Iterable[Path | RemoteFile], scratch: Scratch) -> None:
        self._scratch = scratch
        self._uses = Counter(video for video in videos if isinstance(video, RemoteFile))
        self._left = deque(self._uses)
        self._copies: dict[RemoteFile, Future[FetchedFile]] = {}
        self._begin_next()

    @contextmanager
    def open(self, video: Path | RemoteFile) -> Iterator[Path]:
        """Yield the file, or the copy of a remote one.

        Raises:
            DataError: it cannot be fetched.
        """
        if isinstance(video, Path):
            yield video
            return
        if isinstance(self._copies[video].exception(), NoRoomError):
            # The copy before may be removed now.
            self._copies[video] = in_background(video.fetch, self._scratch)
            self._copies[video].exception()
        if next(reversed(self._copies)) == video:
            self._begin_next()
        self._uses[video] -= 1
        try:
            fetched = self._copies[video].result()
            with fetched.named():
                yield fetched.path
        finally:
            if not self._uses[video]:
                copy = self._copies.pop(video)
                if copy.exception() is None:
                    copy.result().discard()

    def _begin_next(self) -> None:
        if self._left:
            video = self._left.popleft()
            self._copies[video] = in_background(video.fetch, self._scratch)


def is_remote(text: str) -> bool:
    """Return whether a text is an address of which files can be fetched."""
    return text.partition("://")[0].lower() in (*HTTP, *STORES) and "://" in text


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
