"""Decoding with libav through PyAV: the reference that other backends are compared with.

A read seeks to the keyframe before the wanted frame and decodes forward, matching each frame by its presentation
time. Packets that hold no wanted frame, and that no other picture refers to, are skipped. That gives the same pixels
(coded_packets.py) for a quarter to a sixth less work.

libav's H.264 decoder conceals errors, and reports one only when it outputs the picture, which may be after pictures
that refer to it. So it is first told to fail at any error (strict). At the first failure the file is opened again
without that (lenient). From then on a picture is delivered once those that it refers to are known (careful).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np

from bvas.errors import DecodeError
from bvas.video.container.coded_packets import is_nonref, may_skip_nonref
from bvas.video.container.time_repair import NO_TIME
from bvas.video.decode.backends import BackendOptions, OnDamage, PictureBackend
from bvas.video.decode.counting_decoder import CountedBackend, FolderBackend
from bvas.video.decode.damage_tracking import Damage, DamageLog
from bvas.video.decode.packet_seek import PacketSource
from bvas.video.decode.sample_aspects import SampleAspects
from bvas.video.index.frame_folder import CONTAINER
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.stored_picture import ToneMap

# So many frames of later times may be output before the wanted one.
_MAX_EARLY = 8
# Bytes of a packet that hold the header of its first slice, behind parameter sets and SEI.
_HEAD = 2048


def check(index: VideoIndex, info: VideoInfo, options: BackendOptions) -> None:
    """Admit every file: a file with an index was opened by libav."""


def open_backend(index: VideoIndex, info: VideoInfo, options: BackendOptions | None = None) -> PictureBackend:
    """Open a file for decoding with libav.

    Raises:
        DecodeError: the file cannot be opened.
    """
    on_damage: OnDamage = "deliver" if options is None else options.on_damage
    if index.container == CONTAINER:
        return FolderBackend(index.path, index.rate)
    if index.decode_order:
        return CountedBackend(index, info, on_damage=on_damage)
    return PyavBackend(index, info, on_damage=on_damage)


@dataclass(slots=True)
class _Run:
    """State of decoding since the last seek."""

    started: int
    """Keyframe that it began with."""
    damage: Damage
    keyframe: int
    """Last keyframe fed to the decoder."""
    done: int = NO_TIME
    """Time of the last frame taken from the decoder."""
    ended: bool = False
    is_void: bool = False
    """The decoder failed at an error, and has to start over."""
    has_skipped: bool = False
    skipped: set[int] = field(default_factory=set)
    """Times of packets whose frames the decoder may have left out."""


class PyavBackend(PictureBackend):
    """Frames of one open file, matched by presentation time."""

    def __init__(self, index: VideoIndex, info: VideoInfo, *, on_damage: OnDamage) -> None:
        self._damage = DamageLog(index.path, on_damage)
        self.damaged = self._damage.frames
        self._index = index
        self._tones = ToneMap(info, index.reading.tone)
        self._container_tags = info.container_color
        self._source = PacketSource(index)
        self._decoder = self._source.decoder
        self._aspects = SampleAspects(self._decoder)
        # With "raise", errors in packets that would be skipped have to be seen too. Else the refused frames would
        # depend on the other frames of the call.
        may_skip = not info.interlaced and may_skip_nonref(info.codec, self._decoder.extradata)
        self._may_skip = on_damage == "deliver" and may_skip
        self._codec = info.codec
        self._is_strict = info.codec == "h264"
        # After an error, a frame is delivered once those that it refers to are decoded.
        self._is_careful = False
        self._ready: deque[Any] = deque()
        self._early: dict[int, Any] = {}
        """Frames by their times, output before the wanted one although theirs are later."""
        self._skip_mode = "DEFAULT"
        self._run: _Run | None = None

    def pictures(self, indices: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """As `frames`, with PyAV's decoded frames, which also hold color."""
        if not indices:
            return
        times: list[int] = self._index.pts[list(indices)].tolist()
        wanted = set(times)
        for index, target in zip(indices, times, strict=True):
            picture = self._frame(index, target, wanted, times[-1])
            self.sample_aspect = self._aspects.of(picture.pts)
            yield index, picture
        if self._run is not None:
            done = self._run.done
            self._run.skipped = {pts for pts in self._run.skipped if pts > done}

    def close(self) -> None:
        """Close the file."""
        self._ready.clear()
        self._early.clear()
        self._source.close()

    def _frame(self, index: int, target: int, wanted: set[int], last: int) -> Any:
        run = self._run
        is_reachable = run is not None and target > run.done and target not in run.skipped
        if run is None or not is_reachable or self._source.is_far(index, run.done, run.keyframe):
            run = self._start_at(self._index.keyframe_of(index))
        while True:
            frame = self._at_or_behind(run, target, wanted, last)
            if self._is_careful and frame is not None and frame.pts == target:
                self._settle(run, target, wanted, last)
            if run.is_void:
                run = self._start_at(self._index.keyframe_of(index))
                continue
            if self._may_skip and run.damage.num_errors:
                # libav's concealment depends on all pictures decoded before. From here on no packet is skipped, so
                # that a frame is the same however it is reached.
                self._may_skip = False
                if run.has_skipped:
                    run = self._start_at(self._index.keyframe_of(index))
                    continue
            if frame is None or frame.pts > target:
                # A decoder may need to start one keyframe earlier than the packets' flags say.
                if run.started > max(self._index.keyframe_of(index) - 2, 0) and not run.damage.num_errors:
                    run = self._start_at(run.started - 1)
                    continue
                # A frame counts as lost only after all packets before it were decoded, none skipped.
                self._may_skip = False
                if run.has_skipped:
                    run = self._start_at(self._index.keyframe_of(index))
                    continue
                raise self._lost(run, index, None if frame is None else frame.pts)
            run.done = frame.pts
            if frame.pts == target:
                if run.damage.is_doubtful(target):
                    self._damage.add(index, self._index.seconds_of(index), self._index.first_of_next_keyframe)
                run.damage.forget(target)
                return frame

    def _at_or_behind(self, run: _Run, target: int, wanted: set[int], last: int) -> Any:
        """Return the frame of a time, else an earlier one if there is one, else the next; None at the end.

        Frames with broken times are output in mixed order. So a few more are decoded before one counts as lost.
        """
        if self._early:
            self._early = {pts: frame for pts, frame in self._early.items() if pts >= target}
        while target not in self._early and len(self._early) < _MAX_EARLY:
            frame = self._next_frame(run, wanted, last)
            if frame is None:
                break
            if frame.pts <= target:
                return frame
            self._early[frame.pts] = frame
        return self._early[min(self._early)] if self._early else None

    def _next_frame(self, run: _Run, wanted: set[int], last: int) -> Any:
        """Return the next frame with a time that the decoder outputs, or None at the end."""
        while not self._ready and not run.ended:
            self._feed(run, wanted, last)
        return self._ready.popleft() if self._ready else None

    def _settle(self, run: _Run, target: int, wanted: set[int], last: int) -> None:
        """Decode on until all pictures that one may refer to are output, and known to be whole or broken."""
        until = run.damage.doubt_until(target)
        while not run.ended and until > (self._ready[-1].pts if self._ready else target):
            self._feed(run, wanted, last)

    def _feed(self, run: _Run, wanted: set[int], last: int) -> None:
        """Decode the next packet, or what is left at the end; at the first error the run becomes void."""
        packet = self._source.next_packet()
        if packet is None:
            run.ended = True
        else:
            self._prepare(run, packet, wanted, last)
        try:
            frames = self._decoder.decode(packet)
        except MemoryError:
            raise
        except av.FFmpegError:
            if packet is not None:
                run.damage.fail(packet.pts)
            if self._is_strict:
                self._become_lenient(run)
            return
        self._num_decoded += len(frames)
        self._aspects.see(self._decoder, None if packet is None else packet.pts)
        for frame in frames:
            if frame.pts is not None:
                if frame.is_corrupt:
                    run.damage.show_broken(frame.pts)
                self._ready.append(frame)
        self._is_careful |= run.damage.num_errors > 0
        if self._is_strict and self._is_careful:
            self._become_lenient(run)

    def _become_lenient(self, run: _Run) -> None:
        """Open the file again for a decoder that conceals errors; the run has to start over."""
        self._is_strict, self._is_careful = False, True
        self._source.close()
        self._source = PacketSource(self._index)
        self._ready.clear()
        run.is_void = run.ended = True

    def _prepare(self, run: _Run, packet: Any, wanted: set[int], last: int) -> None:
        """Note what a packet means for damage, and set whether its frame may be left out."""
        if packet.pts is None:
            # After a seek into a damaged file, a packet may lack the time that it had in the scan. Its frame has no
            # time either, and is dropped.
            run.damage.feed_nameless(is_corrupt=packet.is_corrupt)
            self._set_skipping(False)
            return
        is_start = False
        if packet.is_keyframe:
            passed = self._source.keyframe_passed(packet)
            run.keyframe = max(run.keyframe, passed)
            is_start = passed >= 0 and packet.pts == self._index.keyframe_pts[passed]
        run.damage.feed(packet.pts, is_keyframe=is_start, is_corrupt=packet.is_corrupt)
        skip = self._may_skip and not packet.is_keyframe and packet.pts not in wanted and packet.pts < last
        skip = skip and is_nonref(self._codec, self._decoder.extradata, bytes(memoryview(packet)[:_HEAD]))
        if skip:
            run.skipped.add(packet.pts)
            run.has_skipped = True
        self._set_skipping(skip)

    def _set_skipping(self, skip: bool) -> None:
        mode = "NONREF" if skip else "DEFAULT"
        if mode != self._skip_mode:
            self._decoder.skip_frame = self._skip_mode = mode

    def _start_at(self, keyframe: int) -> _Run:
        """Go to a keyframe: the next packet that is decoded is its own."""
        self._ready.clear()
        self._early.clear()
        self._run = None
        self._aspects.restart()
        self._source.start_at(keyframe)
        self._decoder = self._source.decoder
        if self._is_strict and not self._decoder.is_open:
            self._decoder.options = {"err_detect": "explode"}
        self._decoder.skip_frame = self._skip_mode = "DEFAULT"
        damage = Damage(int(self._index.keyframe_pts[keyframe]))
        self._run = _Run(started=keyframe, keyframe=keyframe, damage=damage)
        return self._run

    def _lost(self, run: _Run, index: int, next_pts: int | None) -> DecodeError:
        pts = self._index.pts
        end = len(pts) if next_pts is None else int(np.searchsorted(pts, next_pts))
        stop = index + 1
        while stop < end and int(pts[stop]) not in run.skipped:
            stop += 1
        return self._index.error(
            f"the decoder does not output frame {index} ({self._index.seconds_of(index):.3f} s) of "
            f"{self._index.path}: the file is damaged there, {stop - index} frame(s) lost; "
            f"reading can continue at frame {stop}",
            lost=range(index, stop),
        )
