"""Sound of a video for its copies, on the clock of the first shown frame."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from bvas.system.closing import Closing
from bvas.video.container.open_container import open_media
from bvas.video.decode.sound_frames import first_sound, sound_frames
from bvas.video.encode.encoder import EncodedFile

SOUND_RATE = 48_000
# Codecs that players know in an mp4, and containers whose packets fit an mp4.
_COPIED_CODECS = ("aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "flac")
_COPIED_CONTAINERS = ("mov", "matroska")


class Sound(Closing):
    """Sound that is written to a file beside the pictures, piece by piece."""

    _next: Any = None
    """The frame or packet that was read and not written yet."""

    @abstractmethod
    def add_to(self, file: EncodedFile) -> None:
        """Announce the sound, if there is any, to a file."""

    @abstractmethod
    def _pulled(self) -> Any:
        """Return the next frame or packet; None where there is none yet."""

    def write_until(self, seconds: float, file: EncodedFile) -> None:
        """Write the sound before a time to a file.

        Raises:
            DataError: the disk is full.
        """
        while True:
            if self._next is None:
                self._next = self._pulled()
            if self._next is None or self._next.pts * self._next.time_base >= seconds:
                return
            file.add_piece(self._next)
            self._next = None


class _FileSound(Sound):
    """Sound of one file, on the clock of its first shown frame.

    Args:
        path: The video.

    Raises:
        FFmpegError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        # A folder of pictures has no sound.
        self._container: Any = None if path.is_dir() else open_media(str(path.absolute()))
        self._pieces: Iterator[Any] = iter(())

    def _pulled(self) -> Any:
        return next(self._pieces, None)

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()


class SoundTrack(_FileSound):
    """The first sound of a file as `sound_frames` gives it, encoded again for another file; none without sound.

    Args:
        path: The video.
        start_seconds: Time of its first shown frame on the container's clock.

    Raises:
        FFmpegError: the file cannot be opened.
    """

    def __init__(self, path: Path, start_seconds: Fraction) -> None:
        super().__init__(path)
        self._stream = None if self._container is None else first_sound(self._container)
        if self._stream is not None:
            self._pieces = sound_frames(
                self._container, self._stream, start_seconds, rate=SOUND_RATE, layout="stereo"
            )

    @property
    def is_there(self) -> bool:
        """Whether the file has sound."""
        return self._stream is not None

    def add_to(self, file: EncodedFile) -> None:
        """Announce the sound, if there is any, to a file."""
        if self.is_there:
            file.add_sound(SOUND_RATE)


class CopiedSound(_FileSound):
    """The first sound of a file, copied without encoding it again, for codecs that an mp4 holds.

    Packets keep their times; one that begins before the first shown frame is dropped (up to 0.03 s of sound).
    Arguments and errors as those of `SoundTrack`.
    """

    def __init__(self, path: Path, start_seconds: Fraction) -> None:
        super().__init__(path)
        self._stream = self._container.streams.audio[0]
        self._pieces = self._packets(round(start_seconds / self._stream.time_base))

    def add_to(self, file: EncodedFile) -> None:
        """Announce the sound to a file."""
        file.add_copied_sound(self._stream)

    def _packets(self, start: int) -> Iterator[Any]:
        """Yield the packets behind the first shown frame, on its clock."""
        last = 0
        with suppress(av.FFmpegError):
            for packet in self._container.demux(self._stream):
                if packet.size == 0:
                    return
                if packet.pts is None or packet.pts - start < last:
                    continue
                packet.pts -= start
                packet.dts = packet.pts
                # An mp4 takes ascending times only.
                last = packet.pts + 1
                yield packet


def sound_of(path: Path, start_seconds: Fraction) -> SoundTrack | CopiedSound:
    """Return a file's sound, copied where an mp4 can hold it; arguments and errors as `SoundTrack`."""
    if path.is_dir():
        return SoundTrack(path, start_seconds)
    with open_media(str(path.absolute())) as container:
        kind, sounds = container.format.name.split(",")[0], container.streams.audio
        decoder = sounds[0].codec_context if sounds else None
        is_copied = decoder is not None and decoder.name in _COPIED_CODECS and kind in _COPIED_CONTAINERS
    return (CopiedSound if is_copied else SoundTrack)(path, start_seconds)
