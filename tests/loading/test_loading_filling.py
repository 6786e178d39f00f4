"""Slots: who has them, and that all of them come back."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bvas.loading.clip_requests import ClipRequest
from bvas.loading.read_jobs import Clip, ReadJob, ReadResult
from bvas.loading.skip_policy import SkipPolicy
from bvas.loading.slot_filling import SlotFiller

NOTHING = np.empty(0, dtype=np.int64)


class OneWorker:
    """A runner whose worker begins the first job of the queue, and may die at it."""

    def __init__(self):
        self.queue = []
        self.begun = None

    def submit(self, jobs, *, first=False):
        self.queue[:] = [*jobs, *self.queue] if first else [*self.queue, *jobs]

    def begin(self):
        self.begun = self.queue.pop(0)

    def die(self):
        self.queue.insert(0, self.begun)
        self.begun = None

    def next_result(self, *, idle):
        job, self.begun = self.begun or self.queue.pop(0), None
        return ReadResult(job.job_id)

    def cancel(self, *, idle):
        jobs, self.queue = self.queue, []
        return jobs


def order(num_clips):
    clips = [Clip(sample, ClipRequest(0, 0, NOTHING, NOTHING, 0)) for sample in range(num_clips)]
    return SimpleNamespace(jobs=iter([ReadJob(Path("a.mp4"), (clip,)) for clip in clips]))


@pytest.mark.parametrize("dies_in", ["its own epoch", "the next epoch", "no epoch"])
def test_the_slots_of_a_job_whose_worker_died_are_used_again(dies_in):
    runner = OneWorker()
    filler = SlotFiller(runner, 2, SkipPolicy("raise", 0.0))
    for _ in range(4):  # epochs that are broken off, more than there are slots
        filler.begin(order(3), 3)
        runner.begin()
        if dies_in == "its own epoch":
            runner.die()
        filler.abandon()
        if dies_in == "no epoch":
            runner.die()
        filler.begin(order(3), 3)
        if dies_in == "the next epoch":
            runner.die()
        filler.abandon()

    filler.begin(order(4), 4)
    slots = set()
    for samples in ([0, 1], [2, 3]):
        slots |= {clip.slot for clip in filler.wait_for(samples)}
        filler.release(samples)
    assert slots == {0, 1}
