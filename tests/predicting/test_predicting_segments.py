"""Segments of videos as jobs: any cut, any interruption and any worker give the same rows."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from workplaces import write_video

from bvas.predicting.match import MatchPrediction
from bvas.predicting.prepared_video import prepare_video
from bvas.predicting.schedule import Schedule
from bvas.predicting.segments import predict_segments
from bvas.predicting.settings import Weights
from bvas.system.jobs.job import Worker
from bvas.system.jobs.processes import ProcessExecutor
from bvas.system.jobs.runner import run_jobs

NUM_FRAMES = 340


@pytest.fixture
def long(there):
    """A video of 340 frames, and its rows computed in one go."""
    write_video(there.folder / "long.mkv", seed=3, num_frames=NUM_FRAMES)
    video = there.of_video("long.mkv")
    _, num_computed = there.run([video])
    assert num_computed == NUM_FRAMES
    scores = there.scores("videos/long.mkv", "long")
    (there.predictions / "videos/long.mkv/made_from.json").unlink()
    return video, scores


def _ignore(done, total, note=""):
    pass


def _one_by_one(there, assignment, *, work, order):
    """Compute each segment as a job of its own, in some order; then write the match."""
    match = MatchPrediction(assignment, work, Weights(work))
    (half,) = match.missing
    video = match.segmented(half, prepare_video(half.path, work.experiment.input), "cpu")
    worker = Worker(device="cpu", num_workers=1, kept={}, progress=_ignore)
    for number in order(range(video.num_segments)):
        predict_segments(video, number, number + 1, worker)
    match.write()
    match.close()
    return video.num_segments


@pytest.mark.parametrize(("segment_frames", "num_segments"), [(400, 1), (114, 3), (20, 17)])
def test_rows_do_not_depend_on_the_number_of_segments(there, long, segment_frames, num_segments):
    video, whole = long
    work = there.work(segment_frames=segment_frames)
    draw = random.Random(0)
    found = _one_by_one(there, video, work=work, order=lambda numbers: draw.sample(numbers, len(numbers)))
    assert found == num_segments
    scores = there.scores("videos/long.mkv", "long")
    assert np.allclose(scores, whole, atol=1e-6, rtol=0)
    assert len(np.unique(scores.round(6))) > NUM_FRAMES
    # Nothing of the work is left.
    assert sorted(path.name for path in (there.predictions / "videos/long.mkv").iterdir()) == [
        ".lock",
        "long_scores.npz",
        "made_from.json",
        "results_spotting.json",
    ]


def test_rows_that_repeat_are_counted_over_all_segments(there):
    write_video(there.folder / "slow.mkv", seed=3, num_frames=60, rate=12.5)
    video = there.of_video("slow.mkv")
    done, _ = there.run([video], segment_frames=50)
    shared = there.scores("videos/slow.mkv", "slow")

    # 120 grid frames in one run of segments; every second clip is the one before.
    assert done.num_rows == 120
    assert done.num_shared == pytest.approx(60, abs=2)
    done, num_computed = there.run([video], segment_frames=50, share_repeats=False)
    assert num_computed == 0, "results are made from the same"
    done, _ = there.run([video], segment_frames=50, share_repeats=False, overwrite=True)
    assert done.num_shared == 0
    assert np.allclose(there.scores("videos/slow.mkv", "slow"), shared, atol=1e-6, rtol=0)


@pytest.mark.parametrize("stop_after", [1, 100, 300])
def test_ctrl_c_costs_no_row_that_was_saved(there, long, stop_after, caplog):
    video, whole = long
    seen = []

    def interrupt(done, total):
        if done >= stop_after:
            seen.append(done)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        there.run([video], progress=interrupt, segment_frames=50)
    folder = there.predictions / "videos/long.mkv/long_unfinished"
    # Nothing is saved before a first batch of rows is full.
    saved = sum(len(np.load(path)["scores"]) for path in folder.glob("*/*.npz"))
    # A row is final once the frames that its clip sees behind it are decoded: 5 in this model.
    assert seen[0] - 5 - 64 <= saved <= seen[0]
    with caplog.at_level("INFO"):
        _, num_computed = there.run([video], segment_frames=50)
    assert num_computed == NUM_FRAMES - saved // 50 * 50
    assert np.allclose(there.scores("videos/long.mkv", "long"), whole, atol=1e-6, rtol=0)


def test_a_touched_file_keeps_its_segments_and_a_changed_one_loses_them(there, long):
    video, whole = long
    path = there.folder / "long.mkv"

    def interrupt(done, total):
        if done >= 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        there.run([video], progress=interrupt, segment_frames=50)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))
    assert there.run([video], segment_frames=50)[1] < NUM_FRAMES
    assert np.allclose(there.scores("videos/long.mkv", "long"), whole, atol=1e-6, rtol=0)

    (there.predictions / "videos/long.mkv/made_from.json").unlink()
    with pytest.raises(KeyboardInterrupt):
        there.run([video], progress=interrupt, segment_frames=50)
    write_video(path, seed=4, num_frames=NUM_FRAMES)
    assert there.run([video], segment_frames=50)[1] == NUM_FRAMES
    assert np.abs(there.scores("videos/long.mkv", "long") - whole).max() > 1e-4


@pytest.mark.parametrize("other", [{"backend": "opencv"}, {"stride": 2}, {"segment_frames": 49}])
def test_segments_of_other_settings_are_computed_again(there, long, other):
    video, _ = long

    def interrupt(done, total):
        if done >= 200:
            raise KeyboardInterrupt

    settings = {"segment_frames": 50}
    with pytest.raises(KeyboardInterrupt):
        there.run([video], progress=interrupt, **settings)
    assert there.run([video], **(settings | other))[1] == NUM_FRAMES


def test_a_damaged_file_of_a_segment_is_computed_again(there, long, caplog):
    video, whole = long

    def interrupt(done, total):
        if done >= 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        there.run([video], progress=interrupt, segment_frames=50)
    (first,) = (there.predictions / "videos/long.mkv/long_unfinished").glob("*/00000.npz")
    first.write_bytes(b"PK")
    there.run([video], segment_frames=50)
    assert "00000.npz is not used, its segment is computed again" in caplog.text
    assert np.allclose(there.scores("videos/long.mkv", "long"), whole, atol=1e-6, rtol=0)


@pytest.mark.skipif(sys.platform == "win32", reason="fork and SIGKILL")
@pytest.mark.parametrize(
    ("num_kills", "num_frames"), [(1, 400), pytest.param(20, 3000, marks=pytest.mark.slow)]
)
def test_kills_at_random_moments_do_not_change_the_results(there, num_kills, num_frames):
    write_video(there.folder / "long.mkv", seed=3, num_frames=num_frames)
    there.run([there.of_video("long.mkv")])
    folder = there.predictions / "videos/long.mkv"
    whole, spots = there.scores("videos/long.mkv", "long"), (folder / "results_spotting.json").read_text()
    (folder / "made_from.json").unlink()
    killed = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name("killing.py")),
            "long.mkv",
            str(num_frames),
            str(num_kills),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert killed.returncode == 0, killed.stderr
    computed = json.loads(killed.stdout)
    assert len(computed) == num_kills + 1
    # The last process had less to do.
    assert computed[-1] < num_frames
    assert np.allclose(there.scores("videos/long.mkv", "long"), whole, atol=1e-6, rtol=0)
    found = json.loads((folder / "results_spotting.json").read_text())["predictions"]
    expected = json.loads(spots)["predictions"]
    assert [(spot["label"], spot["position"]) for spot in found] == [
        (spot["label"], spot["position"]) for spot in expected
    ]
    assert not (folder / "long_unfinished").exists()


class _Timed(ProcessExecutor):
    """Notes when each worker has a job."""

    def __init__(self, devices):
        super().__init__(devices, remedy="")
        self.busy = []
        self._since = {}

    def submit(self, job):
        self._since[job.name] = time.monotonic()
        super().submit(job)

    def wait(self, seconds, watch):
        ends = super().wait(seconds, watch)
        for ended in ends:
            self.busy.append((self._since[ended.job.name], time.monotonic()))
        return ends


@pytest.mark.slow
def test_two_workers_of_one_long_file_are_idle_less_than_5_percent(there, capsys):
    # A half of 45 minutes at 25 frames a second, all lengths a fifth of the usual ones: 22 segments.
    write_video(there.folder / "long.mkv", seed=3, num_frames=67_500 // 5)
    video = there.of_video("long.mkv")
    work = there.work(segment_frames=3200 // 5)
    executor = _Timed(["cpu", "cpu"])
    schedule = Schedule([video], work, Weights(work), num_workers=2, device="cpu", progress=_ignore)
    run_jobs(schedule.jobs(), executor, on_end=schedule.settle, watch=schedule.watch)
    starts, ends = zip(*executor.busy, strict=True)
    span = max(ends) - min(starts)
    idle = 1 - sum(end - start for start, end in executor.busy) / (2 * span)
    with capsys.disabled():
        print(f"\ntwo workers, 22 segments in {len(starts)} jobs: idle {idle:.1%} of {span:.0f} s")
    assert idle < 0.05
