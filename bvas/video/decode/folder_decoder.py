"""Decoding of a folder of numbered pictures, each by itself."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from bvas.errors import DecodeError
from bvas.video.decode.backends import PictureBackend
from bvas.video.index.frame_folder import decode_picture, find_frames


class FolderBackend(PictureBackend):
    """Frames of a folder of pictures; each is decoded by itself.

    Args:
        folder: The folder.
        rate: Frames per second, for messages.
    """

    def __init__(self, folder: Path, rate: Fraction) -> None:
        self._files = find_frames(folder)
        self._rate = rate

    def pictures(self, indices: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """As `frames`, with PyAV's decoded frames, which also hold color."""
        for index in indices:
            path = self._files.paths.get(index)
            if path is None:
                raise self._lost(index)
            try:
                picture = decode_picture(path)
            except DecodeError as error:
                raise DecodeError(
                    f"frame {index} is lost: {error}", path=path, lost=range(index, index + 1)
                ) from error
            self._num_decoded += 1
            yield index, picture

    def close(self) -> None:
        """Do nothing: each file is closed after it is read."""

    def _lost(self, index: int) -> DecodeError:
        stop = min((frame for frame in self._files.paths if frame > index), default=index + 1)
        number = self._files.first + index
        return DecodeError(
            f"frame {index} ({float(index / self._rate):.3f} s) of {self._files.folder} is lost: it has no picture of "
            f"number {number}; reading can continue at frame {stop}",
            path=self._files.folder,
            lost=range(index, stop),
        )
