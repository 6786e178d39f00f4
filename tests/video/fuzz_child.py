"""Read damaged copies of one video in a process of its own, so that a crash or a hang is seen from outside.

    PYTHONPATH=tests python tests/video/fuzz_child.py SOURCE FOLDER BACKEND KIND:SEED...

For each copy a line `begin KIND:SEED` goes to stdout, then, when it is done with, one line of JSON.
"""

import faulthandler
import json
import resource
import sys
import time
import traceback
from collections.abc import Iterator
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
    seconds: float = 0.0
    grown_mib: int = 0


class Source:
    """The undamaged video: its pictures, their times, and where its packets lie."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path.read_bytes()
        with open_video(path, backend="pyav", cache=False) as reader:
            self.pts = reader.index.pts
            self.seconds = reader.index.seconds + reader.info.start_seconds
            lumas = [luma.tobytes() for _, batch in reader.stream() for luma in batch]
        self.numbers = {luma: number for number, luma in enumerate(lumas)}
        assert len(self.numbers) == len(lumas) == len(self.pts)
        self.packets = packet_extents(path)

    def untouched(self, copy: bytes) -> tuple[set[int], set[int]]:
        """Frames (that must come out right, that must come out) of a copy with damaged payload.

        Right are those of which the keyframe interval and the one before, to which leading pictures refer,
        are as they were. A decoder may leave out the last of them if the keyframe behind them is damaged.
        """
        interval_of, touched, interval = {}, set(), -1
        for (start, stop), pts, is_keyframe in self.packets:
            interval += is_keyframe
            if self.data[start:stop] != copy[start:stop]:
                touched.add(interval)
            number = int(np.searchsorted(self.pts, pts))
            if number < len(self.pts) and self.pts[number] == pts:
                interval_of[number] = interval
        right = {number for number, i in interval_of.items() if not touched & {i - 1, i}}
        return right, {number for number in right if interval_of[number] + 1 not in touched}


class Checker:
    """Compares what a reader gives of a copy with the source."""

    def __init__(self, source: Source, reader: Any, report: Report, right: set[int]) -> None:
        self._source = source
        self._reader = reader
        self._report = report
        self.right = {}
        """Source frames that must come out right, by index in the copy."""
        for number in right:
            index = int(np.searchsorted(reader.index.pts, source.pts[number]))
            found = index < report.num_frames and reader.index.pts[index] == source.pts[number]
            assert found, f"frame {number} is untouched and not in the index"
            self.right[index] = number

    def picture(self, index: int, luma: np.ndarray) -> None:
        """A picture that is the source's to the byte has to be handed out at the source's time."""
        if index in self._reader.info.damaged:
            assert index not in self.right, f"frame {index} is untouched and listed as damaged"
            return
        shown = self._source.numbers.get(luma.tobytes())
        if index in self.right:
            assert shown == self.right[index], f"frame {index} is untouched and shows {shown}"
        elif shown is not None:
            seconds = self._reader.seconds_of(index) + self._reader.info.start_seconds
            if abs(seconds - self._source.seconds[shown]) > 1e-3:
                self._report.misplaced.append(f"{index} shows {shown}")

    def lost(self, error: DecodeError, start: int) -> None:
        """An error says what is lost, and reading goes on behind it."""
        assert error.lost is not None, f"the error does not say what is lost: {error}"
        assert start <= error.lost.start < error.lost.stop <= self._report.num_frames, (start, error.lost)


def read_copy(source: Source, path: Path, backend: Any, kind: str) -> Report:
    """Open a copy, stream it past its damage, and read frames of it at random."""
    report = Report(copy=path.stem)
    right, present = source.untouched(path.read_bytes()) if kind in PAYLOAD_KINDS else (set(), set())
    if backend == "opencv":
        # It may refuse any file, and give up behind the first error.
        present = set()
    try:
        reader = open_video(path, backend=backend, cache=False)
    except DecodeError:
        assert not present, "refused, although whole intervals are untouched"
        report.outcome = "refused"
        return report
    with reader:
        report.num_frames = reader.info.num_frames
        report.counted = reader.index.decode_order
        checker = Checker(source, reader, report, set() if report.counted else right)
        delivered = set()
        for index, luma in _stream(reader, report, checker):
            delivered.add(index)
            checker.picture(index, luma)
        report.num_delivered = len(delivered)
        assert report.num_delivered + report.num_lost == report.num_frames
        missing = [number for index, number in checker.right.items() if index not in delivered]
        assert not present & set(missing), f"untouched frames are lost: {missing}"
        rng = np.random.default_rng(7)
        for index in rng.integers(0, report.num_frames, _NUM_READS).tolist():
            try:
                luma = read_luma(reader, [index])[0]
            except DecodeError as error:
                checker.lost(error, index)
            else:
                checker.picture(index, luma)
        report.num_damaged = len(reader.info.damaged)
        report.outcome = "partly" if report.num_lost or report.num_damaged else "read"
    return report


def _stream(reader: Any, report: Report, checker: Checker) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (index, luma) of all that can be had, past what cannot."""
    start = 0
    while True:
        try:
            for first, batch in reader.stream(start, batch_size=16):
                assert batch.shape[1:] == reader.size, batch.shape
                assert batch.dtype == np.uint8
                yield from enumerate(batch, first)
        except DecodeError as error:
            checker.lost(error, start)
            report.num_lost += len(error.lost)
            start = error.lost.stop
        else:
            return


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
