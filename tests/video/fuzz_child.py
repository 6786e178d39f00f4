"""Read damaged copies of one video in a process of its own, so that a crash or a hang is seen from outside.

    python tests/video/fuzz_child.py SOURCE FOLDER BACKEND KIND:SEED...

For each copy a line `begin KIND:SEED` goes to stdout, then, when it is done with, one line of JSON.
"""

import faulthandler
import json
import resource
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_damage import PAYLOAD_KINDS, damage, packet_extents
from video_samples import read_luma

from bvas import DecodeError, open_video

DEADLINE_SECONDS = 10
# A stack trace of a copy that takes too long, before the parent ends the process.
_TRACE_SECONDS = 8
_NUM_READS = 8


@dataclass(slots=True)
class Report:
    """What became of one copy."""

    copy: str
    outcome: str = ""
    """`read`, `partly` (frames lost or listed as damaged) or `refused`."""
    failure: str = ""
    """What may not happen; empty where all is well."""
    num_frames: int = 0
    num_delivered: int = 0
    num_lost: int = 0
    num_damaged: int = 0
    counted: bool = False
    misplaced: list[str] = field(default_factory=list)
    """Frames not listed as damaged that are exactly a source frame of another time."""
    unstable: list[int] = field(default_factory=list)
    """Frames not listed as damaged that came out otherwise when read singly than in the stream."""
    seconds: float = 0.0
    grown_mib: int = 0


class Source:
    """The undamaged video: its pictures, their times, and which packets a damaged copy leaves whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path.read_bytes()
        with open_video(path, backend="pyav", cache=False) as reader:
            self.start_seconds = reader.info.start_seconds
            self.seconds = reader.index.seconds + self.start_seconds
            self.lumas = [luma.copy() for _, batch in reader.stream() for luma in batch]
            self.numbers = {luma.tobytes(): number for number, luma in enumerate(self.lumas)}
            self.pts = reader.index.pts.tolist()
        assert len(self.numbers) == len(self.lumas) == len(self.pts)
        self.extents = packet_extents(path)

    def whole_frames(self, copy: bytes) -> list[int]:
        """Frames whose keyframe interval and the one before it are the same bytes in the copy."""
        intervals, touched = [], set()
        for (start, stop), _, is_keyframe in self.extents:
            intervals.append((intervals[-1] if intervals else -1) + is_keyframe)
            if self.data[start:stop] != copy[start:stop]:
                touched.add(intervals[-1])
        return [
            self.pts.index(pts)
            for interval, (_, pts, _) in zip(intervals, self.extents, strict=True)
            if not touched & {interval, interval - 1} and pts in self.pts
        ]


def read_copy(source: Source, path: Path, backend: Any, kind: str) -> Report:
    """Open a copy, stream it past its damage, and read frames of it at random."""
    report = Report(copy=path.stem)
    try:
        reader = open_video(path, backend=backend, cache=False)
    except DecodeError:
        report.outcome = "refused"
        return report
    with reader:
        report.num_frames = reader.info.num_frames
        report.counted = reader.index.decode_order
        streamed = _stream(reader, report)
        damaged = set(reader.damaged)
        rng = np.random.default_rng(7)
        for index in rng.integers(0, reader.info.num_frames, _NUM_READS).tolist():
            try:
                luma = read_luma(reader, [index])[0]
            except DecodeError as error:
                _check_lost(error, index, reader.info.num_frames)
                continue
            if index not in reader.damaged and index in streamed and not np.array_equal(luma, streamed[index]):
                report.unstable.append(index)
            if index not in reader.damaged:
                _check_number(source, reader, index, luma, report)
        damaged |= set(reader.damaged)
        report.num_damaged = len(damaged)
        report.outcome = "partly" if report.num_lost or damaged else "read"
        if kind in PAYLOAD_KINDS and not report.counted:
            _check_whole_frames(source, path, reader, streamed, damaged)
    return report


def _stream(reader: Any, report: Report) -> dict[int, np.ndarray]:
    frames: dict[int, np.ndarray] = {}
    start = 0
    while True:
        try:
            for first, batch in reader.stream(start, batch_size=16):
                assert batch.shape[1:] == reader.size, batch.shape
                assert batch.dtype == np.uint8
                frames.update(enumerate(batch, first))
        except DecodeError as error:
            _check_lost(error, start, reader.info.num_frames)
            report.num_lost += len(error.lost)
            start = error.lost.stop
        else:
            report.num_delivered = len(frames)
            assert report.num_delivered + report.num_lost == reader.info.num_frames
            return frames


def _check_lost(error: DecodeError, start: int, num_frames: int) -> None:
    assert error.lost is not None, f"the error does not say what is lost: {error}"
    assert start <= error.lost.start < error.lost.stop <= num_frames, (start, error.lost, num_frames)


def _check_number(source: Source, reader: Any, index: int, luma: np.ndarray, report: Report) -> None:
    """A picture that is the source's to the byte has to be handed out at the source's time."""
    number = source.numbers.get(luma.tobytes())
    if number is None:
        return
    seconds = reader.index.seconds_of(index) + reader.info.start_seconds
    if abs(seconds - source.seconds[number]) > 1e-3:
        report.misplaced.append(f"{index} shows {number}")


def _check_whole_frames(
    source: Source, path: Path, reader: Any, streamed: dict[int, np.ndarray], damaged: set[int]
) -> None:
    for number in source.whole_frames(path.read_bytes()):
        places = np.flatnonzero(reader.index.pts == source.pts[number])
        assert len(places) == 1, f"frame {number} is untouched and not in the index"
        index = int(places[0])
        assert index in streamed, f"frame {number} is untouched and lost"
        assert index not in damaged, f"frame {number} is untouched and listed as damaged"
        assert np.array_equal(streamed[index], source.lumas[number]), f"frame {number} is untouched and wrong"


def main(source_name: str, folder: str, backend: str, *copies: str) -> None:
    """Read each copy and report it."""
    source = Source(Path(source_name))
    for copy in copies:
        kind, seed = copy.split(":")
        path = Path(folder) / f"{kind}-{seed}{source.path.suffix}"
        path.write_bytes(damage(source.path, kind, int(seed)))
        print("begin", copy, flush=True)
        faulthandler.dump_traceback_later(_TRACE_SECONDS)
        began, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            report = read_copy(source, path, backend, kind)
        except BaseException:  # noqa: BLE001  whatever it is, it is the finding
            report = Report(copy=path.stem, outcome="failed", failure=traceback.format_exc())
        faulthandler.cancel_dump_traceback_later()
        report.copy = copy
        report.seconds = time.perf_counter() - began
        report.grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) // 1024
        print(json.dumps(asdict(report)), flush=True)
        if not report.failure:
            path.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
