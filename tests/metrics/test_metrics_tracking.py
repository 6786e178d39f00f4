import numpy as np
import pytest

from bvas.errors import ConfigError
from bvas.metrics.track_overlaps import TrackRows
from bvas.metrics.tracking_scores import combined_scores, score_tracks


def rows(*entries):
    """`entries` as (frame, identity, x); boxes are 10 by 10 at height 0."""
    table = np.array(entries, dtype=np.float64).reshape(-1, 3)
    boxes = np.zeros((len(table), 4))
    boxes[:, 0], boxes[:, 2:] = table[:, 2], 10
    return TrackRows(
        frames=table[:, 0].astype(np.int64), identities=table[:, 1].astype(np.int64), boxes=boxes
    )


def along(identity, frames, x=0):
    return [(frame, identity, x) for frame in frames]


def figures(scores):
    held = scores.to_json()
    held.pop("alphas")
    return held


FOUR = rows(*along(1, range(4)))


def test_equal_tracks_have_full_scores():
    truth = rows(*along(1, range(4)), *along(2, range(2, 6), x=100))
    scores = score_tracks(truth, truth)
    assert (scores.hota, scores.detection, scores.association, scores.localization) == (1, 1, 1, 1)
    assert (scores.idf1, scores.mota, scores.clear.precision) == (1, 1, 1)
    assert (scores.clear.switches, scores.clear.fragments, scores.clear.mostly_tracked) == (0, 0, 2)
    assert (scores.num_truth, scores.num_tracks, scores.num_true_boxes, scores.num_boxes) == (2, 2, 8, 8)


def test_a_switch_in_the_middle_of_four_frames():
    scores = score_tracks(FOUR, rows((0, 7, 0), (1, 7, 0), (2, 8, 0), (3, 8, 0)))
    # All boxes match at all alphas: DetA = 4 / 4. Each match shares 2 boxes with its tracked identity, of 4 + 2 - 2.
    assert scores.detection == 1
    assert scores.association == 2 / 4
    assert scores.hota == pytest.approx(np.sqrt(1 * 0.5))
    assert scores.localization == 1
    # One of the two identities is given: 2 boxes agree, 2 are missed, 2 are false.
    assert (scores.identity.matches, scores.identity.misses, scores.identity.false_alarms) == (2, 2, 2)
    assert scores.idf1 == 0.5
    assert scores.clear.switches == 1
    assert scores.clear.fragments == 0
    assert scores.mota == (4 - 0 - 1) / 4
    assert scores.clear.mostly_tracked == 1


def test_association_has_a_recall_and_a_precision():
    # A true identity of 4 boxes; 3 of them matched by an identity of 5.
    scores = figures(
        score_tracks(rows(*along(1, range(4))), rows(*along(1, range(3)), *along(1, range(3, 5), x=500)))
    )
    assert scores["AssRe"] == pytest.approx(3 / 4)
    assert scores["AssPr"] == pytest.approx(3 / 5)
    assert scores["AssA"] == pytest.approx(3 / (4 + 5 - 3))
    assert scores["DetA"] == pytest.approx(3 / (3 + 1 + 2))


def test_detection_accuracy_counts_a_box_up_to_its_overlap():
    # Boxes of width 10 that are 5 apart: IoU 5 / 15. It reaches the alphas 0.05 to 0.3, six of the 19.
    scores = score_tracks(FOUR, rows(*along(1, range(4), x=5)))
    assert scores.hota_sums.matches.tolist() == [4] * 6 + [0] * 13
    assert scores.detection == pytest.approx(6 / 19)
    assert scores.hota == pytest.approx(6 / 19)
    # The alphas without a match have a localization of 1.
    assert scores.localization == pytest.approx((6 / 3 + 13) / 19)
    assert (scores.idf1, scores.mota) == (0, -1)


def test_an_overlap_at_a_threshold_reaches_it():
    # 10 by 10 boxes that lie 2.5 apart share 7.5 of 12.5: IoU 0.6, where 0.6 is 12 alphas.
    scores = score_tracks(FOUR, rows(*along(1, range(4), x=2.5)))
    assert scores.hota_sums.matches.tolist() == [4] * 12 + [0] * 7


def test_of_two_boxes_the_one_of_the_longer_track_is_matched():
    # In frame 3, a short track lies on the player (IoU 1), and the track of frames 0 to 2 beside him (IoU 9 / 11).
    tracks = rows(*along(1, range(3)), (3, 1, 1), (3, 2, 0))
    scores = score_tracks(FOUR, tracks)
    # The alignment of identity 1 outweighs its smaller IoU, so all matches at alpha 0.05 are those of identity 1.
    assert scores.hota_sums.association[0] == pytest.approx(4 / 4)
    assert scores.hota_sums.false_alarms[0] == 1
    # CLEAR keeps the pair of the frame before.
    assert scores.clear.switches == 0
    assert scores.clear.overlap_sum == pytest.approx(3 + 9 / 11)


def test_a_pair_is_kept_only_while_its_overlap_suffices():
    # In frame 1 the old track is 4 apart (IoU 6 / 14), a new one lies on the player.
    scores = score_tracks(rows(*along(1, range(2))), rows((0, 1, 0), (1, 1, 4), (1, 2, 0)))
    assert scores.clear.switches == 1
    assert (scores.clear.matches, scores.clear.false_alarms, scores.clear.misses) == (2, 1, 0)


def test_two_players_who_swap_identities():
    truth = rows(*along(1, range(4)), *along(2, range(4), x=100))
    tracks = rows(*along(1, [0, 1]), *along(1, [2, 3], x=100), *along(2, [0, 1], x=100), *along(2, [2, 3]))
    scores = score_tracks(truth, tracks)
    # Each match shares 2 boxes with its tracked identity, of 4 + 4 - 2.
    assert scores.association == pytest.approx(2 / 6)
    assert scores.hota == pytest.approx(np.sqrt(2 / 6))
    assert scores.idf1 == pytest.approx(4 / 8)
    assert scores.clear.switches == 2
    assert scores.mota == (8 - 2) / 8


def test_a_switch_over_a_gap_counts_and_so_does_the_fragment():
    # A far player keeps frames 2 and 3 from being without true or tracked boxes.
    far = along(9, range(6), x=500)
    truth = rows(*along(1, range(6)), *far)
    same = score_tracks(truth, rows(*along(1, [0, 1, 4, 5]), *far))
    assert (same.clear.switches, same.clear.fragments, same.clear.misses) == (0, 1, 2)
    other = score_tracks(truth, rows(*along(1, [0, 1]), *along(2, [4, 5]), *far))
    assert (other.clear.switches, other.clear.fragments, other.clear.misses) == (1, 1, 2)


def test_a_frame_without_any_track_is_no_fragment_as_in_trackeval():
    scores = score_tracks(FOUR, rows((0, 1, 0), (1, 1, 0), (3, 1, 0)))
    assert (scores.clear.fragments, scores.clear.misses) == (0, 1)


def test_players_are_mostly_tracked_above_four_fifths_and_mostly_lost_below_one_fifth():
    truth = rows(*(row for number in range(4) for row in along(number, range(10), x=100 * number)))
    shown = {0: 9, 1: 8, 2: 2, 3: 1}
    tracks = rows(
        *(row for number, count in shown.items() for row in along(number, range(count), 100 * number))
    )
    clear = score_tracks(truth, tracks).clear
    # 8 of 10 is not above, 2 of 10 is not below.
    assert (clear.mostly_tracked, clear.partly_tracked, clear.mostly_lost) == (1, 2, 1)


def test_without_tracks_all_is_missed():
    scores = score_tracks(FOUR, rows())
    assert (scores.hota, scores.detection, scores.association, scores.idf1, scores.mota) == (0, 0, 0, 0, 0)
    assert (scores.clear.misses, scores.identity.misses, scores.clear.mostly_lost) == (4, 4, 1)
    assert scores.hota_sums.misses.tolist() == [4] * 19


def test_without_truth_all_is_a_false_alarm():
    scores = score_tracks(rows(), FOUR)
    assert (scores.hota, scores.idf1, scores.mota) == (0, 0, 0)
    assert (scores.clear.false_alarms, scores.identity.false_alarms) == (4, 4)
    assert scores.hota_sums.false_alarms.tolist() == [4] * 19


def test_without_both_there_is_nothing():
    scores = score_tracks(rows(), rows())
    assert (scores.hota, scores.idf1, scores.mota, scores.num_true_boxes, scores.num_boxes) == (0, 0, 0, 0, 0)


def test_frames_of_one_side_only_are_misses_and_false_alarms():
    scores = score_tracks(rows(*along(1, [0, 1, 2])), rows(*along(1, [1, 2, 3, 4])))
    assert (scores.clear.matches, scores.clear.misses, scores.clear.false_alarms) == (2, 1, 2)
    assert scores.detection == pytest.approx(2 / 5)


def random_rows(seed, num_frames=30, num_players=5):
    """Players side by side who overlap their neighbors; a fifth of the boxes is missing."""
    draw = np.random.default_rng(seed)
    frames, identities = np.divmod(np.arange(num_frames * num_players), num_players)
    boxes = np.column_stack([draw.uniform(0, 12, (len(frames), 2)), draw.uniform(30, 40, (len(frames), 2))])
    boxes[:, 0] += 20 * identities
    kept = draw.random(len(frames)) < 0.8
    return TrackRows(frames=frames[kept], identities=identities[kept], boxes=boxes[kept])


def changed(held, **changes):
    kept = {name: getattr(held, name) for name in ("frames", "identities", "boxes")}
    return TrackRows(**{**kept, **changes})


def test_other_identities_and_other_numbers_of_frames_change_nothing():
    truth, tracks = random_rows(1), random_rows(2)
    names = np.array([7, -3, 2**40, 0, 5])
    renamed = changed(tracks, identities=names[tracks.identities], frames=3 * tracks.frames - 50)
    moved = changed(truth, identities=-truth.identities, frames=3 * truth.frames - 50)
    before, after = (figures(score_tracks(*pair)) for pair in ((truth, tracks), (moved, renamed)))
    assert 0.2 < before["HOTA"] < 0.8
    for name, values in before.pop("by_alpha").items():
        assert after["by_alpha"][name] == pytest.approx(values, abs=1e-12)
    assert {name: after[name] for name in before} == pytest.approx(before, abs=1e-12)


def test_the_order_of_rows_changes_nothing():
    truth, tracks = random_rows(3), random_rows(4)
    order = np.random.default_rng(0).permutation(len(tracks.frames))
    shuffled = TrackRows(
        frames=tracks.frames[order], identities=tracks.identities[order], boxes=tracks.boxes[order]
    )
    before, after = score_tracks(truth, tracks), score_tracks(truth, shuffled)
    assert after.hota == pytest.approx(before.hota, abs=1e-12)
    assert after.identity == before.identity
    assert after.clear.switches == before.clear.switches


def test_combined_sequences_are_sums():
    whole, none = score_tracks(FOUR, FOUR), score_tracks(FOUR, rows())
    both = combined_scores([whole, none])
    # 4 of 8 true boxes match: DetA 1/2, AssA 1 of the matches, which all lie in the first sequence.
    assert (both.detection, both.association) == (0.5, 1)
    assert both.idf1 == pytest.approx(2 * 4 / (2 * 4 + 4))
    assert both.mota == 0.5
    assert (both.num_truth, both.num_tracks, both.clear.mostly_tracked, both.clear.mostly_lost) == (
        2,
        1,
        1,
        1,
    )


def test_one_sequence_combined_is_itself():
    one = score_tracks(random_rows(1), random_rows(2))
    assert figures(combined_scores([one])) == figures(one)


def test_no_sequences_are_refused():
    with pytest.raises(ConfigError, match="0 sequences"):
        combined_scores([])


def test_a_repeated_identity_in_a_frame_is_refused():
    with pytest.raises(ConfigError, match="identity 4 has several boxes in frame 2"):
        rows((2, 4, 0), (1, 4, 0), (2, 4, 50))


def test_rows_of_other_shapes_types_and_infinite_boxes_are_refused():
    with pytest.raises(ConfigError, match=r"\[\[4\], \[3\], \[4, 4\]\]"):
        changed(FOUR, identities=np.zeros(3, np.int64))
    with pytest.raises(ConfigError, match="frames must be integers, got float64"):
        changed(FOUR, frames=FOUR.frames + 0.5)
    with pytest.raises(ConfigError, match=r"identity 1 has the box .* in frame 2"):
        boxes = FOUR.boxes.copy()
        boxes[2, 3] = np.nan
        changed(FOUR, boxes=boxes)
