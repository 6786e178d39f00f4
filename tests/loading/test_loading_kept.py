"""Clips that are the same in each epoch: read by the workers of another loader, and kept where there is room."""

import time
from dataclasses import replace

import pytest
import torch
from loading_videos import SIZE, clips_every, numbers_in

from bvas.errors import DecodeError
from bvas.loading import in_process_runner as local
from bvas.loading import open_videos
from bvas.loading.epoch_order import EpochOrder
from bvas.loading.job_queue import JobQueue
from bvas.loading.kept_batches import KeptClips
from bvas.loading.loader import ClipLoader
from bvas.loading.rank_shards import Shard
from bvas.loading.slot_counts import spare_clips_for

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def held_out(clips):
    """Clips around every third of 200 frames: 68 of them, 34 of each video."""
    return clips_every(3, clips)


@pytest.fixture(scope="module")
def training(clips):
    with ClipLoader(clips, 4, size=SIZE, workers={"pyav": 2}, spare_clips=12) as loader:
        yield loader


@pytest.fixture
def beside(training, held_out):
    with ClipLoader(held_out, 4, size=SIZE, beside=training) as loader:
        yield loader


def content(batches):
    return [
        (batch.frames.numpy().tobytes(), batch.centers.tolist(), batch.targets.tolist()) for batch in batches
    ]


@pytest.fixture(scope="module")
def expected(held_out):
    """What a loader that reads in this process gives."""
    with ClipLoader(held_out, 4, size=SIZE, workers={}) as loader:
        return content(loader.epoch(0))


def wait_until(is_so, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_loader_beside_another_gives_what_one_of_its_own_gives(beside, training, expected):
    assert beside.process_ids == training.process_ids
    assert content(beside.epoch(0)) == expected
    assert content(beside.epoch(1)) == expected
    # 12 slots of its own, behind those of the other.
    assert beside._num_slots == 12
    assert {slot >= training._num_slots for slot in beside._filler._free} == {True}


def test_both_may_be_under_way_at_a_time(beside, training, expected):
    alone = content(training.epoch(3))

    ours, theirs = beside.epoch(0), training.epoch(3)
    first = [next(ours), next(theirs)]

    assert content([first[0], *ours]) == expected
    assert content([first[1], *theirs]) == alone


def test_kept_clips_are_read_once_and_not_in_this_process(beside, training, expected, monkeypatch):
    def refuse(*_):
        raise AssertionError("decoded in the training process")

    monkeypatch.setattr(local.InProcessRunner, "next_result", refuse)
    monkeypatch.setattr(open_videos.OpenVideos, "read", refuse)
    asked = []
    kept = KeptClips(beside, CPU, lambda num_bytes: asked.append(num_bytes) or CPU)
    before = sum(stats.clips for stats in training.stats.workers.values())

    epochs = [content(kept.epoch(0)) for _ in range(3)]

    assert epochs == [expected] * 3
    # 68 clips of 5 frames of 32 x 128.
    assert asked == [68 * 5 * 32 * 128]
    assert sum(stats.clips for stats in training.stats.workers.values()) - before == 68


def test_clips_without_room_are_read_in_each_epoch(beside, training, expected):
    kept = KeptClips(beside, CPU, lambda num_bytes: None)
    before = sum(stats.clips for stats in training.stats.workers.values())

    kept.prefetch()

    assert [content(kept.epoch(0)) for _ in range(2)] == [expected] * 2
    assert sum(stats.clips for stats in training.stats.workers.values()) - before == 2 * 68


def test_workers_prefetch_while_training_leaves_them_idle(beside, training, expected):
    kept = KeptClips(beside, CPU, lambda num_bytes: CPU)
    steps = training.epoch(0)
    next(steps)

    def is_read():
        kept.prefetch()
        return len(kept._kept) == len(expected)

    # No further batch of training is asked for: its slots are full, and the workers have nothing to do for it.
    wait_until(is_read)
    waited = beside.stats.waiting_seconds
    assert content(kept.epoch(0)) == expected
    assert beside.stats.waiting_seconds == waited
    assert sum(len(batch) for batch in steps) == 26


def test_idle_jobs_go_out_when_there_is_nothing_else_for_a_worker(clips):
    from test_loading_job_queue import job, taken

    def idle(number):
        return replace(job(number), is_idle=True)

    queue = JobQueue(["pyav"])
    queue.put([idle(1), idle(2)])
    queue.put([job(3)])
    assert taken(queue, "pyav-0") == 3
    assert taken(queue, "pyav-0") == 1
    queue.put([job(4)])
    queue.put([idle(5)], first=True)
    assert [taken(queue, "pyav-0") for _ in range(2)] == [4, 5]
    queue.put([job(6)])
    assert [one.job_id for one in queue.cancel()] == [6]
    assert [one.job_id for one in queue.cancel(idle=True)] == [2]


def test_damage_is_raised_and_the_clips_are_read_again_afterwards(make_clips, training):
    bad = make_clips("damaged.mp4")
    with ClipLoader(clips_every(10, bad), 4, size=SIZE, beside=training) as loader:
        kept = KeptClips(loader, CPU, lambda num_bytes: CPU)
        for _ in range(2):
            with pytest.raises(DecodeError, match=r"damaged\.mp4"):
                list(kept.epoch(0))
        assert kept._kept == []


def test_clips_that_are_skipped_leave_the_same_smaller_batches_in_each_epoch(make_clips, training):
    bad = make_clips("damaged.mp4")
    with ClipLoader(clips_every(10, bad), 4, size=SIZE, beside=training, on_error="skip") as loader:
        kept = KeptClips(loader, CPU, lambda num_bytes: CPU)
        centers = [[batch.centers.tolist() for batch in kept.epoch(0)] for _ in range(2)]

    # Frames 40 to 59 are lost, and a clip reaches 4 frames to either side.
    assert centers == [[[0, 10, 20, 30], [70], [80, 90]]] * 2


def test_a_guest_that_is_closed_in_the_middle_leaves_nothing_to_the_next_one(training, held_out, expected):
    for _ in range(3):
        with ClipLoader(held_out, 4, size=SIZE, beside=training) as loader:
            next(loader.epoch(0, at_once=True))
    with ClipLoader(held_out, 4, size=SIZE, beside=training) as loader:
        assert content(loader.epoch(0)) == expected


def test_each_rank_keeps_its_share(training, held_out, expected):
    shares = []
    for rank in range(3):
        with ClipLoader(held_out, 6, size=SIZE, beside=training, shard=Shard(rank, 3)) as loader:
            asked = []
            kept = KeptClips(loader, CPU, lambda num_bytes, asked=asked: asked.append(num_bytes) or CPU)
            batches = list(kept.epoch(0))
            shares.append([center for batch in batches for center in batch.centers.tolist()])
            assert asked == [len(shares[-1]) * 5 * 32 * 128]
            assert all(
                numbers_in(clip)[2] == center + 100 * video_id
                for batch in batches
                for clip, center, video_id in zip(
                    batch.frames.numpy(), batch.centers, batch.video_ids, strict=True
                )
            )
    assert [len(share) for share in shares] == [22, 23, 23]
    assert [*shares[0], *shares[1], *shares[2]] == [*range(0, 100, 3), *range(0, 100, 3)]


def test_a_loader_that_reads_in_this_process_has_its_guest_read_here_too(clips, held_out, expected):
    with (
        ClipLoader(clips, 4, size=SIZE, workers={}, spare_clips=12) as host,
        ClipLoader(held_out, 4, size=SIZE, beside=host) as loader,
    ):
        kept = KeptClips(loader, CPU, lambda num_bytes: CPU)
        kept.prefetch()
        assert kept._kept == []
        assert [content(kept.epoch(0)) for _ in range(2)] == [expected] * 2


def test_room_beside_is_two_batches_and_two_jobs_within_half_a_gigabyte():
    assert spare_clips_for(4, 1000) == 40
    assert spare_clips_for(4, 1000, Shard(0, 2)) == 36
    # 15 frames of 736 x 1280: 14.1 MB.
    assert spare_clips_for(4, 15 * 736 * 1280) == 35
    assert spare_clips_for(64, 15 * 736 * 1280) == 64


def test_no_two_epochs_share_the_number_of_a_chain(held_out):
    def chains(epoch):
        order = EpochOrder(held_out, epoch=epoch, seed=0, buffer_clips=1, job_clips=4, batch_size=4)
        return {job.chain for job in order.jobs} - {None}

    first, again = chains(0), chains(0)

    assert first
    assert not first & again
