"""What each of several processes reads of one epoch."""

from collections import Counter

import pytest
from loading_videos import SIZE, labelled

from bvas.errors import ConfigError
from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading.clip_requests import FixedClips, TrainingClips
from bvas.loading.epoch_order import EpochOrder
from bvas.loading.loader import ClipLoader
from bvas.loading.rank_shards import Shard, cut, share_out
from bvas.values.clip_config import ClipConfig

CLIP = ClipConfig(num_frames=3, frame_step=2, stack_size=3)


def clips_in(batches):
    """Return all that is known of each clip, by its seed, batch by batch."""
    return [
        {
            seed: (frames.tobytes(), targets.tobytes(), video_id, center, color_range)
            for seed, frames, targets, video_id, center, color_range in zip(
                batch.seeds.tolist(),
                batch.frames.numpy(),
                batch.targets.numpy(),
                batch.video_ids.tolist(),
                batch.centers.tolist(),
                batch.forms,
                strict=True,
            )
        }
        for batch in batches
    ]


@pytest.mark.parametrize("buffer", [64, 0])
@pytest.mark.parametrize("num_ranks", [2, 3, 6])
def test_the_shares_of_a_batch_are_the_batch_byte_for_byte(clips, open_loader, buffer, num_ranks):
    # 30 clips in batches of 8: the last one has 6.
    whole = clips_in(open_loader(clips, 8, workers={}, seed=7, shuffle_buffer_clips=buffer).epoch(1))
    shares = [
        clips_in(
            open_loader(
                clips,
                8,
                workers={},
                seed=7,
                shuffle_buffer_clips=buffer,
                shard=Shard(rank, num_ranks),
                prefetch_batches=1,
            ).epoch(1)
        )
        for rank in range(num_ranks)
    ]
    assert [len(share) for share in shares] == [4] * num_ranks
    for number, batch in enumerate(whole):
        parts = [share[number] for share in shares]
        assert sum(len(part) for part in parts) == len(batch)  # no clip twice
        assert {seed: clip for part in parts for seed, clip in part.items()} == batch
        sizes = [len(part) for part in parts]
        assert max(sizes) - min(sizes) <= 1


def test_workers_read_a_share_as_this_process_does(clips, open_loader):
    shard = Shard(1, 2)
    here = clips_in(open_loader(clips, 8, workers={}, seed=7, shard=shard).epoch(0))
    there = clips_in(open_loader(clips, 8, workers={"pyav": 2}, seed=7, shard=shard).epoch(0))
    assert here == there


def test_a_share_says_how_many_clips_the_batch_has_over_all_ranks(clips, open_loader):
    # 30 clips in batches of 8 for 3 ranks: 2 + 3 + 3 clips, at last 2 + 2 + 2.
    loaders = [open_loader(clips, 8, workers={}, seed=7, shard=Shard(rank, 3)) for rank in range(3)]
    steps = list(zip(*(loader.epoch(0) for loader in loaders), strict=True))
    assert [[batch.num_total for batch in step] for step in steps] == [[8] * 3, [8] * 3, [8] * 3, [6] * 3]
    assert [[len(batch) for batch in step] for step in steps] == [[2, 3, 3]] * 3 + [[2, 2, 2]]


@pytest.mark.parametrize("buffer", [64, 0])
def test_a_share_may_begin_at_any_batch(clips, open_loader, buffer):
    loader = open_loader(clips, 8, workers={}, seed=7, shuffle_buffer_clips=buffer, shard=Shard(1, 2))
    assert clips_in(loader.epoch(0, first_batch=2)) == clips_in(loader.epoch(0))[2:]


def test_an_epoch_that_leaves_a_rank_without_a_step_is_refused(clips):
    # 30 clips in batches of 4 end with a batch of 2.
    with pytest.raises(
        ConfigError, match=r"30 clips in batches of 4 ends with one of 2, which .* 3 processes"
    ):
        ClipLoader(clips, 4, size=SIZE, workers={}, shard=Shard(0, 3))
    with pytest.raises(ConfigError, match="batches of 4 cannot be divided among 5 processes"):
        ClipLoader(clips, 4, size=SIZE, workers={}, shard=Shard(0, 5))
    with pytest.raises(ConfigError, match=r"\[0, num_ranks\), got 2 of 2"):
        Shard(2, 2)


@pytest.mark.parametrize("num_ranks", [1, 2, 3, 12])
def test_fixed_clips_are_shared_out_in_stretches(clips, open_loader, num_ranks):
    fixed = FixedClips(clips.videos, clips.clip, [[3, 40, 41, 90], [5, 6, 7, 50, 99]])
    centers, sizes = [], []
    for rank in range(num_ranks):
        loader = open_loader(fixed, 4, workers={}, shard=Shard(rank, num_ranks))
        batches = list(loader.epoch(0))
        assert len(batches) == loader.num_batches
        centers += [center for batch in batches for center in batch.centers.tolist()]
        sizes.append(sum(len(batch) for batch in batches))
    # Also where some ranks have none.
    assert centers == [3, 40, 41, 90, 5, 6, 7, 50, 99]
    assert max(sizes) - min(sizes) <= 1


def test_clips_of_one_interval_go_to_one_rank_while_it_has_room():
    # Homes 0 to 3, a letter each: a b | a c | b c | a a, for two ranks that take one of each pair.
    homes = [0, 1, 0, 2, 1, 2, 0, 0]
    batches = cut(range(8), 2)
    shares = [share_out(batches, homes, Shard(rank, 2)) for rank in range(2)]
    # The first a goes to rank 0 and b to rank 1; c takes what a leaves it, which is rank 1 as b has.
    assert shares[0] == [[0], [2], [5], [6]]
    assert shares[1] == [[1], [3], [4], [7]]


def test_ranks_decode_few_intervals_twice():
    videos = [labelled(20_000, path=f"{number}.mp4", keyframes=range(0, 20_000, 250)) for number in range(4)]
    clips = TrainingClips(videos, CLIP, sampling=SamplingConfig(clips_per_epoch=1600))

    def readers_of_intervals(num_ranks):
        readers = Counter()
        for rank in range(num_ranks):
            order = EpochOrder(
                clips,
                epoch=0,
                seed=0,
                buffer_clips=64,
                job_clips=16,
                batch_size=32,
                shard=Shard(rank, num_ranks),
            )
            jobs = list(order.jobs)
            read = {clip.sample for job in jobs for clip in job.clips}
            assert read == {sample for batch in order.batches for sample in batch}
            readers.update(
                {
                    (clip.request.video_id, int(clip.request.indices.min()) // 250)
                    for job in jobs
                    for clip in job.clips
                }
            )
        return readers

    alone, shared = readers_of_intervals(1), readers_of_intervals(8)
    assert alone.keys() == shared.keys()
    # Five clips an interval: by chance four of the eight ranks would read each.
    assert shared.total() < 1.7 * alone.total()
