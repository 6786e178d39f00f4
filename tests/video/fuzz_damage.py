"""Ways to damage a video file. The same file, kind and seed always give the same copy."""

import struct
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

TS_PACKET = 188
KINDS = (
    "flipped",
    "headers_flipped",
    "headers_extreme",
    "payload_flipped",
    "payload_zeroed",
    "stretch_zeroed",
    "start_cut",
    "middle_cut",
    "end_cut",
    "units_moved",
)
# These alter the coded pictures only: no header of the container, no time.
PAYLOAD_KINDS = ("payload_flipped", "payload_zeroed")

_MP4_PARENTS = (b"moov", b"trak", b"edts", b"mdia", b"minf", b"dinf", b"stbl", b"moof", b"traf", b"mvex")
# Segment, Tracks, TrackEntry, Video, Cues, CuePoint, CueTrackPositions, Cluster, BlockGroup.
_EBML_PARENTS = (0x18538067, 0x1654AE6B, 0xAE, 0xE0, 0x1C53BB6B, 0xBB, 0xB7, 0x1F43B675, 0xA0)
_EXTREMES = (0, 1, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, 2**64 - 1)

Span = tuple[int, int]


def damage(source: Path, kind: str, seed: int) -> bytes:
    """The bytes of a damaged copy of `source`."""
    rng = np.random.default_rng([seed, KINDS.index(kind), *source.name.encode()])
    data = bytearray(source.read_bytes())
    payload = payload_spans(source)
    if kind == "flipped":
        _flip(data, rng, [(0, len(data))], most=200)
    elif kind == "headers_flipped":
        _flip(data, rng, _between(payload, len(data)), most=30)
    elif kind == "headers_extreme":
        _set_extremes(data, rng, _between(payload, len(data)))
    elif kind == "payload_flipped":
        _flip(data, rng, payload, most=200)
    elif kind == "payload_zeroed":
        for start, stop in _some(rng, payload, most=4):
            first, last = sorted(rng.integers(start, stop + 1, 2))
            data[first:last] = bytes(last - first)
    elif kind == "stretch_zeroed":
        start, stop = _stretch(rng, len(data))
        data[start:stop] = bytes(stop - start)
    elif kind == "start_cut":
        del data[: 1 + int(len(data) * rng.random() ** 3)]
    elif kind == "middle_cut":
        start, stop = _stretch(rng, len(data))
        del data[start:stop]
    elif kind == "end_cut":
        del data[int(len(data) * rng.random()) :]
    else:
        data = _move_units(data, rng)
    return bytes(data)


def payload_spans(path: Path) -> list[Span]:
    """Where in a file the coded pictures lie, ascending."""
    data = path.read_bytes()
    if path.suffix == ".ts":
        return list(_ts_payload(data))
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(container.streams.video[0])]
    spans, place = [], 0
    for packet in filter(None, packets):
        # The first or the last bytes of a packet may be libav's own addition (parameter sets in Annex B).
        place = data.index(packet, place)
        spans.append((place, place + len(packet)))
        place += len(packet)
    return spans


def packet_extents(path: Path) -> list[tuple[Span, int, bool]]:
    """(bytes from this packet to the next, its time, whether it is a keyframe) in the order of the file."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(container.streams.video[0]) if packet.size]
        stops = [packet.pos for packet in packets[1:]] + [path.stat().st_size]
        return [
            ((packet.pos, stop), packet.pts, packet.is_keyframe)
            for packet, stop in zip(packets, stops, strict=True)
        ]


def _ts_payload(data: bytes) -> Iterator[Span]:
    """Inside of the TS packets that carry on a picture, without those that begin one or are stuffed."""
    for place in range(0, len(data), TS_PACKET):
        flags, ident, control = (
            data[place + 1],
            data[place + 1] << 8 & 0x1F00 | data[place + 2],
            data[place + 3],
        )
        if ident == 0x100 and not flags & 0x40 and control & 0x30 == 0x10:
            yield place + 4, place + TS_PACKET


def _between(spans: list[Span], size: int) -> list[Span]:
    edges = [0, *(edge for span in spans for edge in span), size]
    return [(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True) if stop > start]


def _places(rng: np.random.Generator, spans: list[Span], count: int) -> list[int]:
    ends = np.cumsum([stop - start for start, stop in spans])
    offsets = rng.integers(0, ends[-1], count)
    ranks = np.searchsorted(ends, offsets, side="right")
    return [int(spans[rank][1] - (ends[rank] - offset)) for rank, offset in zip(ranks, offsets, strict=True)]


def _flip(data: bytearray, rng: np.random.Generator, spans: list[Span], *, most: int) -> None:
    # As often few as many.
    count = round(most ** rng.random())
    for place in _places(rng, spans, count):
        data[place] ^= 1 << int(rng.integers(8)) if rng.random() < 0.5 else int(rng.integers(1, 256))


def _set_extremes(data: bytearray, rng: np.random.Generator, spans: list[Span]) -> None:
    """Overwrite numbers in headers: sizes, counts, times, dimensions."""
    for place in _places(rng, spans, int(rng.integers(1, 4))):
        value = int(rng.choice(np.array(_EXTREMES, np.uint64)))
        code = rng.choice([code for code in ("B", "H", "I", "Q") if value < 256 ** struct.calcsize(code)])
        number = struct.pack(("<" if rng.random() < 0.3 else ">") + code, value)
        data[place : place + len(number)] = number[: len(data) - place]


def _stretch(rng: np.random.Generator, size: int) -> Span:
    length = 1 + int(size / 3 * rng.random() ** 3)
    start = int(rng.integers(0, size - length + 1))
    return start, start + length


def _some(rng: np.random.Generator, spans: list[Span], *, most: int) -> list[Span]:
    return [spans[rank] for rank in rng.integers(0, len(spans), rng.integers(1, most + 1))]


def _move_units(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Swap, repeat or leave out a box, element, chunk or TS packet among its siblings."""
    groups = [group for group in _sibling_units(bytes(data)) if len(group) > 1]
    group = groups[rng.integers(len(groups))]
    units = [bytes(data[start:stop]) for start, stop in group]
    for _ in range(int(rng.integers(1, 4))):
        one, other = rng.integers(0, len(units), 2)
        match rng.choice(["swap", "repeat", "drop", "reverse"]):
            case "swap":
                units[one], units[other] = units[other], units[one]
            case "repeat":
                units.insert(other, units[one])
            case "drop" if len(units) > 1:
                del units[one]
            case "reverse":
                units[min(one, other) : max(one, other) + 1] = units[min(one, other) : max(one, other) + 1][
                    ::-1
                ]
    return bytearray(data[: group[0][0]] + b"".join(units) + data[group[-1][1] :])


def _sibling_units(data: bytes) -> list[list[Span]]:
    """Groups of adjoining units of one level."""
    if data[:4] == b"\x1a\x45\xdf\xa3":
        parse = _ebml_element
    elif data[:4] == b"RIFF":
        parse = _riff_chunk
    elif data[4:8] == b"ftyp":
        parse = _mp4_box
    else:
        return [[(place, place + TS_PACKET) for place in range(0, len(data) - TS_PACKET + 1, TS_PACKET)]]
    groups, todo = [], [(0, len(data))]
    while todo:
        place, end = todo.pop()
        group = []
        while place < end:
            body, stop, is_parent = parse(data, place)
            group.append((place, stop))
            if is_parent:
                todo.append((body, stop))
            place = stop
        groups.append(group)
    return groups


def _mp4_box(data: bytes, place: int) -> tuple[int, int, bool]:
    size, kind = struct.unpack_from(">I4s", data, place)
    return place + 8, place + size, kind in _MP4_PARENTS


def _riff_chunk(data: bytes, place: int) -> tuple[int, int, bool]:
    kind, size = struct.unpack_from("<4sI", data, place)
    is_parent = kind in (b"RIFF", b"LIST")
    return place + (12 if is_parent else 8), place + 8 + size + size % 2, is_parent


def _ebml_element(data: bytes, place: int) -> tuple[int, int, bool]:
    id_width = 9 - data[place].bit_length()
    size_width = 9 - data[place + id_width].bit_length()
    body = place + id_width + size_width
    size = int.from_bytes(data[place + id_width : body], "big") - (1 << 7 * size_width)
    ident = int.from_bytes(data[place : place + id_width], "big")
    is_unknown = size == (1 << 7 * size_width) - 1
    return body, len(data) if is_unknown else body + size, ident in _EBML_PARENTS
