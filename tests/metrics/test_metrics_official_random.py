"""Small cases of every oddity, made by hypothesis: our figures are the package's."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from official_package import assert_equal_scores, both_scores, event, prediction

from bvas.values.annotations import LabelSet

LABELS = LabelSet(("PASS", "DRIVE", "GOAL"))
METRICS = ["at1", "at2", "at3", "at4", "at5", "tight", "loose"]

# Around few moments, so that events meet: on one frame, at the edge of a tolerance, just beyond it,
# at either end of a half, and after the two hours that a half may have.
MOMENTS = st.sampled_from([0, 40, 60_000, 61_000, 2_700_000, 7_199_960, 7_300_000])
OFFSETS = st.sampled_from([0, 1, 39, 40, 480, 500, 519, 520, 1000, 1500, 2500, 2501, 30_000]) | st.integers(
    0, 3000
)
POSITIONS = st.builds(lambda moment, offset: moment + offset, MOMENTS, OFFSETS)
# Ties, thresholds themselves (multiples of 1/199), nothing at all.
CONFIDENCES = st.sampled_from([0.0, 1.0, 0.5, 1 / 199, 100 / 199, 0.3]) | st.floats(0, 1)
# HEADER is known to nobody, GOAL has no annotation.
ANNOTATIONS = st.builds(
    event,
    st.sampled_from([1, 1, 2]),
    st.sampled_from(["PASS", "PASS", "DRIVE", "HEADER"]),
    POSITIONS,
    st.sampled_from(["visible", "visible", "not shown"]),
)
PREDICTIONS = st.builds(
    prediction,
    st.sampled_from([1, 1, 2]),
    st.sampled_from(["PASS", "PASS", "DRIVE", "GOAL", "HEADER"]),
    POSITIONS,
    CONFIDENCES,
)


@st.composite
def leagues(draw):
    """Matches with annotations, and predictions some of which are annotations, moved or as they are."""
    matches = []
    for number in range(draw(st.integers(1, 3))):
        annotations = draw(st.lists(ANNOTATIONS, max_size=12))
        found = draw(st.lists(PREDICTIONS, max_size=12))
        for annotation in annotations:
            if draw(st.booleans()):
                position = int(annotation["position"]) + draw(OFFSETS)
                half = annotation["gameTime"][0]
                found.append(prediction(half, annotation["label"], position, draw(CONFIDENCES)))
        matches.append((f"league/season/match {number}", annotations, draw(st.permutations(found))))
    return matches


def check(package, matches, metric, rate):
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = both_scores(package, Path(folder), matches, LABELS, metric, rate)
    assert_equal_scores(ours, theirs, LABELS)
    assert ours.per_label["GOAL"] == 0.0


RANDOM = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@settings(RANDOM, max_examples=20)
@given(matches=leagues(), metric=st.sampled_from(["at1", "at5", "tight"]), rate=st.sampled_from([2, 25]))
def test_odd_cases_score_as_the_package_scores_them(package, matches, metric, rate):
    check(package, matches, metric, rate)


@pytest.mark.slow
@settings(RANDOM, max_examples=200)
@given(matches=leagues(), metric=st.sampled_from(METRICS), rate=st.sampled_from([2, 25]))
def test_two_hundred_odd_cases_score_so_by_every_metric(package, matches, metric, rate):
    check(package, matches, metric, rate)
