"""Scores of tracks equal those of another implementation of TrackEval's definitions, on random tracks."""

import json
from pathlib import Path

import pytest
from track_cases import NUM_CASES, random_case

from bvas.metrics.track_overlaps import TrackRows
from bvas.metrics.tracking_scores import combined_scores, score_tracks

WANTED = json.loads(Path(__file__).with_name("trackers_eval.json").read_text())


def our_scores(seed):
    truth, tracks = (
        TrackRows(frames=frames, identities=identities, boxes=boxes)
        for frames, identities, boxes in random_case(seed)
    )
    return score_tracks(truth, tracks)


def assert_equal(scores, wanted):
    ours = scores.to_json()
    for name, values in wanted["by_alpha"].items():
        assert ours["by_alpha"][name] == pytest.approx(values, rel=0, abs=1e-9), name
    figures = {name: value for name, value in wanted.items() if name != "by_alpha"}
    assert {name: ours[name] for name in figures} == pytest.approx(figures, rel=0, abs=1e-9)


@pytest.mark.parametrize("seed", range(NUM_CASES))
def test_a_random_case(seed):
    assert_equal(our_scores(seed), WANTED["cases"][seed])


def test_all_cases_together():
    assert_equal(combined_scores([our_scores(seed) for seed in range(NUM_CASES)]), WANTED["combined"])
