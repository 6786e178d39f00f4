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


FOUR = rows((0, 1, 0), (1, 1, 0), (2, 1, 0), (3, 1, 0))


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


def test_a_repeated_identity_in_a_frame_is_refused():
    with pytest.raises(ConfigError, match="identity 4 has several boxes in frame 2"):
        rows((2, 4, 0), (1, 4, 0), (2, 4, 50))


def test_combined_sequences_are_sums():
    whole = score_tracks(FOUR, FOUR)
    none = score_tracks(FOUR, rows())
    both = combined_scores([whole, none])
    # 4 of 8 true boxes match: DetA 1/2, AssA 1 of the matches, which all lie in the first sequence.
    assert (both.detection, both.association) == (0.5, 1)
    assert both.idf1 == pytest.approx(2 * 4 / (2 * 4 + 4))
    assert both.mota == 0.5
