"""A file behind an address, kept on this machine, and never taken for another one."""

import hashlib
import logging
import re
from pathlib import Path, PurePosixPath
from urllib.error import URLError
from urllib.parse import unquote, urldefrag, urlsplit
from urllib.request import urlopen

from bvas.errors import ConfigError, DataError, redacted, redacted_error
from bvas.system.atomic_files import replacing

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 60.0


def split_hash(address: str) -> tuple[str, str]:
    """Return the address and the hash of `https://host/file.safetensors#sha256=HEX`.

    Raises:
        ConfigError: there is no hash of 64 hexadecimal digits.
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
        ConfigError: the address has no hash, or there is no folder.
        DataError: the file cannot be had, or its hash is another one; nothing of it is kept then.
    """
    url, wanted = split_hash(address)
    if folder is None:
        raise ConfigError(f"there is no folder to keep {url} in; set BVAS_HOME to one that you can write to")
    kept = folder / f"{wanted}{PurePosixPath(unquote(urlsplit(url).path)).suffix}"
    if kept.is_file() and _hash_of(kept) == wanted:
        return kept
    logger.info("downloading %s", redacted(url))
    with replacing(kept) as temporary:
        found = _download(url, temporary)
        if found != wanted:
            raise DataError(
                f"{url} has the SHA-256 {found} and should have {wanted}: the file there is another one, "
                f"or was cut off; it is not used"
            )
    return kept


def _download(url: str, path: Path) -> str:
    """Write what is behind `url` to `path`; return its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        try:
            with urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
                while chunk := response.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    file.write(chunk)
        except (URLError, TimeoutError, ConnectionError, ValueError) as error:
            raise DataError(
                f"cannot download {url}: {error}; fetch it by other means and name the file itself"
            ) from redacted_error(error)
    return digest.hexdigest()


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
