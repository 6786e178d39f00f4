import numpy as np
import pytest

from bvas.errors import DataError
from bvas.results.store import load_curve, save_curve
from bvas.values.annotations import Gap
from bvas.values.score_curve import ScoreCurve, mean_curve


def _curve(values, labels=("PASS",)):
    scores = np.array(values, dtype=np.float32)[:, None]
    return ScoreCurve(scores, np.arange(len(values)) / 25, labels)


def test_a_curve_comes_back_whole(tmp_path):
    curve = _curve([0.1, np.nan, 0.3])
    save_curve(curve, tmp_path / "deep" / "a_scores.npz")

    back = load_curve(tmp_path / "deep" / "a_scores.npz")

    assert np.array_equal(back.scores, curve.scores, equal_nan=True)
    assert np.array_equal(back.seconds, curve.seconds)
    assert back.labels == ("PASS",)


def test_the_mean_has_a_gap_where_one_of_the_curves_has(tmp_path):
    mean = mean_curve([_curve([0.0, 0.5, 1.0]), _curve([1.0, np.nan, 0.5])])
    assert mean.scores[:, 0].tolist() == pytest.approx([0.5, np.nan, 0.75], nan_ok=True)


def test_gaps_are_the_times_of_lost_rows():
    assert _curve([np.nan, 0.1, np.nan, np.nan]).gaps() == [
        Gap(0.0, 0.0, 1, "no scores"),
        Gap(0.08, 0.12, 2, "no scores"),
    ]
    assert _curve([0.1]).gaps() == []


def test_curves_that_do_not_match_are_refused():
    with pytest.raises(DataError, match="predict both with one grid"):
        mean_curve([_curve([0.1]), _curve([0.1, 0.2])])
    with pytest.raises(DataError, match="do not match"):
        mean_curve([_curve([0.1]), _curve([0.1], ("DRIVE",))])


def test_a_file_that_is_no_curve_says_to_predict_again(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"nothing")
    for name in ("a.npz", "missing.npz"):
        with pytest.raises(DataError, match=r"cannot read the score curve .*predict it again"):
            load_curve(tmp_path / name)


# The first byte of the compressed scores, behind a field of 20 bytes, and a flag that says that they are encrypted.
@pytest.mark.parametrize(("mark", "offset"), [(b"scores.npy", 10 + 20), (b"PK\x01\x02", 8)])
def test_a_damaged_curve_says_so_whichever_byte_it_is(tmp_path, mark, offset):
    path = tmp_path / "a_scores.npz"
    save_curve(_curve([0.1, 0.2, 0.3]), path)
    content = bytearray(path.read_bytes())
    content[content.index(mark) + offset] = 0xFF
    path.write_bytes(content)

    with pytest.raises(DataError, match=r"cannot read the score curve .*predict it again"):
        load_curve(path)
