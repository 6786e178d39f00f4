import numpy as np
import pytest

from bvas.errors import ConfigError
from bvas.inference.ensemble import mean_scores


def curve(*rows):
    return np.array(rows, dtype=np.float32)


def test_the_mean_is_taken_row_by_row():
    mean = mean_scores([curve([0.2, 0.4], [0.0, 1.0]), curve([0.4, 0.8], [0.0, 0.0])])

    np.testing.assert_allclose(mean, [[0.3, 0.6], [0.0, 0.5]], atol=1e-7)
    assert mean.dtype == np.float32


def test_a_hole_in_one_curve_is_filled_by_the_others():
    hole = [np.nan, np.nan]

    mean = mean_scores([curve([0.2, 0.4], hole, hole), curve([0.4, 0.8], [0.5, 0.1], hole)])

    np.testing.assert_allclose(mean, [[0.3, 0.6], [0.5, 0.1], hole], atol=1e-7)


def test_curves_that_do_not_go_together_are_refused():
    with pytest.raises(ConfigError, match="at least one"):
        mean_scores([])
    with pytest.raises(ConfigError, match="same shape"):
        mean_scores([curve([0.1]), curve([0.1], [0.2])])
