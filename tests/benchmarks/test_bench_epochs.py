import subprocess
import sys

import bench_epoch
import bench_loader
import bench_mix
import bench_plan
import bench_waiting
import numpy as np
import pytest
import torch
from harness import cpu_seconds
from plain_workers import TorchLoader
from seed_design import SeedDesign
from short_epoch import Expected, annotation_frames, make_halves, real_share, short_epoch

# 2 halves of 60 frames get one clip at the real density: 12 times as many are 12.
HALVES = {"num_halves": 2, "num_frames": 60, "size": (96, 160), "keyframe_interval": 30}
TINY = ["--height", "96", "--width", "160", "--halves", "2", "--frames", "300", "--rounds", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("halves")


@pytest.fixture(scope="module")
def clips(folder):
    return short_epoch(make_halves(folder, **HALVES), repeat=12)


@pytest.fixture(scope="module")
def expected(clips):
    return Expected.read(clips, 0)


class Given:
    """Delivers what it was given."""

    def __init__(self, numbers, frames):
        self._numbers = numbers
        self._frames = frames

    def clips(self, epoch):
        yield self._numbers, self._frames


def frames_of(clips, epoch):
    loader = TorchLoader(clips, 4, num_workers=1)
    batches = list(loader.clips(epoch))
    return [number for numbers, _ in batches for number in numbers], torch.cat([part for _, part in batches])


def test_real_halves_have_real_clips_and_annotations():
    assert real_share(12 * 67_500) == 6000
    assert real_share(250) == 2
    # 9229 passes and drives in 14 halves: 659 in each.
    counts = [len(annotation_frames(np.random.default_rng(seed), 67_500)) for seed in range(10)]
    assert 620 < np.mean(counts) < 700


@pytest.mark.slow
def test_the_seeds_design_and_torchs_loader_deliver_an_epoch_as_the_reference_reads_it(clips, expected):
    expected.check("torch", TorchLoader(clips, 4, num_workers=1), 0)
    with SeedDesign(clips, 4, workers={"opencv": 1}) as design:
        expected.check("seed", design, 0, stretched=True)


@pytest.mark.slow
def test_a_wrong_frame_a_missing_clip_and_one_twice_end_the_run(clips, expected):
    numbers, frames = frames_of(clips, 0)
    expected.check("right", Given(numbers, frames), 0)
    with pytest.raises(SystemExit, match="delivers 11 clips"):
        expected.check("short", Given(numbers[:-1], frames[:-1]), 0)
    with pytest.raises(SystemExit, match="delivers 13 clips"):
        expected.check("twice", Given([*numbers, 0], torch.cat([frames, frames[:1]])), 0)
    changed = frames.clone()
    changed[5, 3, 10, 10] ^= 1
    with pytest.raises(SystemExit, match="changed: the clip at frame"):
        expected.check("changed", Given(numbers, changed), 0)


@pytest.mark.slow
def test_stretched_gray_of_the_frame_before_is_seen(clips, expected):
    numbers, frames = frames_of(clips, 0)
    gray = ((frames.float() - 16) * 255 / 219).clamp(0, 255).round().to(torch.uint8)
    expected.check("gray", Given(numbers, gray), 0, stretched=True)
    late = gray.clone()
    late[:, 1:] = gray[:, :-1]
    with pytest.raises(SystemExit, match="late: the clip at frame"):
        expected.check("late", Given(numbers, late), 0, stretched=True)


def test_the_cpu_time_of_a_process_that_has_ended_counts():
    before = cpu_seconds()
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", busy], check=True)
    assert 0.25 < cpu_seconds() - before < 1.5


def test_clips_of_one_interval_are_decoded_once_in_one_pass():
    # Two clips of the interval from 0 to 249, with even frames and with odd ones, and one of the next.
    frames = np.array([[2, 16, 30], [261, 271, 291], [70, 80, 100]])
    epoch = bench_plan.Epoch(videos=np.zeros(3, np.int64), frames=frames, interval=250)
    random = np.random.default_rng(0)
    apart = bench_plan.decoded_per_clip(epoch.passes(1, random), frames, 250)
    together = bench_plan.decoded_per_clip(epoch.passes(3, random), frames, 250)
    # Left out: the odd frames, but not the three that are wanted.
    assert apart == ((31 + 42 + 101) / 3, (16 + 21 + 3 + 51) / 3)
    assert together == ((101 + 42) / 3, (51 + 21 + 3) / 3)


def test_batches_with_two_clips_of_an_interval_are_counted():
    places = np.array([0, 1, 2, 2, 5, 6])
    assert bench_plan.share_with_neighbors(np.arange(6), places, 2) == 1 / 3
    assert bench_plan.share_with_neighbors(np.array([2, 0, 3, 1, 4, 5]), places, 2) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        (bench_loader, [*TINY, "--codecs", "h264"]),
        (bench_mix, TINY),
        (bench_waiting, [*TINY, "--repeat", "12", "--buffer-clips", "4"]),
        (bench_epoch, ["--tiny"]),
        (bench_plan, ["--epochs", "2"]),
    ],
)
def test_every_script_runs(script, arguments, folder, monkeypatch, tmp_path):
    options = ["--json", str(tmp_path / "rows.json")]
    if script is not bench_plan:
        options += ["--videos", str(folder)]
    monkeypatch.setattr(sys, "argv", ["bench", *arguments, *options])
    script.main()
    assert (tmp_path / "rows.json").is_file()
