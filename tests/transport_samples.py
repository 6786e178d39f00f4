"""Transport streams put together from parts, and what is needed to break them."""

from pathlib import Path

import av
from video_samples import make_video

PACKET = 188


def make_part(
    path: Path, first_number: int, *, pid: int = 0x100, map_pid: int = 0x1000, start: float = 0.0, **coding
) -> Path:
    """A transport stream of 30 numbered frames with its video and its program map in packets of these PIDs."""
    options = {"mpegts_start_pid": str(pid), "mpegts_pmt_start_pid": str(map_pid)}
    if start:
        options["output_ts_offset"] = str(start)
    coding.setdefault("num_frames", 30)
    return make_video(path, first_number=first_number, container_options=options, **coding)


def joined(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def playlist(path: Path, *pieces: Path) -> Path:
    """An HLS playlist of pieces beside it, each behind a discontinuity."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:2"]
    for number, piece in enumerate(pieces):
        lines += ["#EXT-X-DISCONTINUITY"] * (number > 0) + ["#EXTINF:1.2,", piece.name]
    path.write_text("\n".join([*lines, "#EXT-X-ENDLIST", ""]))
    return path


def without_packet(path: Path, target: Path, *, place: int) -> int:
    """Leave out one packet of the last keyframe, 0 the first and -1 the last; return its number in decoding order."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(container.streams.video[0]) if packet.size]
    frame = max(number for number, packet in enumerate(packets) if packet.is_keyframe)
    data = path.read_bytes()
    start, stop = packets[frame].pos, packets[frame + 1].pos
    own = [here for here in range(start, stop, PACKET) if _pid(data, here) == _pid(data, start)]
    assert len(own) > 3
    target.write_bytes(data[: own[place]] + data[own[place] + PACKET :])
    return frame


def _pid(data: bytes, place: int) -> int:
    return (data[place + 1] & 31) << 8 | data[place + 2]
