"""Stretches of videos joined in one file without encoding their pictures again.

Packets are copied from a keyframe on that stands alone (IDR), so a stretch grows at its begin. It ends with the first
packet up to which the packets hold frames in a row, which may add some at its end. The sound is encoded once more:
its packets do not end where pictures do.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.video.container.coded_packets import nal_kind, nal_units, parameter_sets
from bvas.video.decode.packet_seek import PacketSource
from bvas.video.encode.copied_frames import check_times
from bvas.video.encode.encoder import EncodedFile
from bvas.video.encode.joined_sound import JoinedSound
from bvas.video.encode.stretches import SourceVideo, Stretch, WrittenFile, WrittenStretch
from bvas.video.index.frame_table import VideoIndex

# NAL units of pictures behind which nothing refers to what came before (ITU-T H.264, 7.4.1; H.265, 7.4.2.2).
_ALONE = {"h264": range(5, 6), "hevc": range(16, 21)}
# Types of pictures among the NAL units, and of the headers that they need.
_PICTURES = {"h264": range(1, 6), "hevc": range(32)}
_HEADERS = {"h264": range(7, 9), "hevc": range(32, 35)}
_REMEDY = "leave out --copy to encode the cuts, which takes any video and is exact to the frame"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CopiedStretch:
    """Packets that are copied for one or more stretches."""

    source: SourceVideo
    frames: range
    """All frames that they hold."""
    asked: tuple[range, ...]
    """The frames that are wanted."""
    keyframe: int
    """Number of the keyframe that they begin with."""
    pts: NDArray[np.int64]
    """Their times in the video, in the order of decoding."""


def plan_copied(stretches: Sequence[Stretch], *, joined: bool) -> list[CopiedStretch]:
    """Find the packets of stretches.

    Args:
        stretches: All of one file, in order.
        joined: Join stretches whose packets overlap or touch.

    Raises:
        ConfigError: a video cannot be copied, or does not go together with the first; the message has the remedy.
    """
    first = stretches[0].source
    planned: list[CopiedStretch] = []
    sources = list(dict.fromkeys(one.source for one in stretches))
    for source in sources:
        _check_together(source, first)
    for source in sources:
        with closing(PacketSource(source.index)) as packets:
            for one in (one for one in stretches if one.source is source):
                found = _planned(source, packets, one.frames, (one.frames,))
                while joined and planned and _meets(planned[-1], found):
                    before = planned.pop()
                    frames = range(before.frames.start, max(before.frames.stop, found.frames.stop))
                    found = _planned(source, packets, frames, (*before.asked, *found.asked))
                planned.append(found)
    return planned


def write_copied(
    file: EncodedFile,
    planned: Sequence[CopiedStretch],
    time_base: Fraction,
    *,
    progress: Callable[[int], None] | None = None,
) -> WrittenFile:
    """Copy packets, finish the file and check its times; the caller publishes it.

    Args:
        file: Made with the video stream of the first source, and this time base.
        planned: What it holds, in order.
        time_base: Seconds of a tick of the file.
        progress: Called with the frames done.

    Raises:
        DataError: the disk is full, or the times of the file came out wrong.
    """
    begins = [Fraction(0)]
    for one in planned:
        begins.append(begins[-1] + _start(one, one.frames.stop) - _start(one, one.frames.start))
    # Times in the file, in ticks and in the order of decoding.
    shown = np.concatenate(
        [
            [
                round((begin + (int(pts) - int(one.pts[0])) * one.source.index.time_base) / time_base)
                for pts in one.pts
            ]
            for one, begin in zip(planned, begins, strict=False)
        ]
    ).astype(np.int64)
    decoded = _decoding_times(shown)
    with ExitStack() as stack:
        sound = stack.enter_context(JoinedSound(dict.fromkeys(one.source for one in planned)))
        sound.add_to(file)
        done = 0
        for one, begin, end in zip(planned, begins, begins[1:], strict=False):
            sound.add(one.source, _start(one, one.frames.start), begin, end)
            for packet in _packets(one):
                index = one.source.index
                frame = int(np.searchsorted(index.pts, packet.pts))
                packet.time_base = time_base
                packet.pts, packet.dts = int(shown[done]), int(decoded[done])
                packet.duration = round(index.ticks_of(frame) * index.time_base / time_base)
                file.add_packet(packet)
                sound.write_until(float(decoded[done] * time_base), file)
                done += 1
                if progress is not None:
                    progress(done)
            sound.write_until(float(end), file)
        file.finish()
    check_times(
        file.part, np.sort(shown).astype(np.float64) * float(time_base), planned[0].source.index, "cut"
    )
    return WrittenFile(
        path=file.path,
        num_frames=done,
        duration_seconds=float(begins[-1]),
        has_sound=sound.is_there,
        stretches=tuple(
            WrittenStretch(
                source=one.source,
                frames=one.frames,
                asked=one.asked,
                begin_seconds=float(begin),
                end_seconds=float(end),
            )
            for one, begin, end in zip(planned, begins, begins[1:], strict=False)
        ),
    )


def _start(one: CopiedStretch, boundary: int) -> Fraction:
    return one.source.seconds_at(boundary)


def _decoding_times(shown: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ascending times of decoding, none behind the time of its frame: the times of frames, some frames late."""
    ordered = np.sort(shown)
    ranks = np.searchsorted(ordered, shown)
    delay = int((np.arange(len(shown)) - ranks).max())
    step = int(np.diff(ordered).min()) if len(shown) > 1 else 1
    return np.concatenate([ordered[0] - step * np.arange(delay, 0, -1), ordered[: len(shown) - delay]])


def _meets(before: CopiedStretch, found: CopiedStretch) -> bool:
    return before.source is found.source and found.frames.start <= before.frames.stop


def _packets(one: CopiedStretch) -> Iterator[Any]:
    """Yield the packets of a stretch."""
    wanted = set(one.pts.tolist())
    with closing(PacketSource(one.source.index)) as source:
        source.start_at(one.keyframe)
        while wanted:
            packet = source.next_packet()
            if packet is None:
                raise one.source.index.error(
                    f"{one.source.index.path} ends earlier than before; did it change while it was copied?"
                )
            if packet.pts in wanted:
                wanted.remove(packet.pts)
                yield packet


def _planned(
    source: SourceVideo, packets: PacketSource, frames: range, asked: tuple[range, ...]
) -> CopiedStretch:
    for keyframe in range(source.index.keyframe_of(frames.start), -1, -1):
        found = _from_keyframe(source, packets, keyframe, frames.stop, asked)
        if found is not None:
            return found
    raise ConfigError(
        f"{source.index.path.name} has no keyframe that stands alone at or before frame {frames.start} (its groups of "
        f"pictures are open, so packets need those before them); {_REMEDY}"
    )


def _from_keyframe(
    source: SourceVideo, packets: PacketSource, keyframe: int, stop: int, asked: tuple[range, ...]
) -> CopiedStretch | None:
    """Return the packets from a keyframe up to frame `stop` or a little further; None where it does not stand alone."""
    index = source.index
    first = int(np.searchsorted(index.pts, index.keyframe_pts[keyframe]))
    if first == index.num_frames or index.pts[first] != index.keyframe_pts[keyframe]:
        return None
    packets.start_at(keyframe)
    pts: list[int] = []
    last = first - 1
    while True:
        packet = packets.next_packet()
        frame = -1 if packet is None or packet.pts is None else _frame_of(index, packet.pts)
        if not pts and (packet is None or not _stands_alone(source.info.codec, packets, packet)):
            return None
        if frame < 0:
            if packet is not None and packet.pts is not None and packet.pts < index.pts[0]:
                # It leads the first keyframe of the file, and is not shown.
                continue
            raise ConfigError(
                f"{index.path.name} has packets near frame {last} that show no frame; {_REMEDY}"
            )
        if frame < first:
            return None
        if packet.is_keyframe and not _has_headers_of_the_start(source.info.codec, packets, packet):
            raise ConfigError(
                f"{index.path.name} cannot be copied: its coding changes at frame {frame}; {_REMEDY}"
            )
        pts.append(int(packet.pts))
        last = max(last, frame)
        if last + 1 >= stop and last + 1 - first == len(pts):
            return CopiedStretch(
                source=source,
                frames=range(first, last + 1),
                asked=asked,
                keyframe=keyframe,
                pts=np.array(pts),
            )


def _frame_of(index: VideoIndex, pts: int) -> int:
    """Return the frame that is shown at a time; -1 for none."""
    frame = int(np.searchsorted(index.pts, pts))
    return frame if frame < index.num_frames and index.pts[frame] == pts else -1


def _stands_alone(codec: str, packets: PacketSource, packet: Any) -> bool:
    units = nal_units(codec, packets.extradata, bytes(packet))
    kinds = (nal_kind(codec, unit) for unit in units)
    return next((kind for kind in kinds if kind in _PICTURES[codec]), -1) in _ALONE[codec]


def _has_headers_of_the_start(codec: str, packets: PacketSource, packet: Any) -> bool:
    """Return whether a packet needs no other headers than those beside the stream, which the file gets."""
    beside = packets.decoder.extradata
    known = {unit.rstrip(b"\0") for unit in nal_units(codec, None, parameter_sets(codec, beside))}
    within = nal_units(codec, packets.extradata, bytes(packet))
    new = {unit.rstrip(b"\0") for unit in within if nal_kind(codec, unit) in _HEADERS[codec]}
    return bytes(packets.extradata or b"") == bytes(beside or b"") and new <= known


def _check_together(source: SourceVideo, first: SourceVideo) -> None:
    """Refuse a video whose packets cannot be copied behind those of the first.

    Raises:
        ConfigError: names it, and the remedy.
    """
    index, info = source.index, source.info
    reason = ""
    if info.codec not in _ALONE:
        reason = f"it is {info.codec}, and packets of {' and '.join(_ALONE)} can be copied"
    elif index.decode_order:
        reason = "its frames have no times of their own"
    elif index.gradual_refresh:
        reason = "it has keyframes that do not begin with a whole picture"
    elif info.changes_headers:
        reason = "its coding changes within the file"
    elif _coding_of(source) != _coding_of(first):
        reason = f"it is coded otherwise than {first.index.path.name}"
    if reason:
        raise ConfigError(f"{index.path.name} cannot be copied: {reason}; {_REMEDY}")


def _coding_of(source: SourceVideo) -> tuple[object, ...]:
    info = source.info
    container, stream = source.index.open()
    with closing(container):
        headers = bytes(stream.codec_context.extradata or b"")
    shape = info.stored_size, info.sample_aspect, info.rotation, info.mirrored
    return info.codec, headers, *shape, info.color_range, info.color
