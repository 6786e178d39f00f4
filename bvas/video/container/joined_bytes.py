"""Bytes of a transport stream with its joints hidden from libav: of a file, or as they come."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.video.container.transport_packets import Layout, layout_of
from bvas.video.container.transport_stream import Joiner, Joints, hide_joints

_HEAD_BYTES = 4096
_NUM_PACKETS_AT_ONCE = 1 << 16


def find_joints(path: Path) -> Joints | None:
    """Return the joints of a file; None where it has none, or is not a transport stream."""
    with path.open("rb") as file:
        layout = layout_of(file.read(_HEAD_BYTES))
        if layout is None:
            return None
        file.seek(layout.start)
        joiner = Joiner(layout)
        position = layout.start
        while data := file.read(layout.size * _NUM_PACKETS_AT_ONCE):
            joiner.find(_packets_in(bytearray(data), layout), position)
            position += len(data)
    return joiner.found if joiner.joints else None


class JoinedFile(io.FileIO):
    """A transport stream file without its joints, for libav to read and to seek in."""

    def __init__(self, path: Path, joints: Joints) -> None:
        super().__init__(str(path))
        self._joints = joints

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes from here on."""
        # libav names the bytes that it wants.
        assert size is not None
        layout, place = self._joints.layout, self.tell()
        # Packets are rewritten whole, so the read begins at a packet border.
        first = layout.start + max(place - layout.start, 0) // layout.size * layout.size
        self.seek(first)
        data = bytearray(super().read(place - first + size + layout.size))
        packets = _packets_in(data, layout)
        hide_joints(packets, first, self._joints)
        found = bytes(data[place - first :][:size])
        self.seek(place + len(found))
        return found

    def __del__(self) -> None:
        # PyAV leaves open what it is given; Python would warn of that.
        self.close()


class JoinState:
    """State of a transport stream that comes in several stretches, such as the pieces of a playlist."""

    def __init__(self) -> None:
        self.joiner: Joiner | None = None
        self.position = 0
        """Bytes of all stretches so far."""

    @property
    def lost_codec(self) -> str:
        """The codec that the video changed to, where the bytes end since it is not followed; else empty."""
        joints = () if self.joiner is None else self.joiner.joints
        return next((joint.codec for joint in joints if joint.codec), "")


class JoinedBytes:
    """Bytes that come once, with the joints of a transport stream hidden; others pass as they are.

    Args:
        read: Returns up to some bytes, as soon as there are any; none at the end.
        name: Path, by whose ending libav knows some formats.
        state: State of the pieces before this one, of a stream in several pieces.
    """

    def __init__(self, read: Callable[[int], bytes], name: str, state: JoinState | None = None) -> None:
        self.name = name
        self.state = JoinState() if state is None else state
        self._read = read
        self._layout: Layout | None = None
        # The bytes so far, until there are enough to recognize a transport stream; then None.
        self._head: bytes | None = b""
        self._rest = b""
        self._ready = b""

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        while not self._ready and not self.state.lost_codec:
            data = self._read(size)
            self._take(data)
            if not data:
                break
        found, self._ready = self._ready[:size], self._ready[size:]
        return found

    def _take(self, data: bytes) -> None:
        """Put the next bytes where `read` finds them; none at the end."""
        if self._head is not None:
            self._head += data
            if data and len(self._head) < _HEAD_BYTES:
                return
            head, self._head = self._head, None
            self._layout = layout_of(head[:_HEAD_BYTES])
            start = len(head) if self._layout is None else self._layout.start
            self._ready += head[:start]
            self.state.position += start
            self._join(head[start:], at_end=not data)
        else:
            self._join(data, at_end=not data)

    def _join(self, data: bytes, *, at_end: bool) -> None:
        layout, state = self._layout, self.state
        if layout is None:
            self._ready += data
            return
        if state.joiner is None or state.joiner.layout[:2] != layout[:2]:
            state.joiner = Joiner(layout)
        joiner, position = state.joiner, state.position
        data = self._rest + data
        whole = len(data) if at_end else len(data) // layout.size * layout.size
        block, self._rest = bytearray(data[:whole]), data[whole:]
        packets = _packets_in(block, layout)
        joiner.find(packets, position)
        hide_joints(packets, position, joiner.found)
        state.position += len(block)
        lost = next((joint.position for joint in joiner.joints if joint.codec), None)
        self._ready += bytes(block if lost is None else block[: max(lost - position, 0)])


def _packets_in(data: bytearray, layout: Layout) -> NDArray[np.uint8]:
    """Return the whole packets at the beginning of some bytes, uint8 [n, size], which share their memory."""
    count = len(data) // layout.size
    return np.frombuffer(data, np.uint8, count * layout.size).reshape(count, layout.size)
