"""Sound of a video for its copies, on the clock of the first shown frame."""

from abc import abstractmethod
from collections.abc import Iterator
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
    """Sound that is written to a file beside the pictures, piece by piece."""

    def __init__(self, path: Path) -> None:
        # A folder of pictures has no sound.
        self._container: Any = None if path.is_dir() else open_media(str(path.absolute()))
        self._next: Any = None
        """The piece that was read and not written yet."""

    @abstractmethod
    def _read(self) -> Any:
        """Return the next frame or packet, on the clock of the first shown frame; None at the end."""

    @abstractmethod
    def _seconds_of(self, piece: Any) -> float | Fraction:
        """Return the time at which a piece starts."""

    @abstractmethod
    def _put(self, piece: Any, file: EncodedFile) -> None:
        """Write a piece to the file."""

    def write_until(self, seconds: float | None, file: EncodedFile) -> None:
        """Write the sound before a time to a file; None writes all of it.

        Raises:
            DataError: the disk is full.
        """
        while True:
            piece = self._next if self._next is not None else self._read()
            self._next = None
            if piece is None:
                return
            if seconds is not None and self._seconds_of(piece) >= seconds:
                self._next = piece
                return
            self._put(piece, file)

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()


class SoundTrack(_Sound):
    """The first sound of a file, encoded again for another file; a file without sound gives none.

    Gaps and a late start are filled with silence. Sound before the first shown frame is cut off, and packets that
    cannot be decoded become silence, so that sound and picture stay together.
    """

    def __init__(self, path: Path, start_seconds: Fraction) -> None:
        """Open the sound.

        Args:
            path: The video.
            start_seconds: Time of its first shown frame on the container's clock.

        Raises:
            FFmpegError: the file cannot be opened.
        """
        super().__init__(path)
        sounds = () if self._container is None else self._container.streams.audio
        streams = [stream for stream in sounds if stream.codec_context is not None]
        self._stream: Any = streams[0] if streams else None
        self._start = start_seconds
        self._frames = self._resampled() if self._stream is not None else iter(())

    @property
    def is_there(self) -> bool:
        """Whether the file has sound."""
        return self._stream is not None

    def add_to(self, file: EncodedFile) -> None:
        """Announce the sound, if there is any, to a file."""
        if self.is_there:
            file.add_sound(SOUND_RATE)

    def _put(self, piece: Any, file: EncodedFile) -> None:
        file.encode_sound(piece)

    def _seconds_of(self, piece: Any) -> float | Fraction:
        return float(piece.pts / SOUND_RATE)

    def _read(self) -> Any:
        return next(self._frames, None)

    def _resampled(self) -> Iterator[Any]:
        """Yield the sound in frames of 48 kHz stereo, without a gap from time zero on."""
        resampler: _Resampler | None = None
        ended = 0
        for frame in self._decoded():
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
        start = round(self._start / self._stream.time_base)
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except av.FFmpegError as error:
                if reason_of(error) == "End of file":
                    return
                continue
            for frame in frames:
                if frame.pts is not None:
                    frame.pts -= start
                    yield frame


class CopiedSound(_Sound):
    """The first sound of a file, copied without encoding it again, for codecs that an mp4 holds.

    Packets keep their times; one that begins before the first shown frame is dropped (up to 0.03 s of sound).
    """

    def __init__(self, path: Path, start_seconds: Fraction) -> None:
        """Open the sound; arguments and errors as those of `SoundTrack`."""
        super().__init__(path)
        self._stream: Any = self._container.streams.audio[0]
        self._start = round(start_seconds / self._stream.time_base)
        self._packets = self._container.demux(self._stream)
        self._last = 0

    def add_to(self, file: EncodedFile) -> None:
        """Announce the sound to a file."""
        file.add_copied_sound(self._stream)

    def _put(self, piece: Any, file: EncodedFile) -> None:
        file.write_sound(piece)

    def _seconds_of(self, piece: Any) -> float | Fraction:
        return Fraction(piece.pts * self._stream.time_base)

    def _read(self) -> Any:
        """Return the next packet behind the first shown frame, on its clock; None at the end."""
        while True:
            try:
                packet = next(self._packets, None)
            except av.FFmpegError:
                return None
            if packet is None or packet.size == 0:
                return None
            if packet.pts is None or packet.pts - self._start < self._last:
                continue
            packet.pts -= self._start
            packet.dts = packet.pts
            # An mp4 takes ascending times only.
            self._last = packet.pts + 1
            return packet


def sound_of(path: Path, start_seconds: Fraction) -> SoundTrack | CopiedSound:
    """Return a file's sound, copied where an mp4 can hold it; arguments and errors as `SoundTrack`."""
    if path.is_dir():
        return SoundTrack(path, start_seconds)
    with open_media(str(path.absolute())) as container:
        sounds = container.streams.audio
        is_copied = (
            len(sounds) > 0
            and sounds[0].codec_context is not None
            and sounds[0].codec_context.name in _COPIED_CODECS
            and container.format.name.split(",")[0] in _COPIED_CONTAINERS
        )
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
