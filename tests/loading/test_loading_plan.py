import numpy as np
import pytest
from loading_videos import labelled

from bvas.experiment.loading_config import LoadingConfig
from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading.clip_requests import FixedClips, TrainingClips
from bvas.loading.epoch_order import EpochOrder
from bvas.loading.rank_shards import WHOLE
from bvas.loading.read_plan import (
    group_by_interval,
    intervals_of,
    kept_frames,
    plan_random,
    shuffle,
    shuffle_groups,
)
from bvas.loading.slot_counts import SlotCounts
from bvas.synthetic.event_spacing import seconds_after_drive, seconds_after_pass
from bvas.values.clip_config import ClipConfig

CLIP = ClipConfig(num_frames=3, frame_step=2, stack_size=3)


def ints(*values):
    return np.array(values, dtype=np.int64)


def order_of(clips, *, epoch=0, seed=0, buffer_clips=4, job_clips=16):
    order = EpochOrder(
        clips,
        epoch=epoch,
        seed=seed,
        buffer_clips=buffer_clips,
        job_clips=job_clips,
        batch_size=4,
    )
    return list(order.jobs), [sample for batch in order.batches for sample in batch]


def test_a_frame_belongs_to_the_interval_of_the_keyframe_at_or_before_it():
    frames = ints(0, 9, 10, 24, 25, 400)
    assert intervals_of(frames, ints(10, 25)).tolist() == [0, 0, 0, 0, 1, 1]
    assert intervals_of(frames, ints(0, 10, 25)).tolist() == [0, 0, 1, 1, 2, 2]


def test_clips_of_one_interval_are_a_group_in_the_order_of_their_first_frames():
    video_ids = ints(0, 1, 0, 0, 1)
    intervals = ints(2, 2, 2, 0, 2)
    first_frames = ints(50, 44, 41, 3, 42)
    groups = group_by_interval(video_ids, intervals, first_frames)
    assert [group.tolist() for group in groups] == [[3], [2, 0], [4, 1]]


def test_groups_are_shuffled_as_wholes():
    groups = [ints(0, 1, 2), ints(3), ints(4, 5)]
    shuffled = [group.tolist() for group in shuffle_groups(groups, np.random.default_rng(1))]
    assert sorted(shuffled) == [[0, 1, 2], [3], [4, 5]]
    orders = {
        tuple(group[0] for group in shuffle_groups(groups, np.random.default_rng(seed))) for seed in range(60)
    }
    assert len(orders) == 6


def test_the_buffer_hands_out_each_sample_once_and_none_before_it_is_read():
    reading = np.random.default_rng(0).permutation(500)
    handed = shuffle(reading, 64, np.random.default_rng(1))
    assert sorted(handed.tolist()) == list(range(500))
    place_read = np.argsort(reading)
    early = np.arange(500) - place_read[handed]
    # Place j takes one of the first j + 64 that are read.
    assert early.min() >= -63
    assert not np.array_equal(handed, reading)


def test_the_first_clips_do_not_wait_for_the_whole_buffer():
    reading = np.random.default_rng(0).permutation(500)
    place_read = np.argsort(reading)
    places = place_read[shuffle(reading, 64, np.random.default_rng(1))]
    # The buffer holds 8 at first, and one more after every second clip: 63 of place 110 on.
    for handed, size in ((0, 8), (2, 9), (10, 13), (109, 62), (110, 63), (112, 64), (200, 64)):
        assert places[handed] < handed + size
    assert np.maximum.accumulate(places)[40] > 40 + 8


def test_a_buffer_of_one_hands_out_what_is_read():
    reading = ints(3, 1, 2, 0)
    assert shuffle(reading, 1, np.random.default_rng(0)).tolist() == [3, 1, 2, 0]


def counts(clip_bytes, *, clips=None, **loading):
    clips = clips or TrainingClips([labelled(100)], CLIP)
    return SlotCounts.of(clips, 4, clip_bytes, LoadingConfig(**loading), WHOLE)


def test_the_shuffle_buffer_is_bounded_by_clips_and_by_bytes():
    assert counts(15 * 224 * 400).buffer_clips == 64
    assert counts(15 * 1080 * 1920).buffer_clips == 32  # 31.1 MB a clip, 1 GB
    assert counts(2 * 10**9).buffer_clips == 1
    assert counts(1, shuffle_buffer_clips=0).buffer_clips == 0


def test_there_are_slots_for_the_buffer_the_prefetched_batches_and_one_job():
    # 64 in the buffer but for the one that is handed out, two batches of 4, 16 of a job but for the one that fits.
    assert counts(1).num_slots(3) == 63 + 8 + 15
    assert counts(1, shuffle_buffer_clips=0, prefetch_batches=3).num_slots(3) == 12
    # In order: two batches, a job, and a job more for each further worker.
    fixed = FixedClips([labelled(1000)], CLIP, [range(1000)])
    assert counts(1, clips=fixed).num_slots(1) == 8 + 15
    assert counts(1, clips=fixed).num_slots(3) == 8 + 15 + 2 * 16
    few = FixedClips([labelled(10)], CLIP, [range(10)])
    assert counts(1, clips=few).num_slots(3) == 10


def test_a_chain_keeps_the_frames_that_it_passes_and_will_want():
    jobs = [ints(0, 2, 4), ints(3, 5, 7), ints(4, 6, 8), ints(20, 22, 24)]
    # The first passes 3, and 4 for the third; the second reaches 7, so it passes 6 besides.
    assert [kept.tolist() for kept in kept_frames(jobs)] == [[3, 4], [4, 6], [], []]


def test_an_epoch_is_the_same_for_the_same_seed_and_another_for_another():
    sampling = SamplingConfig(clips_per_epoch=200)
    clips = TrainingClips([labelled(1000, keyframes=range(0, 1000, 100))], CLIP, sampling=sampling)
    assert order_of(clips)[1] == order_of(clips)[1]
    others = {tuple(order_of(clips, epoch=epoch, seed=seed)[1]) for epoch, seed in ((0, 0), (1, 0), (0, 1))}
    assert len(others) == 3


def test_the_plan_does_not_share_random_numbers_with_the_samples():
    numbers = plan_random(3, 5).random(4).tolist()
    assert numbers != np.random.default_rng(np.random.SeedSequence((3, 5))).random(4).tolist()
    assert (
        numbers != np.random.default_rng(np.random.SeedSequence((3, 5, 0), spawn_key=(1,))).random(4).tolist()
    )


def test_a_job_holds_clips_of_one_interval_and_no_more_than_a_job_may():
    videos = [labelled(1000, keyframes=range(0, 1000, 100)) for _ in range(2)]
    clips = TrainingClips(videos, CLIP, sampling=SamplingConfig(clips_per_epoch=200))
    jobs, handed = order_of(clips, job_clips=4)
    assert sorted(clip.sample for job in jobs for clip in job.clips) == sorted(handed) == list(range(200))
    for job in jobs:
        assert 1 <= len(job.clips) <= 4
        firsts = [(clip.request.video_id, clip.request.indices.min()) for clip in job.clips]
        assert len({(video, first // 100) for video, first in firsts}) == 1
        assert firsts == sorted(firsts)
    # 200 clips over 20 intervals: about 10 each, so nearly every interval is a chain.
    chains = {job.chain for job in jobs if job.chain is not None}
    assert 10 < len(chains) <= 20


def test_without_a_plan_each_clip_is_read_alone_where_it_was_drawn():
    clips = TrainingClips([labelled(100)], CLIP, sampling=SamplingConfig(clips_per_epoch=5))
    jobs, handed = order_of(clips, buffer_clips=0, job_clips=1)
    assert [[clip.sample for clip in job.clips] for job in jobs] == [[0], [1], [2], [3], [4]]
    assert handed == [0, 1, 2, 3, 4]


def test_fixed_clips_are_read_by_interval_and_handed_out_in_their_own_order():
    videos = [labelled(30, keyframes=(0, 10, 20)), labelled(30)]
    fixed = FixedClips(videos, CLIP, [[4, 8, 12, 28], [5]])
    jobs, handed = order_of(fixed, job_clips=2)
    # Clips begin two frames before their centers: 2, 6 and 10, 26, and 3 of the second video.
    assert [[clip.request.center for clip in job.clips] for job in jobs] == [[4, 8], [12], [28], [5]]
    assert handed == [0, 1, 2, 3, 4]


def halves(num_halves, num_frames, keyframe_interval):
    """Halves with the gaps between annotations of real matches."""
    videos = []
    for number in range(num_halves):
        rng = np.random.default_rng(number)
        seconds, annotations = 0.0, []
        while True:
            seconds += seconds_after_drive(rng) if len(annotations) % 2 else seconds_after_pass(rng)
            if seconds * 25 >= num_frames:
                break
            annotations.append((int(seconds * 25), 0))
        videos.append(labelled(num_frames, annotations, keyframes=range(0, num_frames, keyframe_interval)))
    return videos


def decoded_frames(jobs, keyframe_interval):
    """Frames from the keyframe to the end of what is wanted, over all chains."""
    total = 0
    passes = {}
    for number, job in enumerate(jobs):
        passes.setdefault(("chain", job.chain) if job.chain is not None else number, []).append(job.indices)
    for frames in passes.values():
        wanted = np.concatenate(frames)
        total += int(wanted.max()) - int(wanted.min()) // keyframe_interval * keyframe_interval + 1
    return total


def share_of_batches_with_neighbors(jobs, handed, keyframe_interval, batch_size=4):
    interval = {
        clip.sample: (clip.request.video_id, clip.request.indices.min() // keyframe_interval)
        for job in jobs
        for clip in job.clips
    }
    batches = [handed[start : start + batch_size] for start in range(0, len(handed), batch_size)]
    return np.mean([len({interval[sample] for sample in batch}) < len(batch) for batch in batches])


@pytest.mark.parametrize(
    ("keyframe_interval", "planned", "unplanned", "share"), [(250, 86, 153, 0.09), (50, 45, 53, 0.02)]
)
def test_planning_a_real_epoch_saves_decoding_and_lets_few_neighbors_meet(
    keyframe_interval, planned, unplanned, share
):
    # A third of an epoch over a third of its halves, of synthetic matches: as many clips for each interval.
    # A simulation on the annotations of real halves gave 79 and 41: they lie closer together than drawn gaps.
    videos = halves(4, 67_500, keyframe_interval)
    clips = TrainingClips(videos, ClipConfig(), sampling=SamplingConfig(clips_per_epoch=2000))
    jobs, handed = order_of(clips, buffer_clips=64)
    alone, drawn = order_of(clips, buffer_clips=0, job_clips=1)
    assert decoded_frames(jobs, keyframe_interval) / 2000 == pytest.approx(planned, abs=3)
    # Half an interval and the 29 frames that a clip spans.
    assert (keyframe_interval - 1) / 2 + 29 == pytest.approx(unplanned, abs=1)
    assert decoded_frames(alone, keyframe_interval) / 2000 == pytest.approx(unplanned, abs=3)
    assert share_of_batches_with_neighbors(jobs, handed, keyframe_interval) == pytest.approx(share, abs=0.03)
    # Six pairs in a batch, and four times 270 or 1350 intervals.
    assert share_of_batches_with_neighbors(alone, drawn, keyframe_interval) < 0.02
