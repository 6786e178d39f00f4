"""Changes to finished files: packets moved, joined, dropped or overwritten, boxes and ends cut."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from sample import Edit, Make
from video_samples import remux

TS_PACKET = 188


def copied(change: Callable[[int, Any], Any], **container_options: str) -> Edit:
    """Its packets one by one after `change(number, packet)`; see `remux`."""
    return lambda source, target: remux(source, target, change, container_options)


def moved(ticks: int, **container_options: str) -> Edit:
    """All of its times moved by ticks of its time base."""

    def move(_: int, packet: Any) -> None:
        packet.pts += ticks
        packet.dts += ticks

    return copied(move, avoid_negative_ts="disabled", **container_options)


def shown_earlier(ticks: int) -> Edit:
    """An mp4 whose frames are shown earlier than they are decoded, which muxers refuse to write.

    Its table of differences between the two times (ISO/IEC 14496-12, 8.6.1.3) is altered in place.
    """

    def alter(source: Path, target: Path) -> None:
        data = bytearray(source.read_bytes())
        # Type, then a version (1: differences have a sign) and flags, the count, and pairs of 32 bits.
        table = data.index(b"ctts") + 4
        data[table] = 1
        num_pairs = int.from_bytes(data[table + 4 : table + 8], "big")
        for place in range(table + 12, table + 8 + 8 * num_pairs, 8):
            difference = int.from_bytes(data[place : place + 4], "big", signed=True) - ticks
            data[place : place + 4] = difference.to_bytes(4, "big", signed=True)
        target.write_bytes(data)

    return alter


def hidden(*numbers: int) -> Edit:
    """A VP8 video of which some frames are decoded and not shown (RFC 6386, 9.1: show_frame is bit 4)."""

    def hide(source: Path, target: Path) -> None:
        data = bytearray(source.read_bytes())
        with av.open(str(source)) as container:
            packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
        for number in numbers:
            data[data.index(packets[number])] &= ~0x10
        target.write_bytes(data)

    return hide


def stamped(rate: int) -> Edit:
    """The packets of a bare stream without B-frames, in a container and at an even rate."""

    def stamp(source: Path, target: Path) -> None:
        with av.open(str(source)) as old, av.open(str(target), "w") as new:
            stream = new.add_stream_from_template(old.streams.video[0])
            for number, packet in enumerate(old.demux(old.streams.video[0])):
                if packet.size:
                    packet.stream, packet.time_base = stream, Fraction(1, rate)
                    packet.pts = packet.dts = number
                    packet.duration = 1
                    new.mux(packet)

    return stamp


def sharing_a_time(first: int, last: int, ticks: int) -> Edit:
    """The frames from `first` to `last` get the time of `last`; `ticks` are those of one frame."""

    def share(_: int, packet: Any) -> None:
        if first * ticks <= packet.pts < last * ticks:
            packet.pts = last * ticks

    return copied(share)


def from_keyframe(number: int, **container_options: str) -> Edit:
    """Without all that lies before its keyframe of this number, counted from 0, in the file."""
    seen = 0

    def drop(place: int, packet: Any) -> bool:
        nonlocal seen
        seen = (0 if place == 0 else seen) + packet.is_keyframe
        return seen > number

    return copied(drop, **container_options)


def all_marked_as_keyframes(source: Path, target: Path) -> None:
    """As muxers write it that know nothing of keyframes."""

    def mark(_: int, packet: Any) -> None:
        packet.is_keyframe = True

    remux(source, target, mark)


def cut(start: float, stop: float) -> Edit:
    """A part of its bytes, from one fraction of its length to another; in a TS, whole TS packets."""

    def take(source: Path, target: Path) -> None:
        data = source.read_bytes()
        step = TS_PACKET if source.suffix == ".ts" else 1
        first, last = (int(len(data) // step * end) * step for end in (start, stop))
        target.write_bytes(data[first:last])

    return take


def joined(second: Make) -> Edit:
    """Its bytes, then those of another file of its kind."""

    def join(source: Path, target: Path) -> None:
        other = source.with_stem("second")
        second(other)
        target.write_bytes(source.read_bytes() + other.read_bytes())

    return join


def joined_flv(second: Make, milliseconds: int) -> Edit:
    """Its tags, then those of another FLV from a time on: the headers beside the stream change with its first."""

    def join(source: Path, target: Path) -> None:
        other = source.with_stem("second")
        second(other)
        data = source.read_bytes()
        # The end of the video is said by a tag of its own (type 9, AVC, end of sequence).
        tags = [tag for tag in _flv_tags(data) if not (tag[0] == 9 and tag[11] & 15 == 7 and tag[12] == 2)]
        tags += [_later(tag, milliseconds) for tag in _flv_tags(other.read_bytes()) if tag[0] == 9]
        target.write_bytes(data[:13] + b"".join(tag + len(tag).to_bytes(4, "big") for tag in tags))

    return join


def _flv_tags(data: bytes) -> Iterator[bytes]:
    """Tags of an FLV behind its head of 13 bytes: type, 24-bit size, time, 24 bits of 0, then what it holds."""
    place = 13
    while place + 11 < len(data):
        size = 11 + int.from_bytes(data[place + 1 : place + 4], "big")
        yield data[place : place + size]
        place += size + 4


def _later(tag: bytes, milliseconds: int) -> bytes:
    # Of the 32 bits of a time the upper 8 come last.
    time = (int.from_bytes(tag[7:8] + tag[4:7], "big") + milliseconds).to_bytes(4, "big")
    return tag[:4] + time[1:] + time[:1] + tag[8:]


def filtered(name: str) -> Edit:
    """Its packets through one of FFmpeg's bitstream filters, such as `hevc_metadata=crop_top=8`."""

    def pass_through(source: Path, target: Path) -> None:
        with av.open(str(source)) as old, av.open(str(target), "w") as new:
            stream = old.streams.video[0]
            copy = new.add_stream_from_template(stream)
            bitstream_filter = av.BitStreamFilterContext(name, stream, copy)
            for packet in old.demux(stream):
                for changed in bitstream_filter.filter(packet if packet.dts is not None else None):
                    changed.stream = copy
                    new.mux(changed)

    return pass_through


def with_audio(source: Path, target: Path) -> None:
    """Its video beside a noise that begins earlier and lasts longer."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        video = new.add_stream_from_template(old.streams.video[0])
        audio = new.add_stream("aac", rate=16000)
        rng = np.random.default_rng(0)
        for number in range(50):
            noise = rng.uniform(-0.1, 0.1, (1, 1024)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(noise, "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 16000, number * 1024, Fraction(1, 16000)
            new.mux(audio.encode(frame))
        new.mux(audio.encode(None))
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = video
                new.mux(packet)


def audio_only(path: Path) -> None:
    """A second of silence."""
    with av.open(str(path), "w") as container:
        audio = container.add_stream("aac", rate=16000)
        for number in range(16):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 16000, number * 1024, Fraction(1, 16000)
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))


def overwritten(seed: int, *, num_packets: int, num_bytes: int) -> Edit:
    """Some bytes in some packets replaced by others, drawn by the seed; the first packet is spared."""

    def overwrite(source: Path, target: Path) -> None:
        rng = np.random.default_rng(seed)
        data = bytearray(source.read_bytes())
        places = _packet_places(source)[1:]
        for number in sorted(rng.choice(len(places), num_packets, replace=False).tolist()):
            position, size = places[number]
            for offset in rng.integers(8, max(size, 9), num_bytes).tolist():
                if offset < size:
                    data[position + offset] ^= int(rng.integers(1, 256))
        target.write_bytes(data)

    return overwrite


def blotted(numbers: Sequence[int]) -> Edit:
    """The inside of the packets of these numbers, in the order of the file, replaced by ones."""

    def blot(source: Path, target: Path) -> None:
        data = bytearray(source.read_bytes())
        places = _packet_places(source)
        for position, size in (places[number] for number in numbers):
            data[position + 4 : position + size] = b"\xff" * (size - 4)
        target.write_bytes(data)

    return blot


def without_ts_packets(seed: int, *, num_losses: int, length: int) -> Edit:
    """A TS of which runs of its packets were never received."""

    def lose(source: Path, target: Path) -> None:
        data = source.read_bytes()
        count = len(data) // TS_PACKET
        rng = np.random.default_rng(seed)
        # The first tenth holds the tables and the first keyframe.
        starts = rng.integers(count // 10, count - length, num_losses)
        lost = {place for start in starts.tolist() for place in range(start, start + length)}
        kept = [data[place * TS_PACKET :][:TS_PACKET] for place in range(count) if place not in lost]
        target.write_bytes(b"".join(kept))

    return lose


def _packet_places(path: Path) -> list[tuple[int, int]]:
    """(first byte, bytes) of its packets, in the order of the file."""
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.video[0])
        return [(packet.pos, packet.size) for packet in packets if packet.size]
