import random

import pytest

from bvas.metrics.analysis import match_spots
from bvas.metrics.suspects import JudgedVideo, SuspectKind, find_suspects
from bvas.values.annotations import Annotation, LabelSet, Spot

BALL = LabelSet(("PASS", "DRIVE"), merged={"LONG PASS": "PASS"})


def judged(annotations, spots, supports=None):
    """A video whose annotations all have a support of 0.8, unless it is said."""
    given = supports or {}
    return JudgedVideo(
        matching=match_spots(annotations, spots, BALL),
        supports={a: given.get(a, 0.8) for a in annotations if given.get(a, 0.8) is not None},
    )


def found_in(*videos):
    return [
        (s.kind.value, s.video, s.seconds, pytest.approx(s.suspicion)) for s in find_suspects(videos, BALL)
    ]


def test_an_annotation_without_a_spot_lacks_what_its_label_usually_has():
    annotations = [Annotation("PASS", 10.0 * i) for i in range(5)]
    supports = dict(zip(annotations, (0.9, 0.7, 0.6, 0.1, 0.7), strict=True))
    spots = [Spot("PASS", 10.0 * i, 0.7) for i in (0, 1, 2, 4)]

    (suspect,) = find_suspects([judged(annotations, spots, supports)], BALL)

    assert (suspect.kind, suspect.annotation, suspect.spot, suspect.rank) == (
        SuspectKind.NO_SPOT,
        annotations[3],
        None,
        1,
    )
    # 0.7 is the median of 0.1 0.6 0.7 0.7 0.9.
    assert (suspect.usual, suspect.support) == (0.7, 0.1)
    assert suspect.suspicion == pytest.approx(0.6)


def test_a_spot_alone_counts_as_much_as_such_spots_are_right():
    annotations = [Annotation("DRIVE", 10.0), Annotation("DRIVE", 20.0)]
    spots = [Spot("DRIVE", t, c) for t, c in ((10.0, 0.9), (20.0, 0.8), (30.0, 0.85), (40.0, 0.3))]

    high, low = find_suspects([judged(annotations, spots)], BALL)

    # Right from 0.9 up: 1 of 1, from 0.85: 1 of 2, from 0.8: 2 of 3, from 0.3: 2 of 4.
    assert (high.kind, high.spot, high.trust) == (
        SuspectKind.NO_ANNOTATION,
        spots[2],
        pytest.approx(2 / 3),
    )
    assert high.suspicion == pytest.approx(0.85 * 2 / 3)
    assert (low.spot, low.trust, low.suspicion) == (spots[3], 0.5, pytest.approx(0.15))


def test_a_spot_of_another_label_at_the_same_time_is_one_suspect_with_the_annotation():
    annotations = [Annotation("PASS", 10.0), Annotation("PASS", 20.0), Annotation("DRIVE", 30.0)]
    supports = {annotations[1]: 0.2}
    spots = [Spot("PASS", 10.0, 0.8), Spot("DRIVE", 20.4, 0.9), Spot("DRIVE", 30.0, 0.9)]

    (suspect,) = find_suspects([judged(annotations, spots, supports)], BALL)

    assert (suspect.kind, suspect.annotation, suspect.spot) == (
        SuspectKind.OTHER_LABEL,
        annotations[1],
        spots[1],
    )
    # PASS usually has 0.5, the median of 0.8 and 0.2; half of the drives are right.
    assert suspect.suspicion == pytest.approx(1 - (1 - 0.3) * (1 - 0.9 * 0.5))


def test_a_spot_of_the_same_label_says_within_two_seconds_that_the_time_is_wrong():
    annotations = [Annotation("PASS", 10.0), Annotation("PASS", 20.0)]
    near, far = Spot("PASS", 22.0, 0.6), Spot("PASS", 22.1, 0.6)
    supports = {annotations[1]: 0.2}

    (suspect,) = find_suspects([judged(annotations, [Spot("PASS", 10, 0.8), near], supports)], BALL)
    assert (suspect.kind, suspect.spot) == (SuspectKind.OTHER_TIME, near)
    assert found_in(judged(annotations, [Spot("PASS", 10, 0.8), far], supports)) == [
        ("no spot", 0, 20.0, 0.3),
        ("no annotation", 0, 22.1, 0.3),
    ]


def test_a_merged_name_is_its_label():
    annotations = [Annotation("LONG PASS", 10.0), Annotation("PASS", 20.0)]
    spots = [Spot("PASS", 10.0, 0.8), Spot("PASS", 21.0, 0.8)]
    assert [s.kind for s in find_suspects([judged(annotations, spots)], BALL)] == [SuspectKind.OTHER_TIME]


def test_an_annotation_takes_the_spot_that_is_worth_most_and_no_spot_is_taken_twice():
    first, second = Annotation("PASS", 10.0), Annotation("PASS", 11.5)
    spots = [Spot("PASS", 8.5, 0.5), Spot("PASS", 12.0 + 0.5, 0.5), Spot("PASS", 50.0, 0.5)]
    # One spot of four is right, and all are worth the same: the nearer one is chosen.
    hit = Annotation("PASS", 50.0)
    found = find_suspects([judged([first, second, hit], spots)], BALL)
    assert [(s.annotation, s.spot) for s in found] == [(first, spots[0]), (second, spots[1])]


def test_what_cannot_be_judged_is_no_suspect_and_no_measure():
    hidden, miss, hit = (Annotation("PASS", t) for t in (10.0, 20.0, 30.0))
    video = judged([hidden, miss, hit], [Spot("PASS", 30.0, 0.9)], {hidden: None, miss: 0.4})
    assert found_in(video) == [("no spot", 0, 20.0, pytest.approx(0.2))]


def test_a_label_that_the_model_does_not_know_ranks_low():
    drives = [Annotation("DRIVE", 10.0 * i + 5) for i in range(5)]
    passes = [Annotation("PASS", 10.0 * i) for i in range(5)]
    supports = dict.fromkeys(drives, 0.1) | {passes[4]: 0.3}
    spots = [*(Spot("PASS", 10.0 * i, 0.8) for i in range(4)), Spot("DRIVE", 58.0, 0.7)]
    # Every drive is missed, and the only spot of one is wrong, which says nothing about the annotations.
    assert found_in(judged(passes + drives, spots, supports)) == [("no spot", 0, 40.0, 0.5)]


def test_suspects_of_all_videos_are_ranked_together():
    usual = [Annotation("PASS", 10.0 * i) for i in range(1, 5)]
    spots = [Spot("PASS", a.seconds, 0.8) for a in usual]
    one, other = Annotation("PASS", 60.0), Annotation("PASS", 70.0)
    videos = [judged([*usual, one], spots, {one: 0.5}), judged([*usual, other], spots, {other: 0.1})]
    assert [(s.rank, s.video) for s in find_suspects(videos, BALL)] == [(1, 1), (2, 0)]


def test_planted_mistakes_come_before_what_the_model_gets_wrong_itself():
    rng = random.Random(0)
    truth = [Annotation(rng.choice(BALL.names), 6.0 * i) for i in range(1, 201)]
    # The model finds nine of ten with a confidence of 0.6 to 1, and is wrong thirty times with 0.2 to 0.6.
    seen = [a for i, a in enumerate(truth) if i % 10]
    spots = [Spot(a.label, a.seconds + rng.uniform(-0.2, 0.2), rng.uniform(0.6, 1.0)) for a in seen]
    spots += [Spot(rng.choice(BALL.names), 6.0 * i + 3.0, rng.uniform(0.2, 0.6)) for i in range(30)]
    swapped, moved, dropped = truth[21], truth[52], truth[103]
    other = "DRIVE" if swapped.label == "PASS" else "PASS"
    wrong = [Annotation(other, swapped.seconds), Annotation(moved.label, moved.seconds + 1.2)]
    written = [*(a for a in truth if a not in (swapped, moved, dropped)), *wrong]
    supports = {
        a: max(
            (s.confidence for s in spots if s.label == a.label and abs(s.seconds - a.seconds) <= 0.5),
            default=0.3,
        )
        for a in written
    }

    found = find_suspects([judged(written, spots, supports)], BALL)[:3]

    assert {s.kind: round(s.seconds) for s in found} == {
        SuspectKind.OTHER_LABEL: round(swapped.seconds),
        SuspectKind.OTHER_TIME: round(moved.seconds + 1.2),
        SuspectKind.NO_ANNOTATION: round(dropped.seconds),
    }
