"""Tracker on real sequences, against the figures of other trackers."""

import re

import numpy as np
import pytest

from bvas.metrics.tracking_scores import score_tracks
from bvas.tracking.mot_files import read_detections, read_truth
from bvas.tracking.track_rows import rows_of_tracks
from bvas.tracking.tracker import track_boxes
from bvas.tracking.tracker_config import TrackerConfig
from bvas.values.boxes import box_overlaps

ROW = re.compile(r"\| (v_\S+) \| (\S+) \| ([0-9.]+) \| ([0-9.]+) \|")
# The figures of REFERENCE.md are rounded to a thousandth.
ROUNDING = 5e-4


@pytest.fixture(scope="module")
def tracking_data(shared_data):
    folder = shared_data / "tracking"
    if not folder.is_dir():
        pytest.skip(f"the tracking data are not here ({folder})")
    return folder


def _margins(data, chosen):
    """Return HOTA and IDF1 less ByteTrack's for the lines of REFERENCE.md of the chosen sequences."""
    margins = {}
    for name, detections, hota, idf1 in ROW.findall((data / "REFERENCE.md").read_text()):
        if name.startswith(chosen):
            folder = data / "sportsmot" / name
            truth = read_truth(folder / "gt.txt")
            times = np.arange(int(truth.frames.max()) + 1) / 25
            tracks = track_boxes(read_detections(folder / f"{detections}.txt", times))
            scores = score_tracks(truth, rows_of_tracks(tracks))
            margins[name, detections] = scores.hota - float(hota), scores.idf1 - float(idf1)
    return margins


def test_hota_and_idf1_are_above_bytetracks_on_the_shortest_sequence(tracking_data):
    margins = _margins(tracking_data, "v_-6Os86HzwCs_c003")
    assert len(margins) == 4
    assert min(min(pair) for pair in margins.values()) >= -ROUNDING, margins


@pytest.mark.slow
def test_hota_and_idf1_are_above_bytetracks_on_each_sequence(tracking_data):
    margins = _margins(tracking_data, "v_")
    assert len(margins) == 12
    assert min(min(pair) for pair in margins.values()) >= -ROUNDING, margins
    assert np.mean(list(margins.values()), axis=0).min() >= 0.02


@pytest.mark.parametrize("limit", [None, 2])
def test_two_basketball_players_keep_their_numbers(tracking_data, limit):
    times = np.arange(300) * 1001 / 30000
    frames = read_detections(tracking_data / "basketball_detections.txt", times)
    tracks = track_boxes(frames, TrackerConfig(max_players=limit))
    found = rows_of_tracks(tracks)
    truth = read_truth(tracking_data / "basketball_truth.txt")
    misses, numbers = 0, {1: set(), 2: set()}
    for frame, player, box in zip(truth.frames, truth.identities, truth.boxes, strict=True):
        there = found.frames == frame
        overlaps = box_overlaps(box[None], found.boxes[there])[0]
        if overlaps.size and overlaps.max() >= 0.5:
            numbers[int(player)].add(int(found.identities[there][overlaps.argmax()]))
        else:
            misses += 1
    assert misses <= 2
    assert [len(numbers[player]) for player in (1, 2)] == [1, 1]
    assert numbers[1] != numbers[2]
    assert set(found.identities[np.isin(found.frames, truth.frames)].tolist()) == numbers[1] | numbers[2]
