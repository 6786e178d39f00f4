"""Numbering rule: which picture of a video is frame 0, 1, 2, ..., by its packets and its decoder's output.

Where packets carry reliable times, each shown packet is a frame, and the order of times is the order of frames. The
decoder's first pictures are compared with that. Where they disagree, or where times are missing, repeated or invented
by libav (AVI), frames are counted as the decoder outputs them.

    packets (decoding order)   0 3 1 2 6 4 5      times; a heap sorts them
    pictures (decoder output)  0 1 2 3 4 5 6      each takes the waiting times up to its own
    frames                     0 1 2 3 4 5 6      times passed over are frames that the decoder lost

A file's packets can all be given first, and the pictures of its start after them; a stream gives both in turn. The
numbers are the same, and a number once given to a frame of a stream does not change later.
"""

import heapq
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bvas.video.container.time_repair import NO_TIME, SteadyTimes, Ticks, ascending_times, is_one_recording
from bvas.video.index.stream_facts import PacketFacts

# In these codecs a packet may hold no frame, or one with another packet's time: they are compared to the end.
_UNTIMED_CODECS = ("mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "vc1", "wmv3")
# Shown frames behind the first keyframe up to which decoder and packets are compared.
_NUM_HEAD_FRAMES = 12


@dataclass(frozen=True, slots=True)
class Placed:
    """Place of a decoder's picture among the frames."""

    index: int | None
    """Its number; None where it is not a shown frame."""
    lost: range
    """Frames before it that the decoder did not output."""


class NumberedFrames(NamedTuple):
    """The frames so far, and the keyframes."""

    pts: NDArray[np.int64]
    """Time of each frame in ticks, int64 [L], strictly ascending."""
    keyframe_pts: NDArray[np.int64]
    keyframe_dts: NDArray[np.int64]
    last_duration: int
    """Ticks; 0 where it is unknown."""
    time_base: Fraction
    """Seconds of a tick."""
    decode_order: bool
    """They are numbered as the decoder outputs them: packets carry no reliable times."""
    gradual_refresh: bool
    """Some keyframes only begin to refresh the picture bit by bit, or are not keyframes at all."""


class ShownFrames:
    """The shown frames so far.

    Args:
        timed: The container stores presentation times.
        codec: libav's name of the coding format.
        time_base: Seconds of a tick.
    """

    def __init__(self, timed: bool, codec: str, time_base: Fraction) -> None:
        self.counts = not timed
        """Frames are numbered as the decoder outputs them."""
        self.renumbered: str | None = None
        """Why the numbers given so far differ from those of the whole video; None while they are equal."""
        self.gradual_refresh = False
        self.num_errors = 0
        self._codec = codec
        self._time_base = time_base
        self._times = Ticks()
        self._keyframe_pts = Ticks()
        self._keyframe_dts = Ticks()
        # Numbers of decoded keyframes, for a switch to counting.
        self._keyframes = Ticks()
        self._waiting: list[int] = []
        self._waiting_set: set[int] = set()
        self._first_packet: PacketFacts | None = None
        self._ahead: set[int] = set()
        self._num_left_ahead = 0
        self._last_output = NO_TIME
        self._num_untimed = 0
        # Used from the first frame that has no time, or one not later than the frame before it.
        self._steady: SteadyTimes | None = None
        self._newest = (NO_TIME, 0)
        self._oldest: int | None = None
        self._in_step = True
        self._num_to_compare = None if codec in _UNTIMED_CODECS else _NUM_HEAD_FRAMES + 1

    @property
    def num_frames(self) -> int:
        """Frames numbered so far."""
        return len(self._times)

    @property
    def is_comparing(self) -> bool:
        """The decoder's output is still compared with the packets."""
        return self.counts or self._num_to_compare is None or self._num_to_compare > 0

    def restarted_to_count(self) -> "ShownFrames":
        """Return a new one for the same video, which numbers frames as the decoder outputs them."""
        shown = ShownFrames(False, self._codec, self._time_base)
        shown.gradual_refresh = self.gradual_refresh
        return shown

    def add_packet(self, packet: PacketFacts) -> None:
        """Take the next packet of the video, in decoding order, before its picture."""
        self.gradual_refresh |= packet.refreshes
        self._first_packet = self._first_packet or packet
        if packet.pts >= self._newest[0]:
            self._newest = packet.pts, packet.duration
        if self.counts:
            return
        if packet.is_start and packet.pts != NO_TIME:
            self._add_keyframe(packet)
        if not packet.is_shown or self.counts:
            return
        if packet.pts == NO_TIME:
            self._count_from_here("a packet has no time")
        elif packet.pts in self._waiting_set or self._times.holds(packet.pts):
            self._count_from_here("two packets have one time")
        elif packet.pts <= self._last_output:
            self._count_from_here("a packet comes too late for its time")
        elif not self._is_near(packet.pts):
            self._count_from_here("the packets' times are days apart")
        else:
            heapq.heappush(self._waiting, packet.pts)
            self._waiting_set.add(packet.pts)

    def end_packets(self) -> None:
        """Note that there are no more packets."""
        if self.counts or len(self._keyframe_pts) or self._first_packet is None:
            return
        # A video without a marked keyframe is read from its first packet.
        self._add_keyframe(self._first_packet)
        self._ahead.clear()
        if self._num_left_ahead:
            self._count_from_here("no keyframe came")

    def add_error(self) -> None:
        """Note an error that the decoder reported."""
        self.num_errors += 1

    def add_output(self, pts: int | None, *, is_keyframe: bool) -> Placed:
        """Return the number of the next picture that the decoder outputs."""
        if not self.counts and (pts is None or pts <= self._last_output) and self.is_comparing:
            self._count_from_here("the decoder's pictures are out of order")
        if self.counts:
            return self._number(NO_TIME if pts is None else pts, is_keyframe)
        if pts is None or pts <= self._last_output:
            # Behind the compared start such a picture is damage, and not a frame.
            self._in_step = False
            return Placed(None, range(0))
        # Waiting times below its own: the decoder outputs in order, so their pictures will not come any more.
        passed = self._pass(pts)
        is_known = bool(passed) and passed[-1] == pts
        lost = [time for time in passed if time != pts and not self._may_be_left_out(time)]
        # A difference that no error explains means that packets and frames do not match in this file.
        if self.is_comparing and not self.num_errors and (lost or not is_known):
            self._count_from_here("the decoder's pictures are not those of the packets")
            return self._number(pts, is_keyframe)
        self._last_output = pts
        self._compare(passed)
        first = len(self._times)
        self._times.extend(lost)
        # From a loss on, a later switch to counting would give other numbers than a scan of the whole file.
        self._in_step &= is_known and not lost
        gap = range(first, len(self._times))
        if not is_known:
            return Placed(None, gap)
        return Placed(self._number(pts, is_keyframe).index, gap)

    def misses_before(self, pts: int) -> bool:
        """Return whether the picture of an earlier frame, whose packet was given, is missing."""
        return any(time < pts and not self._may_be_left_out(time) for time in self._waiting)

    def finish(self) -> range:
        """Number the frames that the decoder did not output, after the last one; return their numbers."""
        first = len(self._times)
        if not self.counts:
            rest = self._pass(None)
            self._times.extend([time for time in rest if not self._may_be_left_out(time)])
        return range(first, len(self._times))

    def times(self, start: int, stop: int, rates: tuple[Fraction, ...]) -> tuple[NDArray[np.int64], Fraction]:
        """Return (times of some of the frames so far, seconds of a tick), strictly ascending.

        They equal those of `frames`, except that a time once returned stays as it is. The call takes constant time.
        """
        known = self._times.view()
        if self._steady is None:
            return known[start:stop], self._time_base
        if self._num_untimed == len(known):
            frames, time_base = ascending_times([None] * (stop - start), self._time_base, rates)
            return frames + start, time_base
        return self._steady.view()[start:stop], self._time_base

    def frames(self, rates: tuple[Fraction, ...]) -> NumberedFrames:
        """Return the frames so far.

        Args:
            rates: Frames per second that the container claims, for frames without times.
        """
        times = self._times.view()
        if self.counts:
            output = [None if time == NO_TIME else time for time in times.tolist()]
            times, time_base = ascending_times(output, self._time_base, rates)
            keyframes = times[self._keyframes.view()]
            return NumberedFrames(times, keyframes, keyframes, 0, time_base, True, self.gradual_refresh)
        keys, dts = self._starts(times)
        if self._waiting and len(times):
            # Keyframes behind the last known frame are left out, until that of their own is known.
            count = int(np.searchsorted(keys, times[-1], side="right"))
            keys, dts = keys[:count], dts[:count]
        last_duration = max(self._newest[1], 0)
        first, end = (int(times[0]), int(times[-1]) + last_duration) if len(times) else (0, 0)
        if not is_one_recording(first, end, self._time_base):
            last_duration = 0
        return NumberedFrames(times, keys, dts, last_duration, self._time_base, False, self.gradual_refresh)

    def _starts(self, times: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the times at which decoding can start: the keyframes, and ahead of them the first packet.

        A stream that refreshes gradually shows frames ahead of its first keyframe.
        """
        keys, dts = self._keyframe_pts.view(), self._keyframe_dts.view()
        first = self._first_packet
        has_earlier = len(times) and len(keys) and times[0] < keys[0]
        if first is None or first.pts == NO_TIME or not has_earlier or first.pts >= keys[0]:
            return keys, dts
        return np.insert(keys, 0, first.pts), np.insert(dts, 0, first.dts)

    def _is_near(self, pts: int) -> bool:
        """Return whether one recording can hold a packet of this time and those before it."""
        oldest = pts if self._oldest is None else min(self._oldest, pts)
        newest = max(self._newest[0], pts)
        self._oldest = oldest
        return is_one_recording(oldest, newest, self._time_base)

    def _add_keyframe(self, packet: PacketFacts) -> None:
        keys = self._keyframe_pts
        if not len(keys):
            # Pictures before the first keyframe are decodable only by chance.
            self._ahead = set(self._waiting)
        elif packet.pts <= int(keys.view()[-1]):
            self._count_from_here("the time of a keyframe goes back")
            return
        keys.append(packet.pts)
        self._keyframe_dts.append(packet.dts)

    def _may_be_left_out(self, time: int) -> bool:
        """Return whether a picture leads or precedes the first keyframe: a frame only if the decoder outputs it."""
        keys = self._keyframe_pts
        return not len(keys) or time < int(keys.view()[0]) or time in self._ahead

    def _pass(self, pts: int | None) -> list[int]:
        """Take the waiting times up to `pts`, or all of them, in order."""
        if pts is None:
            passed, self._waiting = sorted(self._waiting), []
            self._waiting_set.clear()
            return passed
        passed = []
        while self._waiting and self._waiting[0] <= pts:
            passed.append(heapq.heappop(self._waiting))
        self._waiting_set.difference_update(passed)
        return passed

    def _compare(self, passed: list[int]) -> None:
        keys = self._keyframe_pts
        if not len(keys):
            self._num_left_ahead += len(passed) - (self._last_output in passed)
        elif self._num_to_compare is not None and self._num_to_compare > 0:
            first_key = int(keys.view()[0])
            self._num_to_compare -= sum(time >= first_key for time in passed)

    def _number(self, pts: int, is_keyframe: bool) -> Placed:
        index = len(self._times)
        self._num_untimed += pts == NO_TIME
        times = self._times.view()
        if self._steady is None and (pts == NO_TIME or (index and pts <= int(times[-1]))):
            self._steady = SteadyTimes.at_default_rate(times, self._time_base)
        self._times.append(pts)
        if self._steady is not None:
            self._steady.add(pts)
        if is_keyframe:
            self._keyframes.append(index)
        return Placed(index, range(0))

    def _count_from_here(self, reason: str) -> None:
        if not self._in_step:
            self.renumbered = reason
        self.counts = True
        self._waiting.clear()
        self._waiting_set.clear()
        self._ahead.clear()
