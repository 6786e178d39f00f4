"""What a batch holds, whoever decodes it. Loaders with workers are shared: a process takes time to start."""

import gc
import logging
import tempfile

import numpy as np
import pytest
import torch
from loading_videos import SIZE, clips_every, numbers_in

from bvas.errors import ConfigError, DecodeError
from bvas.experiment.loading_config import LoadingConfig
from bvas.loading.clip_requests import FixedClips
from bvas.loading.loader import ClipLoader
from bvas.video.decode.open_video import open_video


def content(batches):
    """Return all that a list of batches holds, to be compared."""
    return [
        (
            batch.frames.numpy().tobytes(),
            batch.targets.tolist(),
            batch.video_ids.tolist(),
            batch.centers.tolist(),
            batch.forms,
            batch.seeds.tolist(),
        )
        for batch in batches
    ]


def frames_by_seed(batches):
    """Return the frames of each clip by its seed, which tells it from all others."""
    return {
        seed: clip
        for batch in batches
        for seed, clip in zip(batch.seeds.tolist(), batch.frames.numpy(), strict=True)
    }


@pytest.fixture(scope="module")
def mixed_loader(clips):
    with ClipLoader(clips, 4, size=SIZE, workers={"pyav": 2, "opencv": 1}, seed=7) as loader:
        yield loader


@pytest.fixture(scope="module")
def local_loader(clips):
    with ClipLoader(clips, 4, size=SIZE, workers={}, seed=7) as loader:
        yield loader


MIXES = [{"pyav": 1}, {"pyav": 3}, {"opencv": 2}, {"pyav": 1, "opencv": 2}]


@pytest.mark.parametrize("buffer", [64, 0])
def test_batches_are_the_same_whatever_the_number_and_mix_of_workers(clips, open_loader, buffer):
    expected = content(open_loader(clips, workers={}, seed=7, shuffle_buffer_clips=buffer).epoch(0))
    for number, mix in enumerate(MIXES):
        loader = open_loader(
            clips, workers=mix, seed=7, shuffle_buffer_clips=buffer, prefetch_batches=number + 1
        )
        assert content(loader.epoch(0)) == expected, mix
        assert loader.stats.moved == loader.stats.restarts == 0
        loader.close()


def test_each_epoch_has_its_own_batches_and_gives_them_again(mixed_loader):
    expected = content(mixed_loader.epoch(0))
    assert content(mixed_loader.epoch(1)) != expected
    assert content(mixed_loader.epoch(0)) == expected


@pytest.mark.parametrize("buffer", [6, 0])
@pytest.mark.parametrize("first", [1, 5, 8])
def test_an_epoch_begun_later_gives_the_batches_that_are_left(clips, open_loader, buffer, first):
    # The buffer holds fewer clips than an epoch, so that slots are used again.
    options = {"seed": 7, "shuffle_buffer_clips": buffer}
    expected = content(open_loader(clips, workers={}, **options).epoch(0))
    for workers in ({}, {"pyav": 2}):
        loader = open_loader(clips, workers=workers, **options)
        assert content(loader.epoch(0, first_batch=first)) == expected[first:]
        assert content(loader.epoch(0)) == expected


def test_an_epoch_begun_later_decodes_less(make_clips, open_loader):
    # Eight keyframe intervals of 25 clips; the last 20 clips and those shuffled with them are from two or three.
    clips = make_clips("first.mp4", "second.mkv", num_clips=200)
    whole, rest = (open_loader(clips, workers={}, seed=7, shuffle_buffer_clips=8) for _ in range(2))
    list(whole.epoch(0))
    assert len(list(rest.epoch(0, first_batch=45))) == 5
    assert rest.stats.clips == 20
    assert rest.stats.frames_decoded < whole.stats.frames_decoded / 2


def test_a_batch_to_begin_at_lies_within_the_epoch(local_loader):
    for wrong in (-1, 9):
        with pytest.raises(ConfigError, match=r"first_batch must lie in 0\.\.8"):
            local_loader.epoch(0, first_batch=wrong)


def test_another_seed_gives_other_clips(clips, local_loader, open_loader):
    other = open_loader(clips, workers={}, seed=8)
    assert content(other.epoch(0)) != content(local_loader.epoch(0))


def test_frames_are_the_ones_that_the_reader_gives(clips, mixed_loader):
    requests = clips.requests(2, seed=7)
    frames = frames_by_seed(mixed_loader.epoch(2))
    assert len(frames) == len(requests) == 30
    for request in requests:
        assert numbers_in(frames[request.seed]) == (request.indices + 100 * request.video_id).tolist()
    request = requests[0]
    with open_video(clips.videos[request.video_id].path, "pyav", size=SIZE) as reader:
        assert np.array_equal(reader.read(request.indices).numpy(), frames[request.seed])


def test_a_planned_epoch_holds_the_clips_of_an_unplanned_one_in_another_order(clips, open_loader):
    unplanned = list(open_loader(clips, workers={}, seed=7, shuffle_buffer_clips=0).epoch(0))
    planned = list(open_loader(clips, workers={}, seed=7).epoch(0))
    assert content(planned) != content(unplanned)
    by_seed, same = frames_by_seed(planned), frames_by_seed(unplanned)
    assert by_seed.keys() == same.keys()
    assert all(np.array_equal(by_seed[seed], same[seed]) for seed in by_seed)
    # Without a plan the clips come as they were drawn.
    drawn = [request.seed for request in clips.requests(0, seed=7)]
    assert [seed for batch in unplanned for seed in batch.seeds.tolist()] == drawn


def test_a_plan_decodes_fewer_frames_for_the_same_clips(make_clips, open_loader):
    # 200 clips over two videos of four keyframe intervals each: 25 an interval, in two jobs.
    clips = make_clips("first.mp4", "second.mkv", num_clips=200)
    planned, unplanned = (
        open_loader(clips, workers={}),
        open_loader(clips, workers={}, shuffle_buffer_clips=0),
    )
    for loader in (planned, unplanned):
        list(loader.epoch(0))
    # An interval of 25 frames, and what its last clip reaches into the next: at most 35 for 25 clips.
    assert planned.stats.decoded_per_clip < 2.5
    # At least the nine frames of a clip less those that need not be decoded, which are every second.
    assert unplanned.stats.decoded_per_clip > 5


def test_a_batch_says_what_its_clips_are(clips, local_loader):
    by_seed = {request.seed: request for request in clips.requests(0, seed=7)}
    batch = next(local_loader.epoch(0))
    requests = [by_seed[seed] for seed in batch.seeds.tolist()]
    assert batch.frames.shape == (4, 5, 32, 128)
    assert batch.frames.dtype == torch.uint8
    assert batch.targets.dtype == torch.float32
    assert batch.targets.tolist() == [request.targets.tolist() for request in requests]
    assert batch.video_ids.tolist() == [request.video_id for request in requests]
    assert batch.centers.tolist() == [request.center for request in requests]
    assert batch.forms == ("limited",) * 4


def test_the_last_batch_holds_what_is_left(local_loader):
    assert [len(batch) for batch in local_loader.epoch(0)] == [4, 4, 4, 4, 4, 4, 4, 2]
    assert local_loader.num_batches == 8


def test_a_batch_keeps_its_frames_while_later_ones_are_read(mixed_loader):
    epoch = mixed_loader.epoch(0)
    first = next(epoch)
    before = first.frames.clone()
    for _ in epoch:
        pass
    assert torch.equal(first.frames, before)


def test_an_epoch_that_is_left_early_leaves_the_next_one_whole(mixed_loader, local_loader):
    expected = content(local_loader.epoch(1))
    for _ in mixed_loader.epoch(0):
        break
    assert content(mixed_loader.epoch(1)) == expected
    for _ in local_loader.epoch(0):
        break
    assert content(local_loader.epoch(1)) == expected


def test_an_epoch_that_another_replaced_says_so(mixed_loader, local_loader):
    expected = content(local_loader.epoch(1))
    old = mixed_loader.epoch(0)
    next(old)
    new = mixed_loader.epoch(1)
    with pytest.raises(RuntimeError, match="epoch 0 ended when another was started"):
        next(old)
    assert content(new) == expected


def test_fixed_clips_come_in_order_and_several_in_one_pass(clips, open_loader):
    fixed = clips_every(3, clips)
    loader = open_loader(fixed, 16, workers={"pyav": 2})
    frames = torch.cat([batch.frames for batch in loader.epoch(0)]).numpy()
    # The third of five frames is the center; 34 clips of each video.
    expected = [*range(0, 100, 3), *range(100, 200, 3)]
    assert numbers_in(frames[:, 2]) == expected


def clips_by_worker(stats):
    return {name: worker.clips for name, worker in stats.workers.items()}


def test_stats_count_what_was_handed_out_and_who_decoded_it(clips, open_loader):
    loader = open_loader(clips, workers={})
    assert loader.stats.clips == 0
    list(loader.epoch(0))
    stats = loader.stats
    assert (stats.clips, stats.frames, stats.bytes, stats.skips) == (30, 150, 150 * 32 * 128, 0)
    assert clips_by_worker(stats) == {"pyav-here": 30}
    assert stats.waiting_seconds > 0
    assert stats.frames_decoded >= len({(r.video_id, i) for r in clips.requests(0) for i in r.indices})
    assert stats.decoded_per_clip == stats.frames_decoded / 30
    worker = stats.workers["pyav-here"]
    assert worker.clips_per_second == pytest.approx(30 / worker.busy_seconds)


def test_each_epoch_ends_with_a_line_of_stats(mixed_loader, caplog):
    caplog.set_level(logging.DEBUG, logger="bvas.loading.loader")
    list(mixed_loader.epoch(3))
    # 30 clips of 5 frames of 32 x 128 are 0.6 MB.
    assert "epoch 3: 30 clips, 1 MB (pyav-0 " in caplog.text
    assert "skipped 0, moved 0, restarts 0" in caplog.text


def test_a_file_that_one_backend_refuses_is_read_by_another(make_clips, open_loader):
    clips = make_clips("stream.ts")
    loader = open_loader(clips, workers={"opencv": 1, "pyav": 1})
    requests = clips.requests(0)
    frames = frames_by_seed(loader.epoch(0))
    assert [numbers_in(frames[r.seed]) for r in requests] == [r.indices.tolist() for r in requests]
    assert clips_by_worker(loader.stats) == {"opencv-0": 0, "pyav-0": 30}


def test_a_file_that_every_backend_refuses_is_an_error_each_time(make_clips, open_loader):
    loader = open_loader(make_clips("stream.ts"), workers={"opencv": 1}, on_error="skip", max_skip_share=1.0)
    for _ in range(2):
        with pytest.raises(DecodeError) as caught:
            list(loader.epoch(0))
        assert "stream.ts" in str(caught.value)
    assert loader.stats.skips == 0


def test_a_file_that_no_worker_reads_is_an_error_before_a_clip_is_read(make_clips, open_loader):
    clips = make_clips("first.mp4", "stream.ts")
    loader = open_loader(clips, workers={"opencv": 1})
    with pytest.raises(DecodeError, match=r"stream\.ts is in a mpegts container.*backend=\"pyav\"") as caught:
        next(loader.epoch(0))
    assert any("while opening" in note for note in caught.value.__notes__)
    assert clips_by_worker(loader.stats) == {"opencv-0": 0}


def test_damage_raises_with_the_clip_it_was_met_in(make_clips, open_loader):
    loader = open_loader(make_clips("damaged.mp4"), workers={"pyav": 1})
    with pytest.raises(DecodeError) as caught:
        list(loader.epoch(0))
    assert caught.value.lost is not None
    assert any(
        "while loading clip at frame" in note and "damaged.mp4" in note for note in caught.value.__notes__
    )


def test_skipped_damage_is_counted_and_replaced_by_the_same_draws_for_all(make_clips, open_loader, caplog):
    clips = make_clips("damaged.mp4")
    loader = open_loader(clips, workers={"pyav": 2}, on_error="skip", max_skip_share=1.0)
    batches = list(loader.epoch(0))
    hit = [
        request for request in clips.requests(0) if np.any((request.indices >= 40) & (request.indices < 60))
    ]
    assert loader.stats.skips >= len(hit) > 0
    assert caplog.text.count("skipped the clip at frame") == loader.stats.skips
    numbers = [numbers_in(clip) for batch in batches for clip in batch.frames.numpy()]
    assert len(numbers) == 30
    assert not any(40 <= number < 60 for clip in numbers for number in clip)
    local = open_loader(clips, workers={}, on_error="skip", max_skip_share=1.0)
    assert content(local.epoch(0)) == content(batches)


def test_more_skips_than_the_share_end_the_epoch(make_clips, open_loader):
    clips = make_clips("damaged.mp4", num_clips=60)
    loader = open_loader(clips, workers={}, on_error="skip")
    with pytest.raises(DecodeError, match=r"6 damaged clips in an epoch of 60 are more than the 5 .*0\.01"):
        list(loader.epoch(0))
    assert loader.stats.skips == 6


@pytest.mark.parametrize(("num_damaged", "share", "ends"), [(5, 0.0, False), (6, 0.0, True), (6, 0.5, False)])
def test_five_skips_are_always_allowed_and_beyond_them_the_share_decides(
    make_clips, open_loader, num_damaged, share, ends
):
    clips = make_clips("damaged.mp4")
    # Frames 40 to 59 are lost; a clip reaches four frames to either side.
    centers = [10, 20, 30, 70, 80, 90, *range(46, 46 + num_damaged)]
    fixed = FixedClips(clips.videos, clips.clip, [centers])
    loader = open_loader(fixed, workers={}, on_error="skip", max_skip_share=share)
    if ends:
        with pytest.raises(DecodeError, match="6 damaged clips in an epoch of 12"):
            list(loader.epoch(0))
    else:
        assert [center for batch in loader.epoch(0) for center in batch.centers.tolist()] == centers[:6]


def test_workers_share_indices_where_the_cache_folder_cannot_be_written(
    clips, open_loader, monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    loader = open_loader(clips, workers={"pyav": 2})
    (folder,) = tmp_path.glob("bvas-index-*")
    list(loader.epoch(0))
    assert len(list((folder / "index").glob("*.npz"))) == 2
    loader.close()
    assert not folder.exists()


def test_no_folder_is_made_where_the_cache_can_be_written(clips, open_loader, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    open_loader(clips, workers={"pyav": 1})
    assert list(tmp_path.iterdir()) == []


def test_fixed_clips_without_their_damaged_ones_make_smaller_batches(make_clips, open_loader):
    videos = make_clips("damaged.mp4").videos
    fixed = FixedClips(videos, make_clips("damaged.mp4").clip, [[10, 50, 90]])
    loader = open_loader(fixed, workers={}, on_error="skip", max_skip_share=1.0)
    (batch,) = loader.epoch(0)
    assert batch.centers.tolist() == [10, 90]
    assert numbers_in(batch.frames.numpy()[:, 2]) == [10, 90]
    assert loader.stats.skips == 1


def test_a_loader_that_is_dropped_closes_its_runner(clips):
    loader = ClipLoader(clips, 4, size=SIZE, workers={})
    runner = loader._runner
    del loader
    gc.collect()
    assert runner._closed


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"seed": -1}, "seed at least 0"),
        ({"on_error": "ignore"}, "'raise' or 'skip'"),
        ({"workers": {"nvedc": 3}}, "invalid worker count"),
        ({"workers": {"pyav": -1}}, "invalid worker count"),
    ],
)
def test_a_wrong_option_is_refused_with_its_rule(clips, option, words):
    with pytest.raises(ConfigError, match=words):
        ClipLoader(clips, **{"batch_size": 4, "size": SIZE, "workers": {}, **option})


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"max_skip_share": 1.5}, r"max_skip_share must lie in \[0, 1\]"),
        ({"shuffle_buffer_clips": -1}, "shuffle_buffer_clips must be at least 0"),
        ({"prefetch_batches": 0}, "prefetch_batches must be at least 1"),
        ({"timeout_seconds": 0}, "timeout_seconds must be above 0"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_rule(option, words):
    with pytest.raises(ConfigError, match=words):
        LoadingConfig(**option)


def test_a_negative_epoch_is_refused(local_loader):
    with pytest.raises(ConfigError, match="epoch must be at least 0"):
        local_loader.epoch(-1)
