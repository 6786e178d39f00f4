"""The presence system as a user walks it: recordings, training, intervals, a film; and how well it finds them."""

import csv
import time
from itertools import chain
from pathlib import Path

import av
import pytest

import bvas
from bvas.cli import main
from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.matches import find_matches
from bvas.experiment.experiment import load_experiment
from bvas.metrics.interval_scores import interval_scores
from bvas.synthetic.presence import VARIANTS, PresenceConfig
from bvas.synthetic.presence_files import make_recordings
from bvas.video.index.video_index import build_index

TINY_PRESENCE = '''
"""mini_presence, smaller."""

from dataclasses import replace

from bvas.experiment.experiment import load_experiment


def experiment():
    mini = load_experiment("mini_presence")
    return replace(
        mini,
        name="tiny_presence",
        input=replace(mini.input, size=(64, 112)),
        sampling=replace(mini.sampling, clips_per_epoch=8),
        train=replace(mini.train, batch_size=4, epochs=1, validation_clips=8),
    )
'''


def run(*words) -> None:
    assert main([str(word) for word in words]) == 0, words


def test_recordings_are_learnt_searched_and_cut(tmp_path, monkeypatch):
    config = PresenceConfig(
        recordings=3, minutes=0.12, stretches=1, stretch_seconds=3.0, size=(64, 112), seed=2, sound=True
    )
    make_recordings(tmp_path / "data", config, jobs=1)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "tiny_presence.py").write_text(TINY_PRESENCE)
    monkeypatch.chdir(tmp_path)
    video = "data/recordings/00_plain.mp4"

    run("train", "--experiment", "tiny_presence", "--workers", "0", "--quiet")
    # After two steps all scores lie near 0.5: this finds the whole recording.
    run("intervals", video, "--experiment", "tiny_presence", "--threshold", "0.01", "--quiet")
    run("cut", video, "--intervals", "intervals/00_plain", "--out", "film.mp4", "--quiet")

    with Path("intervals/00_plain/intervals.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["label"], row["first_frame"], row["last_frame"]) == ("IN_FRAME", "0", "179")
    with av.open("film.mp4") as film:
        assert sum(1 for _ in film.decode(video=0)) == 180
        assert film.streams.audio


@pytest.mark.slow  # 6 minutes
def test_moments_of_unseen_recordings_are_found_to_the_frame(tmp_path, monkeypatch):
    """Prints what the documentation states."""
    experiment = load_experiment("mini_presence")
    monkeypatch.chdir(tmp_path)
    make = "--size", "112x192", "--quiet"
    run("data", "synth", "--out", "data", "--task", "presence", "--keyframe-interval", 10, "--seed", 1, *make)
    run("data", "synth", "--out", "unseen", "--task", "presence", "--matches", 10, "--seed", 77, *make)

    begin = time.monotonic()
    run("train", "--experiment", "mini_presence", "--quiet")
    print(f"\ntrained in {time.monotonic() - begin:.0f} s")

    spotter = bvas.load_spotter("mini_presence")
    by_variant = {variant: [] for variant in VARIANTS}
    for match in find_matches(experiment.task, Path("unseen")):
        ((half, ranges),) = labelled_ranges(match, experiment.task)
        found = bvas.spot_video(half.path, spotter).intervals
        seconds = build_index(half.path)[0].duration_seconds
        by_variant[match.name.split("_")[1]].append((ranges, found, seconds))
    for variant, videos in (*by_variant.items(), ("all", list(chain(*by_variant.values())))):
        truth, found, seconds = zip(*videos, strict=True)
        scores = interval_scores(
            truth, found, experiment.task.labels, seconds, rate=experiment.input.rate
        ).to_json()
        boundaries, by_tiou = scores["boundary_error"], scores["by_tiou"]
        print(
            f"{variant}: {len(videos)} recordings, mAP at tIoU 0.5 {by_tiou['0.50']:.3f}, 0.75 {by_tiou['0.75']:.3f}, "
            f"0.95 {by_tiou['0.95']:.3f}, frame accuracy {scores['frame_accuracy']:.4f}, "
            f"boundary error {boundaries['both_frames']} frames"
        )
        assert by_tiou["0.50"] >= 0.95
        assert by_tiou["0.75"] >= 0.85
    # Of all recordings, the last round.
    assert boundaries["both_frames"]["median"] <= 2
