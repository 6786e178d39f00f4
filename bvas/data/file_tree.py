"""Files below a folder or inside a zip, read alike; a zip is never unpacked."""

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bvas.errors import DataError
from bvas.system.atomic_files import ARCHIVE_FAULTS
from bvas.system.text_files import MAX_BYTES, decode_text, parse_json, read_json


@dataclass(frozen=True, slots=True)
class FileTree:
    """A folder, or a zip that holds one."""

    root: Path
    archive: zipfile.ZipFile | None
    """None for a folder."""

    def find(self, file_name: str) -> dict[str, str]:
        """Return the paths of files of that name, by the folder that each lies in, in order.

        Raises:
            DataError: a zip holds a path that climbs out of it, or one file twice.
        """
        if self.archive is None:
            # Matches are often linked in from other disks.
            folders = [Path(f) for f, _, names in os.walk(self.root, followlinks=True) if file_name in names]
            below = sorted(folder.relative_to(self.root).as_posix() for folder in folders)
            return {folder: str(PurePosixPath(folder, file_name)) for folder in below}
        found: dict[str, str] = {}
        for name in self.archive.namelist():
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in path.parts[0]:
                raise DataError(
                    f"{self.root} holds '{name}', a path that leads out of it; make the zip again from the folder of "
                    f"predictions, with league/season/match/{file_name} at its root"
                )
            # macOS adds such files to every zip.
            if path.name != file_name or path.parts[0] == "__MACOSX":
                continue
            folder = path.parent.as_posix()
            if folder in found:
                raise DataError(f"{self.root} holds '{name}' twice; keep one of them")
            found[folder] = name
        return dict(sorted(found.items()))

    def read_json(self, path: str) -> Any:
        """Return the JSON value in a file.

        Raises:
            DataError: it cannot be read, or is not JSON.
        """
        if self.archive is None:
            return read_json(self.root / path)
        try:
            if self.archive.getinfo(path).file_size > MAX_BYTES:
                raise DataError(
                    f"{self.where(path)} is larger than {MAX_BYTES >> 20} MiB; this is not a results file"
                )
            content = self.archive.read(path)
        except ARCHIVE_FAULTS as error:
            raise DataError(f"cannot read {self.where(path)}: {error}; make the zip again") from error
        return parse_json(decode_text(content, self.where(path)), self.where(path))

    def where(self, path: str) -> str:
        """Return the name of a file in messages."""
        return str(self.root / path)

    def __enter__(self) -> "FileTree":
        return self

    def __exit__(self, *_: object) -> None:
        if self.archive is not None:
            self.archive.close()


def open_tree(path: Path) -> FileTree:
    """Open a folder or a zip.

    Raises:
        DataError: it is neither a folder nor a zip, or the zip is damaged.
    """
    if path.is_dir():
        return FileTree(path, None)
    if not path.is_file():
        raise DataError(f"no folder or zip {path}")
    try:
        return FileTree(path, zipfile.ZipFile(path))
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path} is neither a folder nor a zip that can be read: {error}") from error
