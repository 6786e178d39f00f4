"""Decoding with libav through PyAV: the reference that other backends are compared with.

A read goes to the keyframe before the wanted frame and decodes forward, matching each frame by its
presentation time. Packets that hold no wanted frame and that no other picture refers to are
skipped, which gives the same pixels (nonref.py) for a quarter to a sixth less work.
"""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Literal

import av
import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.video.container import open_container, read_packets
from bvas.video.index import VideoIndex
from bvas.video.nonref import may_skip_nonref
from bvas.video.picture import luma_of
from bvas.video.protocol import VideoInfo
from bvas.video.reader import Backend

logger = logging.getLogger(__name__)

OnDamage = Literal["deliver", "raise"]

# A keyframe this near is reached by decoding on; a seek would flush the decoder's reordering instead.
_NEAR_FRAMES = 16
_LONG_AGO = np.iinfo(np.int64).min


def open_backend(index: VideoIndex, info: VideoInfo, *, on_damage: OnDamage) -> Backend:
    """Open a file for decoding with libav.

    Args:
        index: Its frames.
        info: What is known of it.
        on_damage: What to do with frames between a reported error and the next keyframe.

    Raises:
        DecodeError: the file cannot be opened.
    """
    if index.decode_order:
        from bvas.video.pyav_counted import CountedBackend

        return CountedBackend(index)
    return PyavBackend(index, info, on_damage=on_damage)


class PyavBackend:
    """Frames of one open file, matched by presentation time."""

    def __init__(self, index: VideoIndex, info: VideoInfo, *, on_damage: OnDamage) -> None:
        self.damaged: set[int] = set()
        self._index = index
        self._on_damage = on_damage
        self._container, self._stream = open_container(index.path)
        self._decoder = self._stream.codec_context
        # With "raise", an error in a packet that would be skipped has to be seen too, or what is refused
        # would depend on what else is asked for.
        self._may_skip = (
            on_damage == "deliver"
            and not info.interlaced
            and may_skip_nonref(info.codec, self._decoder.extradata)
        )
        self._packets: Iterator[Any] = iter(())
        self._ready: deque[Any] = deque()
        self._started: int | None = None
        self._forget()

    def frames(self, indices: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (index, luma as stored); see `Backend`."""
        if not indices:
            return
        wanted = {int(self._index.pts[index]) for index in indices}
        last = int(self._index.pts[indices[-1]])
        for index in indices:
            frame = self._frame(index, wanted, last)
            self._check_damage(index, frame)
            yield index, luma_of(frame)
        self._skipped = {pts for pts in self._skipped if pts > self._done}

    def close(self) -> None:
        """Close the file."""
        self._ready.clear()
        self._packets = iter(())
        self._container.close()

    def _frame(self, index: int, wanted: set[int], last: int) -> Any:
        target = int(self._index.pts[index])
        if self._must_seek(index, target):
            self._start_at(self._index.keyframe_of(index))
        while True:
            frame = self._next_frame(wanted, last)
            if frame is None or frame.pts > target:
                assert self._started is not None
                # The decoder may need a keyframe more: leading pictures, refresh without keyframes.
                if self._started > max(self._index.keyframe_of(index) - 2, 0) and not self._num_errors:
                    self._start_at(self._started - 1)
                    continue
                if frame is not None:
                    self._ready.appendleft(frame)
                raise self._lost(index, None if frame is None else frame.pts)
            self._done = frame.pts
            if frame.pts == target:
                return frame

    def _must_seek(self, index: int, target: int) -> bool:
        if self._started is None or target <= self._done or target in self._skipped:
            return True
        keyframe = self._index.keyframe_of(index)
        if keyframe <= self._keyframe_fed:
            return False
        here = int(np.searchsorted(self._index.pts, self._done))
        return self._index.first_of_keyframe(keyframe) - here > _NEAR_FRAMES

    def _next_frame(self, wanted: set[int], last: int) -> Any:
        """Return the next frame with a time that the decoder outputs, or None at the end."""
        while True:
            while self._ready:
                frame = self._ready.popleft()
                if frame.pts is not None:
                    return frame
            if self._ended:
                return None
            packet = next(self._packets, None)
            if packet is None:
                self._ended = True
            else:
                self._prepare(packet, wanted, last)
            try:
                self._ready.extend(self._decoder.decode(packet))
            except MemoryError:
                raise
            except av.FFmpegError:
                self._broken = True
                self._num_errors += 1
                if packet is not None:
                    self._tainted.add(packet.pts)

    def _prepare(self, packet: Any, wanted: set[int], last: int) -> None:
        if packet.is_keyframe:
            self._keyframe_fed = max(
                self._keyframe_fed,
                int(np.searchsorted(self._index.keyframe_pts, packet.pts, side="right")) - 1,
            )
            if self._broken:
                self._broken = False
                self._sound_from = packet.pts
        if packet.is_corrupt:
            self._broken = True
        if self._broken or packet.pts < self._sound_from:
            self._tainted.add(packet.pts)
        skip = self._may_skip and not packet.is_keyframe and packet.pts not in wanted and packet.pts < last
        if skip:
            self._skipped.add(packet.pts)
        mode = "NONREF" if skip else "DEFAULT"
        if mode != self._skip_mode:
            self._decoder.skip_frame = self._skip_mode = mode

    def _start_at(self, keyframe: int) -> None:
        """Go to a keyframe: the next packet that is decoded is its own."""
        times = self._index.keyframe_dts if self._index.seek_by_dts else self._index.keyframe_pts
        self._forget()
        for back in (0, 1, 4):
            if back > keyframe:
                break
            try:
                self._container.seek(int(times[keyframe - back]), stream=self._stream, backward=True)
            except av.FFmpegError:
                continue
            if self._find(keyframe):
                self._started = keyframe
                return
        # Some containers cannot seek there; from the start every packet is met.
        self.close()
        self._container, self._stream = open_container(self._index.path)
        self._decoder = self._stream.codec_context
        self._forget()
        if not self._find(keyframe):
            lost = range(self._index.first_of_keyframe(keyframe), self._index.first_of_keyframe(keyframe + 1))
            raise DecodeError(
                f"{self._index.path.name} has no keyframe any more where its index has one "
                f"(frame {lost.start}); if the file changed, open it again",
                path=self._index.path,
                lost=lost,
            )
        self._started = keyframe

    def _find(self, keyframe: int) -> bool:
        """Drop packets up to that of a keyframe; False if the file stands behind it."""
        wanted = int(self._index.keyframe_pts[keyframe])
        packets = read_packets(self._container, self._stream)
        for packet in packets:
            if packet.pts == wanted:
                self._packets = chain([packet], packets)
                return True
            if packet.is_keyframe and packet.pts is not None and packet.pts > wanted:
                return False
        return False

    def _forget(self) -> None:
        self._ready.clear()
        self._started = None
        self._ended = False
        self._num_errors = 0
        self._keyframe_fed = -1
        self._done = _LONG_AGO
        self._skip_mode = ""
        self._skipped: set[int] = set()
        # Damage: since an error in this keyframe interval, and of which packets.
        self._broken = False
        self._sound_from = _LONG_AGO
        self._tainted: set[int] = set()

    def _lost(self, index: int, next_pts: int | None) -> DecodeError:
        pts = self._index.pts
        end = len(pts) if next_pts is None else int(np.searchsorted(pts, next_pts))
        stop = index + 1
        while stop < end and int(pts[stop]) not in self._skipped:
            stop += 1
        return DecodeError(
            f"the decoder does not output frame {index} ({self._index.seconds_of(index):.3f} s) of "
            f"{self._index.path.name}: the file is damaged there, {stop - index} frame(s) lost; "
            f"reading can go on at frame {stop}",
            path=self._index.path,
            lost=range(index, stop),
        )

    def _check_damage(self, index: int, frame: Any) -> None:
        if frame.pts not in self._tainted and not frame.is_corrupt:
            return
        name, seconds = self._index.path.name, self._index.seconds_of(index)
        if self._on_damage == "raise":
            stop = self._index.first_of_keyframe(self._index.keyframe_of(index) + 1)
            raise DecodeError(
                f"frame {index} ({seconds:.3f} s) of {name} follows a decoding error and may be wrong up to "
                f'the next keyframe (frame {stop}); on_damage="deliver" accepts such frames',
                path=self._index.path,
                lost=range(index, max(stop, index + 1)),
            )
        if not self.damaged:
            logger.warning(
                "%s is damaged: frame %d (%.3f s) and others up to the next keyframe may be wrong",
                name,
                index,
                seconds,
            )
        self.damaged.add(index)
