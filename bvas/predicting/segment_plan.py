"""Plan of the segments of a video: which this process computes, and in which jobs."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal

SegmentState = Literal["done", "claimed", "free"]
"""`claimed`: another process computes it now."""


def own_runs(states: Sequence[SegmentState]) -> list[range]:
    """Return the runs of free segments that this process computes, long ones first.

    Where another process is at the segment before a run, it continues into the run: the second half is taken, and it
    finds that claimed. So any number of processes, which come and go, divide a video with few cuts.
    """
    runs = []
    for state, group in groupby(range(len(states)), key=lambda number: states[number]):
        members = list(group)
        first, stop = members[0], members[-1] + 1
        if state == "free":
            is_approached = first > 0 and states[first - 1] == "claimed"
            runs.append(range((first + stop) // 2 if is_approached else first, stop))
    return sorted(runs, key=len, reverse=True)


def jobs_of(runs: Sequence[range], num_workers: int) -> Iterator[range]:
    """Yield jobs of consecutive segments, long ones first, so that all workers end at about one time.

    A single worker takes whole runs, and decodes nothing twice.
    """
    num_left = sum(map(len, runs))
    for run in runs:
        while run:
            most = num_left if num_workers == 1 else max(1, 2 * num_left // (3 * num_workers))
            yield run[:most]
            num_left -= len(run[:most])
            run = run[most:]
