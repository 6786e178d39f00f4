"""Download of SoccerNet's data by its own package: space checked first, resumable, unpacked safely.

Since version 0.2 the package fetches from Hugging Face, where access is granted per dataset (log in with
`huggingface-cli login`, or set HF_TOKEN); the older server takes the password that comes after the NDA
(https://www.soccer-net.org/data), and so do encrypted archives.
"""

import logging
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from bvas.errors import DataError
from bvas.system.atomic_files import replacing

logger = logging.getLogger(__name__)

Source = Literal["HuggingFace", "EXRCSDrive"]
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Download:
    """One dataset of SoccerNet."""

    package_name: str
    """What the SoccerNet package calls it; empty for Action Spotting, which comes match by match."""
    folder: str
    """Folder below the data root."""
    num_bytes: int
    """Space that all its splits take."""


# Sizes as the README of lRomul/ball-action-spotting states them: 9 GB and 791.5 GB.
DOWNLOADS = {
    "ball-2023": Download("spotting-ball-2023", "spotting-ball-2023", 9_000_000_000),
    "ball-2024": Download("spotting-ball-2024", "spotting-ball-2024", 9_000_000_000),
    "ball-2025": Download("spotting-ball-2025", "spotting-ball-2025", 9_000_000_000),
    "action": Download("", "action-spotting-2023", 791_500_000_000),
}
_ACTION_FILES = ["1_720p.mkv", "2_720p.mkv", "Labels-v2.json"]


def check_space(root: Path, num_bytes: int) -> None:
    """Raise unless `num_bytes` are free where `root` is or will be.

    Raises:
        DataError: there is less; the message names both figures.
    """
    existing = next(folder for folder in [root, *root.resolve().parents] if folder.is_dir())
    free = shutil.disk_usage(existing).free
    if free < num_bytes:
        raise DataError(
            f"{root} has {free / 1e9:.1f} GB free and the download needs {num_bytes / 1e9:.1f} GB; "
            f"free space or choose another --data"
        )


def download(
    task: str, splits: Sequence[str], root: Path, *, source: Source, ask_password: Callable[[], str]
) -> None:
    """Download and unpack the splits of a task into a data root; existing files are not downloaded again.

    Args:
        task: A key of `DOWNLOADS`.
        splits: Of `train`, `valid`, `test`, `challenge`.
        root: The data root.
        source: Server to fetch from.
        ask_password: Called only where a password is needed.

    Raises:
        DataError: no space, no `SoccerNet` package, no access, or an archive that is damaged or unsafe.
    """
    wanted = DOWNLOADS[task]
    check_space(root, wanted.num_bytes)
    try:
        from SoccerNet.Downloader import SoccerNetDownloader
    except ImportError as error:
        raise DataError(
            f"downloads need the SoccerNet package ({error}); install it with: pip install -e '.[soccernet]' "
            "in bvas's clone"
        ) from error
    folder = root / wanted.folder
    # The package appends the task's name itself, save for Action Spotting.
    downloader = SoccerNetDownloader(LocalDirectory=str(root if wanted.package_name else folder))
    password = ask_password() if source == "EXRCSDrive" else ""
    try:
        if not wanted.package_name:
            downloader.password = password
            downloader.downloadGames(files=_ACTION_FILES, split=list(splits), source=source)
            return
        arguments = {"password": password} if password else {}
        downloader.downloadDataTask(task=wanted.package_name, split=list(splits), source=source, **arguments)
    except PermissionError as error:
        raise DataError(f"no access: {error}") from error
    missing = [split for split in splits if not (folder / f"{split}.zip").is_file()]
    if missing:
        raise DataError(
            f"the server gave no {missing[0]}.zip for {wanted.package_name}; see its message above, "
            f"check your access, and run the command again: it resumes"
        )
    for split in splits:
        unpack(folder / f"{split}.zip", folder, ask_password)


def unpack(archive: Path, folder: Path, ask_password: Callable[[], str]) -> int:
    """Unpack a zip below `folder`, file by file, each whole or not at all; return how many were written.

    An existing file of the right size is left alone, so that an interrupted run resumes.

    Raises:
        DataError: the archive is damaged, its password wrong or its encryption unknown, or a
            member would land outside `folder`. Nothing of such a member is written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            for member in members:
                _check_member(archive, member)
            if any(member.flag_bits & 1 for member in members):
                opened.setpassword(ask_password().encode())
            todo = [member for member in members if not _is_there(folder, member)]
            for number, member in enumerate(todo, 1):
                logger.info("unpacking %s: %d of %d, %s", archive.name, number, len(todo), member.filename)
                with opened.open(member) as source, replacing(folder / member.filename) as temporary:
                    with temporary.open("wb") as target:
                        shutil.copyfileobj(source, target, _COPY_BYTES)
            return len(todo)
    except (zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{archive} is damaged ({error}); delete it and run the command again") from error
    except (RuntimeError, NotImplementedError) as error:
        raise DataError(
            f"cannot unpack {archive} ({error}); is the password right? An archive with AES encryption "
            f"needs another program, e.g. 7z x, into {folder}"
        ) from error


def _check_member(archive: Path, member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = (member.external_attr >> 16) & 0o170000 == 0o120000
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or is_link:
        raise DataError(
            f"{archive} holds {member.filename!r}, which would land outside its folder; not unpacked"
        )


def _is_there(folder: Path, member: zipfile.ZipInfo) -> bool:
    path = folder / member.filename
    return path.is_file() and path.stat().st_size == member.file_size
