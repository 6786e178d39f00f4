"""Sound of a video for its copies, on the clock of the first shown frame."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from bvas.system.closing import Closing
from bvas.video.container.open_container import open_media, reason_of
from bvas.video.encode.encoder import EncodedFile

SOUND_RATE = 48_000
# Codecs that players know in an mp4, and containers whose packets fit an mp4.
_COPIED_CODECS = ("aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "flac")
_COPIED_CONTAINERS = ("mov", "matroska")


class _Sound(Closing):
    """Sound that is written to a file beside the pictures, piece by piece, on the clock of the first shown frame.

    Args:
        path: The video.

    Raises:
        FFmpegError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        # A folder of pictures has no sound.
        self._container: Any = None if path.is_dir() else open_media(str(path.absolute()))
        self._pieces: Iterator[Any] = iter(())
        self._next: Any = None
        """The frame or packet that was read and not written yet."""

    @abstractmethod
    def add_to(self, file: EncodedFile) -> None:
        """Announce the sound, if there is any, to a file."""

    def write_until(self, seconds: float, file: EncodedFile) -> None:
        """Write the sound before a time to a file.

        Raises:
            DataError: the disk is full.
        """
        while True:
            if self._next is None:
                self._next = next(self._pieces, None)
            if self._next is None or self._next.pts * self._next.time_base >= seconds:
                return
            file.add_piece(self._next)
            self._next = None

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()


class SoundTrack(_Sound):
    """The first sound of a file, encoded again for another file; a file without sound gives none.

    Gaps and a late start are filled with silence. Sound before the first shown frame is cut off, and packets that
    cannot be decoded become silence, so that sound and picture stay together.

    Args:
        path: The video.
        start_seconds: Time of its first shown frame on the container's clock.

    Raises:
        FFmpegError: the file cannot be opened.
    """

    def __init__(self, path: Path, start_seconds: Fraction) -> None:
        super().__init__(path)
        sounds = () if self._container is None else self._container.streams.audio
        self._stream = next((stream for stream in sounds if stream.codec_context is not None), None)
        if self._stream is not None:
            self._pieces = self._resampled(round(start_seconds / self._stream.time_base))

    @property
    def is_there(self) -> bool:
        """Whether the file has sound."""
        return self._stream is not None

    def add_to(self, file: EncodedFile) -> None:
        """Announce the sound, if there is any, to a file."""
        if self.is_there:
            file.add_sound(SOUND_RATE)

    def _resampled(self, start: int) -> Iterator[Any]:
        """Yield the sound in frames of 48 kHz stereo, without a gap from time zero on."""
        resampler: _Resampler | None = None
        ended = 0
        for frame in self._decoded():
            frame.pts -= start
            # Channels and rate may change where a recording changes from one program to the next.
            if resampler is None or not resampler.takes(frame):
                if resampler is not None:
                    yield from resampler.push(None)
                resampler = _Resampler(frame, ended)
            for piece in resampler.push(frame):
                ended = piece.pts + piece.samples
                yield piece
        if resampler is not None:
            yield from resampler.push(None)

    def _decoded(self) -> Iterator[Any]:
        """Yield the frames that have a time and can be decoded."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                yield from (frame for frame in packet.decode() if frame.pts is not None)
            except av.FFmpegError as error:
                if reason_of(error) == "End of file":
                    return


class CopiedSound(_Sound):
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


class _Resampler:
    """A filter graph for frames of one kind."""

    def __init__(self, frame: Any, start: int) -> None:
        """Make one for frames like this; the output begins at sample `start`."""
        self._kind = _kind_of(frame)
        # Kept in an attribute: its filters do not keep it alive.
        self._graph = av.filter.Graph()
        self._nodes = [
            self._graph.add_abuffer(
                sample_rate=frame.sample_rate,
                format=frame.format.name,
                layout=frame.layout.name,
                time_base=frame.time_base,
            ),
            self._graph.add("aresample", f"{SOUND_RATE}:async=1:first_pts={start}"),
            self._graph.add("aformat", f"sample_fmts=fltp:channel_layouts=stereo:sample_rates={SOUND_RATE}"),
            self._graph.add("asetnsamples", "1024:p=0"),
            self._graph.add("abuffersink"),
        ]
        for before, after in pairwise(self._nodes):
            before.link_to(after)
        self._graph.configure()

    def takes(self, frame: Any) -> bool:
        """Return whether a frame is of the kind that this was made for."""
        return _kind_of(frame) == self._kind

    def push(self, frame: Any) -> Iterator[Any]:
        """Push a frame, or None at the end, and yield the output; times count samples."""
        self._nodes[0].push(frame)
        while True:
            try:
                yield self._nodes[-1].pull()
            except (av.BlockingIOError, av.EOFError):
                return


def _kind_of(frame: Any) -> tuple[str, str, int, Fraction]:
    return frame.format.name, frame.layout.name, frame.sample_rate, frame.time_base
