"""Bytes of files on web servers and in object stores, with the size and etag that they must have.

http and https are read by `HttpBytes`; s3, gs and az by fsspec, whose packages know the rules for credentials.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import InvalidURL
from importlib import import_module
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from bvas.errors import BvasError, ConfigError, DataError, DecodeError, redacted_error
from bvas.video.container.http_bytes import HttpBytes, NotPlainError
from bvas.video.container.read_options import STORES
from bvas.video.index.file_identity import Fingerprint

HTTP = ("http", "https")
_INSTALL = "pip install 'bvas[remote]'"
_CHUNK_BYTES = 1 << 23
_CONNECT_SECONDS, _STALL_SECONDS = 20.0, 30.0
# Statuses of servers that may answer later: RFC 9110, 15.5.9 and 15.6; RFC 6585, 4.
_PASSING = (408, 429, 500, 502, 503, 504)
_FINAL = (ConnectionRefusedError, socket.gaierror, ssl.SSLError)


class PassingError(Exception):
    """A failure that another try may not meet."""


@contextmanager
def http_bytes_of(address: str, name: str) -> Iterator[tuple[Fingerprint, Iterator[bytes]]]:
    """Open a file on a web server; yield its size and etag, and its bytes.

    Raises:
        DataError: the server refuses it, announces no length, or it is a playlist.
        PassingError: the server fails, also in the middle of the bytes.
    """
    try:
        source = HttpBytes(address, name, connect=_CONNECT_SECONDS, stall=_STALL_SECONDS)
    except DecodeError as error:
        raise PassingError(str(error)) from error
    except NotPlainError as error:
        raise _refusal(name, error.__cause__) from redacted_error(error)
    try:
        if source.size is None:
            raise DataError(
                f"{name}: the server does not say how long the file is, so an early end would not show; fetch it by "
                "other means and name the file itself"
            )
        tag = source.identity[0] or ""
        # A date is not a tag: two files of one size may share it.
        etag = tag.strip('"') if tag.startswith('"') else ""
        yield Fingerprint(size=source.size, mtime_ns=0, etag=etag), _chunks_of(source)
    finally:
        source.close()


def _refusal(name: str, cause: BaseException | None) -> Exception:
    """Return the error of an address that cannot be opened; without a cause it is a playlist."""
    if isinstance(cause, ValueError | InvalidURL):
        # Its text holds parts of the address, also secret ones.
        return DataError(f"{name} is not a valid address; write special characters as %XX")
    if cause is None:
        return DataError(f"{name} is a playlist, not a file; `bvas spot` reads one")
    is_final = isinstance(getattr(cause, "reason", None), _FINAL)
    if is_final or (isinstance(cause, HTTPError) and cause.code not in _PASSING):
        return DataError(f"cannot fetch {name}: {_reason(cause)}; check the address, and its user or token")
    return PassingError(_reason(cause))


def _chunks_of(source: HttpBytes) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK_BYTES):
        yield chunk
    if source.failure is not None:
        raise PassingError(_reason(source.failure)) from source.failure


@contextmanager
def stored_bytes_of(address: str, name: str) -> Iterator[tuple[Fingerprint, Iterator[bytes]]]:
    """Open a file of an object store; yield its size and etag, and its bytes.

    Raises:
        DataError: the file is not found or may not be read, or the store does not answer.
        ConfigError: a package is missing, or the store wants settings.
        PassingError: the store fails in the middle of the bytes, or the file changes there.
    """
    scheme = urlsplit(address).scheme.lower()
    try:
        store, path = import_module("fsspec.core").url_to_fs(address)
    except ImportError as error:
        raise ConfigError(f"{name}: {scheme}:// needs fsspec and {STORES[scheme]}: {_INSTALL}") from error
    except ValueError as error:
        raise ConfigError(
            f"{name}: {_reason(redacted_error(error))}; docs/remote.md names the variables"
        ) from error
    found = _stored_fingerprint(store, path, name)

    def chunks() -> Iterator[bytes]:
        with _store_faults(name, is_begun=True), store.open(path, "rb", cache_type="none") as source:
            while chunk := source.read(_CHUNK_BYTES):
                yield chunk
        if _stored_fingerprint(store, path, name) != found:
            raise PassingError("the file changed while it was fetched")

    yield found, chunks()


def _stored_fingerprint(store: Any, path: str, name: str) -> Fingerprint:
    with _store_faults(name, is_begun=False):
        store.invalidate_cache()
        facts = store.info(path)
    if facts.get("type") == "directory" or facts.get("size") is None:
        raise DataError(f"{name} is a folder, not a video file; name the file in it")
    tag = str(facts.get("ETag") or facts.get("etag") or "")
    return Fingerprint(size=int(facts["size"]), mtime_ns=0, etag=tag.strip('"'))


@contextmanager
def _store_faults(name: str, *, is_begun: bool) -> Iterator[None]:
    """Translate the errors of a store's package, which has tried requests again by itself.

    What fails in the middle of a file begins again: the file may be another one now.
    """
    try:
        yield
    except (BvasError, TypeError, AttributeError, NameError, AssertionError):
        raise
    except FileNotFoundError as error:
        raise DataError(f"no file {name}; check bucket and path") from redacted_error(error)
    except PermissionError as error:
        raise DataError(f"{name} may not be read; check its credentials") from redacted_error(error)
    # Each package has its own kinds of errors, and some derive from Exception alone.
    except Exception as error:
        reason = _reason(redacted_error(error))
        if is_begun:
            raise PassingError(reason) from error
        raise DataError(f"cannot fetch {name}: {reason}; check the address, and its credentials") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, HTTPError):
        return f"the server answers {error.code} {error.reason}"
    if isinstance(error, UnicodeError | InvalidURL):
        return "the address is not valid"
    cause = error.reason if isinstance(error, URLError) else error
    return str(getattr(cause, "strerror", None) or cause or type(cause).__name__)
