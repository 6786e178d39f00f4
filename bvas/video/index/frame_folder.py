"""Folders of numbered pictures, as E2E-Spot and T-DEED keep their data, read as videos.

The lowest number is frame 0. A missing number is a lost frame.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from bvas.errors import DecodeError

CONTAINER = "frames"
"""`VideoIndex.container` of such a folder."""
# Endings of picture files, and libav's decoders of them.
_DECODERS = {
    ".jpg": "mjpeg",
    ".jpeg": "mjpeg",
    ".png": "png",
    ".bmp": "bmp",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
}
_NUMBERED = re.compile(r"(.*?)(\d{1,9})")


@dataclass(frozen=True, slots=True)
class FrameFiles:
    """The pictures of one folder."""

    folder: Path
    first: int
    """Lowest number; its picture is frame 0."""
    paths: dict[int, Path]
    """By frame."""

    @property
    def num_frames(self) -> int:
        """From the lowest to the highest number."""
        return max(self.paths) + 1

    @property
    def decoder(self) -> str:
        """libav's name of the decoder of the first picture."""
        return _DECODERS[self.paths[0].suffix.lower()]

    @property
    def missing(self) -> list[int]:
        """Frames without a picture, ascending."""
        return [frame for frame in range(self.num_frames) if frame not in self.paths]


def find_frames(folder: Path) -> FrameFiles:
    """Return the numbered pictures of a folder; hidden files and those of other kinds are skipped.

    Raises:
        DecodeError: it holds no picture, pictures of several series, or one number twice.
    """
    by_number: dict[int, Path] = {}
    series: str | None = None
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in _DECODERS):
        if path.name.startswith(".") or not path.is_file():
            continue
        name = _NUMBERED.fullmatch(path.stem)
        if name is None:
            raise _refusal(folder, f"{path.name} has no number")
        if series is None:
            series = name[1]
        elif name[1] != series:
            raise _refusal(folder, f"{path.name} is not of the series {series or '000000'}{path.suffix}")
        number = int(name[2])
        if number in by_number:
            raise _refusal(folder, f"{by_number[number].name} and {path.name} have one number")
        by_number[number] = path
    if not by_number:
        raise _refusal(folder, "it holds none")
    first = min(by_number)
    return FrameFiles(folder, first, {number - first: path for number, path in sorted(by_number.items())})


def is_frame_folder(path: Path) -> bool:
    """Return whether a path is a folder that can be read as a video."""
    if not path.is_dir():
        return False
    try:
        find_frames(path)
    except (DecodeError, OSError):
        return False
    return True


def stamp_of(folder: Path) -> list[tuple[str, int, int]]:
    """Return (name, bytes, time of change in nanoseconds) of each file that may be a frame, by name."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if Path(entry.name).suffix.lower() in _DECODERS and not entry.name.startswith("."):
                status = entry.stat()
                found.append((entry.name, status.st_size, status.st_mtime_ns))
    return sorted(found)


def bytes_of(path: Path) -> int:
    """Return the bytes that a video takes, be it a file or a folder of pictures."""
    return sum(size for _, size, _ in stamp_of(path)) if path.is_dir() else path.stat().st_size


def decode_picture(path: Path) -> Any:
    """Return the picture in a file as PyAV's decoded frame.

    Raises:
        DecodeError: it cannot be read or decoded.
    """
    decoder = av.CodecContext.create(_DECODERS[path.suffix.lower()], "r")
    decoder.thread_count = 1
    try:
        data = path.read_bytes()
        pictures = decoder.decode(av.Packet(data)) if data else []
        pictures = pictures or (decoder.decode(None) if data else [])
    except (av.FFmpegError, OSError) as error:
        raise DecodeError(f"{path} cannot be decoded: {error.strerror or error}", path=path) from error
    if not pictures:
        raise DecodeError(f"{path} holds no picture that can be decoded", path=path)
    return pictures[0]


def _refusal(folder: Path, reason: str) -> DecodeError:
    return DecodeError(
        f"{folder} is a folder, not one of numbered pictures ({reason}); name a video file in it, or a folder "
        "of pictures such as 000000.jpg, 000001.jpg",
        path=folder,
    )
