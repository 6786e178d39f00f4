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
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DataError(
            f"cannot write {path}: {error.strerror or error}; choose a folder that can be written"
        ) from error
