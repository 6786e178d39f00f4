"""Processes that share a folder share the segments of its videos; one that is killed costs nobody the rest."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from workplaces import write_video

from bvas.commands.console import WRONG_INPUT
from bvas.predicting.match import MatchPrediction
from bvas.predicting.prepared_video import prepare_video
from bvas.predicting.segment_plan import jobs_of, own_runs
from bvas.predicting.segments import predict_segments
from bvas.predicting.settings import Weights
from bvas.system.jobs.job import Worker
from bvas.system.locks import open_alone

NUM_FRAMES = 400
NUM_SEGMENTS = 20


@pytest.fixture
def shared(there):
    """A video of 400 frames, 20 segments of 20, and its scores and spots by one process."""
    write_video(there.folder / "long.mkv", seed=3, num_frames=NUM_FRAMES)
    there.run([there.of_video("long.mkv")])
    folder = there.predictions / "videos/long.mkv"
    whole = there.scores("videos/long.mkv", "long"), (folder / "results_spotting.json").read_text()
    (folder / "made_from.json").unlink()
    return whole


def start(log, seconds, *others):
    return subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("together.py")),
            "long.mkv",
            log,
            str(seconds),
            *others,
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )


def segments_of(log):
    path = Path(log)
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def ended(process):
    error = process.communicate(timeout=120)[1]
    assert process.returncode == 0, error


def check_results(there, shared):
    whole, spots = shared
    folder = there.predictions / "videos/long.mkv"
    assert np.allclose(there.scores("videos/long.mkv", "long"), whole, atol=1e-6, rtol=0)
    found, expected = (
        [(spot["label"], spot["position"]) for spot in json.loads(text)["predictions"]]
        for text in ((folder / "results_spotting.json").read_text(), spots)
    )
    assert found == expected
    assert not list(folder.glob("*unfinished*"))


def test_two_processes_compute_each_segment_once(there, shared):
    processes = [start("a.log", 0.1, "b.log"), start("b.log", 0.1, "a.log")]
    for process in processes:
        ended(process)
    mine, its = segments_of("a.log"), segments_of("b.log")
    assert sorted(mine + its) == list(range(NUM_SEGMENTS))
    assert min(len(mine), len(its)) >= 4
    check_results(there, shared)


def test_a_killed_process_costs_one_segment_and_loses_nothing(there, shared):
    first, second = start("a.log", 0.1, "b.log"), start("b.log", 0.1, "a.log")
    deadline = time.monotonic() + 60
    while min(len(segments_of("a.log")), len(segments_of("b.log"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    first.kill()
    first.communicate()
    ended(second)
    times = Counter(segments_of("a.log") + segments_of("b.log"))
    assert times.keys() == set(range(NUM_SEGMENTS))
    # A kill between the file and its line in the log costs the line alone.
    assert times.total() <= NUM_SEGMENTS + 1
    check_results(there, shared)


def test_a_match_whose_folder_was_busy_when_a_video_was_planned_is_not_written(there):
    write_video(there.folder / "b.mkv", seed=4)
    work = there.work()
    match = MatchPrediction(there.of_video("b.mkv"), work, Weights(work))
    assert not match.write()
    match.close()


def test_a_segment_that_another_process_computes_is_left_to_it(there, shared):
    work = there.work(segment_frames=20)
    match = MatchPrediction(there.of_video("long.mkv"), work, Weights(work))
    (half,) = match.missing
    video = match.segmented(half, prepare_video(half.path, work.experiment.input), "cpu")
    worker = Worker(device="cpu", num_workers=1, kept={}, progress=lambda *_: None)
    with open_alone(video.folder / "00003.lock"):
        assert [video.state(number) for number in (2, 3, 4)] == ["free", "claimed", "free"]
        assert predict_segments(video, 3, 6, worker) == (0, 0)
        predict_segments(video, 0, NUM_SEGMENTS, worker)
        assert [video.is_done(number) for number in range(5)] == [True, True, True, False, False]
        assert not match.write()
    predict_segments(video, 3, NUM_SEGMENTS, worker)
    assert match.write()
    match.close()
    check_results(there, shared)

    # The folder of the segments is gone: nobody computes them again.
    assert predict_segments(video, 0, NUM_SEGMENTS, worker) == (0, 0)
    assert not video.folder.parent.exists()
    assert MatchPrediction(there.of_video("long.mkv"), work, Weights(work)).is_finished


def test_a_process_with_other_settings_does_not_replace_the_segments(there, shared):
    folders = []
    for stride in (1, 2):
        work = there.work(segment_frames=20, stride=stride)
        match = MatchPrediction(there.of_video("long.mkv"), work, Weights(work))
        (half,) = match.missing
        folders.append(match.segmented(half, prepare_video(half.path, work.experiment.input), "cpu").folder)
    assert folders[0] != folders[1]
    assert folders[0].parent == folders[1].parent


def test_a_folder_without_locks_is_refused_before_anything_decodes(there, monkeypatch, capsys):
    monkeypatch.setattr("fcntl.flock", lambda file, operation: None)
    monkeypatch.setattr("bvas.predicting.schedule.prepare_video", lambda *_: pytest.fail("a video was read"))
    assert there.predict() == WRONG_INPUT
    assert "do not hold: one file was locked twice; mount it with locks" in capsys.readouterr().err
    assert not list(there.predictions.rglob("*.npz"))


@pytest.mark.parametrize(
    ("states", "runs"),
    [
        ("ffffff", [(0, 6)]),
        ("ddffdf", [(2, 4), (5, 6)]),
        # A process is at segment 1: of the four behind it, the last two are taken.
        ("dcffff", [(4, 6)]),
        ("cf", [(1, 2)]),
        ("cffdfff", [(4, 7), (2, 3)]),
        ("dcdc", []),
        ("", []),
    ],
)
def test_the_second_half_behind_another_process_is_taken(states, runs):
    names = {"f": "free", "d": "done", "c": "claimed"}
    assert own_runs([names[state] for state in states]) == [range(*run) for run in runs]


def test_a_single_worker_takes_a_run_as_one_job():
    assert list(jobs_of([range(3, 40), range(50, 60)], 1)) == [range(3, 40), range(50, 60)]
