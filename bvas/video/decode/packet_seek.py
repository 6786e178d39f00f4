"""Exact seeking: the packets of a video from any of its keyframes on, even where the container seeks wrongly."""

import weakref
from collections.abc import Iterator
from itertools import chain
from typing import Any

import av
import numpy as np

from bvas.system.interrupts import InterruptsDelayed
from bvas.video.container.coded_packets import new_extradata
from bvas.video.container.open_container import read_packets
from bvas.video.index.frame_table import VideoIndex

NEAR_FRAMES = 16
"""A keyframe this near is reached by decoding on: a seek would flush the decoder's reordering."""


class PacketSource:
    """One open file, read packet by packet from its start or a keyframe."""

    def __init__(self, index: VideoIndex) -> None:
        self._index = index
        self._open()

    @property
    def decoder(self) -> Any:
        """PyAV's codec context of the file; a new one after a `start_at` that had to open it again."""
        return self._stream.codec_context

    @property
    def extradata(self) -> bytes | None:
        """The headers beside the stream that hold for the last packet read."""
        extradata: bytes | None = self._changed_extradata or self.decoder.extradata
        return extradata

    def start_at(self, keyframe: int) -> None:
        """Make the packet of a keyframe the next one. The decoder is flushed.

        Raises:
            DecodeError: the file no longer holds that keyframe.
        """
        times = self._index.keyframe_dts if self._index.seek_by_dts else self._index.keyframe_pts
        # A seek may land late, above all in TS; reading from an earlier keyframe then passes this one.
        for back in (0, 1, 4):
            if back > keyframe:
                break
            try:
                with InterruptsDelayed():
                    self._container.seek(int(times[keyframe - back]), stream=self._stream, backward=True)
            except av.FFmpegError:
                continue
            if self._find(keyframe):
                return
        # Some containers cannot seek there: read from the start, where every packet is met.
        self.close()
        self._open()
        if not self._find(keyframe):
            first = self._index.first_of_keyframe(keyframe)
            raise self._index.error(
                f"{self._index.path} no longer has a keyframe where its index has one (frame {first}); "
                "if the file changed, open it again",
            )

    def next_packet(self) -> Any:
        """Return the next packet, or None at the end of the file."""
        return next(self._packets, None)

    def keyframe_passed(self, packet: Any) -> int:
        """Return the number of the last keyframe at or before the time of a packet; -1 before the first."""
        return int(np.searchsorted(self._index.keyframe_pts, packet.pts, side="right")) - 1

    def is_far(self, index: int, done: int, keyframe: int) -> bool:
        """Return whether a seek reaches a frame sooner than decoding on does.

        Args:
            index: The frame, which lies ahead.
            done: Time of the last frame that was decoded.
            keyframe: Number of the last keyframe that was decoded.
        """
        # Asked for every frame, of which most lie before the next keyframe.
        later = self._index.keyframe_pts[keyframe + 1 :]
        if not len(later) or self._index.pts[index] < later[0]:
            return False
        here = int(np.searchsorted(self._index.pts, done))
        return self._index.first_of_keyframe(self._index.keyframe_of(index)) - here > NEAR_FRAMES

    def close(self) -> None:
        """Close the file."""
        self._packets = iter(())
        self._finalizer()

    def _open(self) -> None:
        self._container, self._stream = self._index.open()
        # Left to the garbage collector, PyAV would free the input before the container that reads from it.
        self._finalizer = weakref.finalize(self, self._container.close)
        self._changed_extradata: bytes | None = None
        self._packets = self._read()

    def _find(self, keyframe: int) -> bool:
        """Drop packets up to that of a keyframe; False where the file is behind it already."""
        wanted = int(self._index.keyframe_pts[keyframe])
        packets = self._read()
        for packet in packets:
            if packet.pts == wanted:
                self._packets = chain([packet], packets)
                return True
            if packet.is_keyframe and packet.pts is not None and packet.pts > wanted:
                return False
        return False

    def _read(self) -> Iterator[Any]:
        for packet in read_packets(self._container, self._stream):
            self._changed_extradata = new_extradata(packet) or self._changed_extradata
            yield packet
