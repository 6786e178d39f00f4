"""The rule that numbers frames, on packets and pictures made by hand."""

from fractions import Fraction

import pytest

from bvas.video.container.sequence_tracking import NO_TRAITS
from bvas.video.container.time_repair import NO_TIME, Ticks
from bvas.video.index.frame_numbering import ShownFrames
from bvas.video.index.stream_facts import PacketFacts

# Decoding order of a keyframe, two groups of B-frames, and another keyframe that a B-frame leads.
ORDER = [0, 3, 1, 2, 6, 4, 5, 8, 7]


def packet(pts, *, is_start=False, is_shown=True):
    return PacketFacts(pts, pts, 1, is_start, is_shown, False, NO_TRAITS)


def rule(codec="h264"):
    return ShownFrames(True, codec, Fraction(1, 25))


def test_packets_first_or_in_turn_gives_the_same_numbers():
    at_once, in_turn = rule(), rule()
    for pts in ORDER:
        at_once.add_packet(packet(pts, is_start=pts in (0, 8)))
    at_once.end_packets()
    assert [at_once.add_output(pts, is_keyframe=False).index for pts in range(9)] == list(range(9))
    numbers = []
    for place, pts in enumerate(ORDER):
        in_turn.add_packet(packet(pts, is_start=pts in (0, 8)))
        if place >= 2:
            numbers.append(in_turn.add_output(place - 2, is_keyframe=False).index)
            assert in_turn.num_frames == place - 1
    in_turn.end_packets()
    numbers += [in_turn.add_output(pts, is_keyframe=False).index for pts in (7, 8)]
    assert numbers == list(range(9))
    for shown in (at_once, in_turn):
        assert not shown.finish()
        assert shown.frames(()).pts.tolist() == list(range(9))
        assert shown.frames(()).keyframe_pts.tolist() == [0, 8]


def test_pictures_ahead_of_the_first_keyframe_count_only_if_they_come_out():
    shown = rule()
    # Two packets of an interval whose keyframe was not recorded, then one with a leading picture.
    for pts in (0, 1, 5, 4, 6):
        shown.add_packet(packet(pts, is_start=pts == 5))
    shown.end_packets()
    assert shown.add_output(1, is_keyframe=False).index == 0
    placed = shown.add_output(5, is_keyframe=True)
    assert (placed.index, len(placed.lost)) == (1, 0)
    shown.add_output(6, is_keyframe=False)
    assert shown.frames(()).pts.tolist() == [1, 5, 6]


def compared(num_frames=20):
    """A rule that has seen so many frames, no longer compares, and waits for one more picture."""
    shown = rule()
    for pts in range(num_frames + 1):
        shown.add_packet(packet(pts, is_start=pts == 0))
    for pts in range(num_frames):
        shown.add_output(pts, is_keyframe=pts == 0)
    assert not shown.is_comparing
    return shown


def test_a_frame_that_does_not_come_out_has_a_number():
    shown = compared(20)
    shown.add_packet(packet(21))
    placed = shown.add_output(21, is_keyframe=False)
    assert (placed.lost, placed.index) == (range(20, 21), 21)
    shown.add_packet(packet(22))
    shown.end_packets()
    assert shown.finish() == range(22, 23)


@pytest.mark.parametrize(
    ("pts", "reason"), [(5, "one time"), (NO_TIME, "no time"), (10**9, "days apart")], ids=str
)
def test_times_that_cannot_be_used_are_counted_from_there_on(pts, reason):
    shown = compared(20)
    shown.add_packet(packet(pts))
    assert shown.counts
    assert shown.renumbered is None
    assert shown.add_output(20, is_keyframe=False).index == 20
    assert shown.num_frames == 21
    # After a loss the whole would count without it.
    shown = compared(20)
    shown.add_packet(packet(21))
    shown.add_output(21, is_keyframe=False)
    shown.add_packet(packet(pts))
    assert reason in shown.renumbered


def test_a_missing_picture_at_the_start_is_counted_unless_an_error_explains_it():
    for num_errors in (0, 1):
        shown = rule()
        for pts in range(5):
            shown.add_packet(packet(pts, is_start=pts == 0))
        shown.add_output(0, is_keyframe=True)
        for _ in range(num_errors):
            shown.add_error()
        placed = shown.add_output(2, is_keyframe=False)
        assert shown.counts is (num_errors == 0)
        assert placed.index == (2 if num_errors else 1)
        assert placed.lost == (range(1, 2) if num_errors else range(0))


def test_a_video_without_keyframes_begins_with_its_first_packet():
    shown = rule()
    for pts in (3, 4, 5):
        shown.add_packet(packet(pts))
        assert shown.add_output(pts, is_keyframe=False).index == pts - 3
    shown.end_packets()
    assert not shown.counts
    assert shown.frames(()).keyframe_pts.tolist() == [3]


def test_a_view_of_times_stays_as_it_is_while_they_grow():
    ticks = Ticks()
    ticks.extend(range(1000))
    early = ticks.view()
    ticks.extend(range(1000, 5000))
    assert early.tolist() == list(range(1000))
    assert ticks.view().tolist() == list(range(5000))
    assert ticks.holds(4999)
    assert not ticks.holds(5000)
    with pytest.raises(ValueError, match="read-only"):
        ticks.view()[0] = 1
