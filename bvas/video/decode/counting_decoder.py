"""Decoding with libav without seeking by time: frames counted as the decoder outputs them, and folders of pictures.

Frames are counted where packets carry no reliable times. Each picture of a folder is decoded by itself.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from bvas.errors import DecodeError
from bvas.video.decode.backends import OnDamage, PictureBackend
from bvas.video.decode.damage_tracking import CountedDamage, DamageLog
from bvas.video.decode.packet_seek import PacketSource
from bvas.video.decode.sample_aspects import SampleAspects
from bvas.video.index.frame_folder import decode_picture, find_frames
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.stored_picture import ToneMap


class CountedBackend(PictureBackend):
    """Frames of one open file in the decoder's output order; an earlier frame starts decoding over."""

    def __init__(self, index: VideoIndex, info: VideoInfo, *, on_damage: OnDamage) -> None:
        self._damage = DamageLog(index.path, on_damage)
        self.damaged = self._damage.frames
        self._index = index
        self._tones = ToneMap(info, index.reading.tone)
        self._container_tags = info.container_color
        self._open()

    def pictures(self, indices: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """As `frames`, with PyAV's decoded frames, which also hold color."""
        for index in indices:
            if index < self._next:
                self.close()
                self._open()
            while True:
                frame = self._next_frame()
                if frame is None:
                    raise self._index.error(
                        f"the decoder outputs {self._next} frames of {self._index.path.name}, so no frame "
                        f"{index}; if the file changed, open it again",
                        lost=range(index, self._index.num_frames),
                    )
                self._next += 1
                is_doubtful = self._errors.is_doubtful(frame)
                if self._next > index:
                    break
            if is_doubtful:
                self._damage.add(index, self._index.seconds_of(index), self._index.first_of_next_keyframe)
            self.sample_aspect = self._aspects.of(frame.pts)
            yield index, frame

    def close(self) -> None:
        """Close the file."""
        self._ready.clear()
        self._source.close()

    def _open(self) -> None:
        self._source = PacketSource(self._index)
        self._aspects = SampleAspects(self._source.decoder)
        self._ready: deque[Any] = deque()
        self._ended = False
        self._next = 0
        self._errors = CountedDamage()

    def _next_frame(self) -> Any:
        while not self._ready:
            if self._ended:
                return None
            packet = self._source.next_packet()
            self._ended = packet is None
            if packet is not None:
                self._errors.feed(is_keyframe=packet.is_keyframe)
            try:
                pictures = self._source.decoder.decode(packet)
                self._num_decoded += len(pictures)
                self._aspects.see(self._source.decoder, None if packet is None else packet.pts)
                self._ready.extend(pictures)
            except MemoryError:
                raise
            except av.FFmpegError:
                # The same packet failed when the frames were counted.
                self._errors.fail()
            else:
                if packet is not None and packet.is_corrupt:
                    self._errors.fail()
        return self._ready.popleft()


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
