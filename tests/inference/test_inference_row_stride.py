import numpy as np
import pytest

from bvas.inference.row_stride import Interpolation


def test_rows_between_computed_ones_lie_on_a_line():
    between = Interpolation(1)
    rows = np.array([[0.2], [9], [9], [0.8], [9]], np.float32)

    filled = between.fill(rows, np.array([False, True, True, False, True]))

    assert filled[:, 0].tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert between.fill(np.array([[0.4]], np.float32), np.array([False]))[:, 0].tolist() == pytest.approx(
        [0.6, 0.4]
    )
    assert len(between.finish()) == 0


def test_beside_a_gap_or_an_end_the_one_neighbor_is_repeated():
    between = Interpolation(1)
    rows = np.array([[9], [0.5], [9], [np.nan], [9], [0.7], [9]], np.float32)
    missing = np.array([True, False, True, False, True, False, True])

    filled = np.concatenate([between.fill(rows, missing), between.finish()])[:, 0]

    assert filled[[0, 1, 2, 4, 5, 6]].tolist() == pytest.approx([0.5, 0.5, 0.5, 0.7, 0.7, 0.7])
    assert np.isnan(filled[3])
