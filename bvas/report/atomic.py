"""Files that are either whole or not there: written beside their place, then renamed into it."""

import os
from pathlib import Path

from bvas.errors import DataError


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` at `path`, making its folder; a file that is there is replaced in one step.

    Raises:
        DataError: the folder or the file cannot be written; an old file is then left as it was.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror}; choose a folder that exists and is writable"
        ) from error
