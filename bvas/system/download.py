"""Downloads that resume, and that are never taken for another file.

Neither `pooch` nor `torch.hub` resumes a download, and weights are hundreds of megabytes; so this is our own. An
unfinished download is kept beside its target with the server's tag of it. The rest is appended only where the server
confirms the tag, or where the hash of the whole file is known.
"""

import hashlib
import http.client
import logging
import re
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urldefrag, urlsplit
from urllib.request import Request, urlopen

from bvas.errors import ConfigError, DataError, redacted, redacted_error
from bvas.system.atomic_files import write_text
from bvas.system.locks import locked
from bvas.values.progress import Progress

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 60.0
_SECONDS_TO_WAIT = 24 * 3600.0
_RANGE_NOT_SATISFIABLE = 416


def split_hash(address: str) -> tuple[str, str]:
    """Return the address and the hash of `https://host/file.safetensors#sha256=HEX`.

    Raises:
        ConfigError: the hash of 64 hexadecimal digits is missing.
    """
    url, fragment = urldefrag(address)
    found = re.fullmatch(r"sha256=([0-9a-fA-F]{64})", fragment)
    if not found:
        raise ConfigError(
            f"{address} lacks its hash; append #sha256=HEX with the 64 digits that 'sha256sum FILE' prints"
        )
    return url, found[1].lower()


def fetch(address: str, folder: Path | None) -> Path:
    """Return the file behind an address with a hash, downloaded unless an earlier download is kept.

    Args:
        address: As `split_hash` takes it; https, http or file.
        folder: Where downloads are kept, under their hash.

    Raises:
        ConfigError: the hash of the address or the folder is missing.
        DataError: the file cannot be downloaded, or has another hash; nothing of it is kept then.
    """
    url, wanted = split_hash(address)
    if folder is None:
        raise ConfigError(f"there is no folder to keep {url} in; set BVAS_HOME to one that you can write to")
    kept = folder / f"{wanted}{PurePosixPath(unquote(urlsplit(url).path)).suffix}"
    if not (kept.is_file() and hash_of(kept) == wanted):
        download(url, kept, sha256=wanted)
    return kept


def download(url: str, path: Path, *, sha256: str | None = None, progress: Progress | None = None) -> str:
    """Write what is behind an address to `path`, and return its SHA-256; an unfinished download is resumed.

    Args:
        url: https, http or file.
        path: The file; one that is there is replaced.
        sha256: The hash that it must have, hexadecimal; None: any.
        progress: Receives the bytes so far and the bytes in all.

    Raises:
        DataError: the file cannot be downloaded, or has another hash.
    """
    with locked(path.parent, seconds=_SECONDS_TO_WAIT):
        if sha256 is not None and path.is_file() and hash_of(path) == sha256:
            return sha256  # by another process meanwhile
        part, tag = (path.with_name(f".{path.name}.{suffix}") for suffix in ("part", "tag"))
        logger.info("downloading %s", redacted(url))
        try:
            _download(url, part, tag, resumes_untagged=sha256 is not None, progress=progress)
        except (URLError, http.client.HTTPException, OSError, ValueError) as error:
            kept = f"; {part.stat().st_size} bytes are kept, the next try resumes" if part.is_file() else ""
            raise DataError(
                f"cannot download {url}: {error}{kept}; or fetch it by other means and name the file itself"
            ) from redacted_error(error)
        found = hash_of(part)
        tag.unlink(missing_ok=True)
        if sha256 is not None and found != sha256:
            part.unlink()
            raise DataError(
                f"{url} has the SHA-256 {found} and should have {sha256}: the file there is another one, or was cut "
                "off; it is not used"
            )
        part.replace(path)
    return found


def _download(url: str, part: Path, tag: Path, *, resumes_untagged: bool, progress: Progress | None) -> None:
    """Complete `part`; `tag` holds what the server called the file that it is the beginning of."""
    begin = part.stat().st_size if part.is_file() else 0
    known = tag.read_text(encoding="utf-8") if tag.is_file() else ""
    headers = {}
    if begin and (known or resumes_untagged):
        headers["Range"] = f"bytes={begin}-"
        if known:
            headers["If-Range"] = known
    try:
        response = urlopen(Request(url, headers=headers), timeout=_TIMEOUT_SECONDS)
    except HTTPError as error:
        if error.code != _RANGE_NOT_SATISFIABLE or not headers:
            raise
        # Nothing follows what there is: it is whole, or of another file. The whole is asked for again.
        part.unlink()
        _download(url, part, tag, resumes_untagged=resumes_untagged, progress=progress)
        return
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            begin = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {begin}-"):
            part.unlink()
            raise ConnectionError("the server answers with another range than it was asked for")
        length = response.headers.get("Content-Length")
        total = None if length is None else begin + int(length)
        write_text(tag, _strong_tag(response.headers))
        with part.open("ab" if begin else "wb") as file:
            done = begin
            while chunk := response.read(_CHUNK_BYTES):
                file.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, total or done)
    if total is not None and done < total:
        raise ConnectionError(f"the connection ended after {done} of {total} bytes")


def _strong_tag(headers: http.client.HTTPMessage) -> str:
    """Return what names these very bytes; empty where nothing does. A weak tag may name similar ones."""
    tag = headers.get("ETag", "")
    return "" if tag.startswith("W/") else tag


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
