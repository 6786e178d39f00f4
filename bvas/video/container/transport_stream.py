"""Joints of transport streams, found and hidden: the video keeps one PID and one continuity counter.

A broadcast, or recordings joined byte by byte, may continue its video under another packet identifier (PID), named by
new tables. libav would read the first PID only. Here the packets of the PID that takes over are given the first one.
Continuity counters are continued where no packet is missing, so that a joint does not count as damage.

Syntax: ISO/IEC 13818-1, 2.4.3 (packets and PES headers).
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bvas.video.container import transport_packets as ts

Packets: TypeAlias = NDArray[np.uint8]
"""Packets of a transport stream, uint8 [n, size], or one, uint8 [size]."""
_CLOCK = 90_000
# A joint of two clocks jumps back, or further ahead than missing pictures ever do.
_MOST_SECONDS_LOST = 10


class Joint(NamedTuple):
    """Place from which a video continues in packets of another PID, of another counter, or not at all."""

    position: int
    """Byte of its first packet."""
    number: int
    """PID that the video keeps for libav: its first."""
    pid: int
    """PID of its packets from here on; -1: it cannot be followed."""
    shift: int
    """To be added to their continuity counters, modulo 16."""
    hidden: tuple[int, ...] = ()
    """PIDs of the same video whose packets are left out from here on: those of before, or those not followed."""
    codec: str = ""
    """Its codec from here on, where that is another one and so not followed."""


class HiddenTables(NamedTuple):
    """Tables that are hidden: libav keeps the first ones, whose PIDs all packets are given."""

    position: int
    """Byte from which they are hidden."""
    pids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Joints:
    """The joints of one transport stream, so far."""

    layout: ts.Layout
    joints: tuple[Joint, ...]
    tables: HiddenTables | None
    lost_times: tuple[int, ...] = ()
    """Presentation times of pictures in a codec that is not followed, in ticks of 1/90000 s."""


@dataclass(slots=True)
class _Video:
    """One video of a program, through all PIDs that it had."""

    number: int
    program: int
    codec: str
    pid: int
    pids: set[int]
    codec_now: str
    """Differs from `codec` while the video is not followed."""
    is_listed: bool = True
    pending: ts.VideoEntry | None = None
    """Its successor by the tables, which takes over with its first whole picture."""
    shift: int = 0
    last: Packets | None = None
    """Its last packet."""
    dts: int | None = None
    step: int = 0
    """Ticks between the last two pictures."""

    @property
    def is_lost(self) -> bool:
        """It changed to another codec."""
        return self.codec_now != self.codec


class Joiner:
    """Finds joints among packets that are given in order.

    Args:
        layout: How they lie in the bytes.
    """

    def __init__(self, layout: ts.Layout) -> None:
        self.layout = layout
        self.joints: list[Joint] = []
        self.lost_times: list[int] = []
        """Presentation times of pictures that are not followed, in ticks of 1/90000 s."""
        self._tables = ts.TableReader()
        self._videos: list[_Video] = []
        self._table_pids: set[int] = set()

        self._tables_from: int | None = None

    @property
    def found(self) -> Joints:
        """The joints so far."""
        tables = None
        if self._tables_from is not None:
            tables = HiddenTables(self._tables_from, tuple(sorted(self._table_pids)))
        return Joints(self.layout, tuple(self.joints), tables, tuple(self.lost_times))

    def find(self, packets: Packets, position: int) -> None:
        """Note the joints among packets, uint8 [n, size]; `position` is the byte of the first."""
        # From the sync byte on.
        packets = packets[:, self.layout.lead : self.layout.lead + ts.PACKET_BYTES]
        pids = ts.pids_of(packets)
        row = 0
        while row < len(packets):
            row = self._find_next(packets, pids, row, position)

    def _find_next(self, packets: Packets, pids: NDArray[np.uint16], row: int, position: int) -> int:
        """Search packets from a row on, up to one that changes the search; return the row to continue at."""
        # The first of two events ends the search: a successor's first picture, or a table that changes the programs.
        stop, table, switch = len(packets), None, None
        for video in self._videos:
            if video.pending is not None:
                starts = packets[row:stop, 1] & 0x40 > 0
                found = np.flatnonzero((pids[row:stop] == video.pending.pid) & starts)
                if len(found):
                    stop, switch = row + int(found[0]), video
        self._table_pids |= self._tables.pids
        for place in (np.flatnonzero(np.isin(pids[row:stop], list(self._tables.pids))) + row).tolist():
            if self._tables.add(int(pids[place]), packets[place].tobytes()):
                stop, table, switch = place, place, None
                break
        for video in self._videos:
            rows = np.flatnonzero(pids[row:stop] == video.pid) + row
            if len(rows):
                self._follow(video, packets, rows, position)
        if switch is not None:
            self._switch(switch, packets[stop], position + stop * self.layout.size)
            # This row is searched again, as the first packet of its video.
            return stop
        if table is not None:
            self._list_videos()
            if self._tables_from is None and any(video.pending for video in self._videos):
                self._tables_from = position + table * self.layout.size
            return table + 1
        return stop

    def _follow(self, video: _Video, packets: Packets, rows: NDArray[np.int64], position: int) -> None:
        """Search a video's packets for jumps of the counter where no packet is missing."""
        own = packets[rows]
        if video.is_lost:
            times = (ts.times_of(packet)[0] for packet in own[own[:, 1] & 0x40 > 0])
            self.lost_times += [time for time in times if time is not None]
            return
        before = own[:-1] if video.last is None else np.concatenate([video.last[None], own[:-1]])
        after = own[1:] if video.last is None else own
        # The counter (4 bits) goes up by one in packets with a payload (bit 4); any other step is a jump.
        jumps = np.flatnonzero(((before[:, 3] & 15) + (after[:, 3] >> 4 & 1) - after[:, 3]) & 15)
        first = len(own) - len(after)
        done = 0
        for jump in jumps.tolist():
            self._note_times(video, own[done : jump + first])
            done = jump + first
            if _is_whole_joint(video, before[jump], after[jump]):
                video.shift = (video.shift + int(before[jump, 3]) + 1 - int(after[jump, 3])) & 15
                self._add_joint(video, position + int(rows[jump + first]) * self.layout.size)
        self._note_times(video, own[done:])
        video.last = own[-1].copy()

    @staticmethod
    def _note_times(video: _Video, packets: Packets) -> None:
        """Keep the time of the last picture, and the step to it from the one before."""
        starts = np.flatnonzero(packets[:, 1] & 0x40)[-2:]
        for packet in packets[starts]:
            time = ts.decoding_time_of(packet)
            if time is None:
                continue
            if video.dts is not None and 0 < time - video.dts < _CLOCK:
                video.step = time - video.dts
            video.dts = time

    def _switch(self, video: _Video, packet: Packets, position: int) -> None:
        """Let the announced successor take over with its first picture."""
        entry, video.pending = video.pending, None
        assert entry is not None
        video.pids.add(entry.pid)
        video.pid = entry.pid
        video.codec_now = entry.codec
        if not video.is_lost:
            if video.last is not None:
                video.shift = (video.shift + int(video.last[3]) + 1 - int(packet[3])) & 15
            video.last = None
        self._add_joint(video, position)

    def _add_joint(self, video: _Video, position: int) -> None:
        if video.is_lost:
            joint = Joint(position, video.number, -1, 0, tuple(sorted(video.pids)), video.codec_now)
        else:
            hidden = tuple(sorted(video.pids - {video.pid}))
            joint = Joint(position, video.number, video.pid, video.shift, hidden)
        self.joints.append(joint)

    def _list_videos(self) -> None:
        """Match the videos of new tables with those before."""
        listed = [entry for videos in self._tables.videos.values() for entry in videos]
        taken: set[tuple[int, str]] = set()
        for video in self._videos:
            same = [entry for entry in listed if (entry.pid, entry.codec) == (video.pid, video.codec_now)]
            video.is_listed = bool(same)
            if same:
                taken.add((video.pid, video.codec_now))
                video.program, video.pending = same[0].program, None
        for entry in listed:
            if (entry.pid, entry.codec) in taken:
                continue
            heir = self._gone_before(entry)
            if heir is None:
                program, pid, codec = entry
                self._videos.append(_Video(pid, program, codec, pid, {pid}, codec))
            else:
                # Until its first picture, the packets of the old PID are read.
                heir.pending, heir.program, heir.is_listed = entry, entry.program, True

    def _gone_before(self, entry: ts.VideoEntry) -> _Video | None:
        """Return the video that a newly listed one continues: one of its program, or of a program that is gone."""
        unlisted = [video for video in self._videos if not video.is_listed]
        same = [video for video in unlisted if video.program == entry.program]
        gone = [video for video in unlisted if video.program not in self._tables.maps]
        return next(iter(same or gone), None)


def _is_whole_joint(video: _Video, before: Packets, after: Packets) -> bool:
    """Return whether two packets are the end of a picture and the start of a keyframe, without a gap between."""
    is_start = bool(after[1] & 0x40) and ts.starts_keyframe(after, video.codec)
    if not is_start or not ts.is_stuffed(before):
        return False
    time = ts.decoding_time_of(after)
    if time is None or video.dts is None or not video.step:
        return True
    ahead = time - video.dts
    return not 1.5 * video.step < ahead < _MOST_SECONDS_LOST * _CLOCK


def hide_joints(packets: Packets, position: int, found: Joints) -> None:
    """Rewrite packets in place, uint8 [n, size], so that each video has one PID and one counter.

    Args:
        packets: Whole packets.
        position: Byte of the first.
        found: The joints of all videos, in order.
    """
    layout, joints, tables = found.layout, found.joints, found.tables
    changes = [change.position for change in (*joints[:1], tables) if change is not None]
    if not changes or position + len(packets) * layout.size <= min(changes):
        return
    packets = packets[:, layout.lead : layout.lead + ts.PACKET_BYTES]
    pids = ts.pids_of(packets)
    places = position + np.arange(len(packets)) * layout.size
    for place, joint in enumerate(joints):
        following = (other.position for other in joints[place + 1 :] if other.number == joint.number)
        here = (places >= joint.position) & (places < next(following, np.iinfo(np.int64).max))
        if joint.hidden:
            ts.renumber(packets, here & np.isin(pids, joint.hidden), ts.NULL_PID)
        if joint.pid >= 0:
            own = here & (pids == joint.pid)
            ts.renumber(packets, own, joint.number)
            counters = packets[own, 3]
            packets[own, 3] = counters & 0xF0 | (counters + joint.shift) & 15
    if tables is not None:
        ts.renumber(packets, (places >= tables.position) & np.isin(pids, tables.pids), ts.NULL_PID)
