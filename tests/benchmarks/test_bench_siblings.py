from collections import Counter

import pytest
from bench_siblings import extrapolated, search
from sibling_clips import KINDS, make_clips


def check(folder, num_clips, num_copies):
    """Return how many hidden copies of each kind are found, and the false pairs."""
    made = make_clips(folder, num_clips=num_clips, num_copies=num_copies, seed=2)
    hidden = {
        (made[clip.copy_of].path.stem, clip.path.stem): clip.kind for clip in made if clip.copy_of is not None
    }
    _, found = search(made)
    pairs = {(pair.first, pair.second) for pair in found.pairs}
    return Counter(hidden[pair] for pair in pairs & hidden.keys()), pairs - hidden.keys()


def test_a_copy_of_each_kind_is_found_among_clips_of_one_match(tmp_path, monkeypatch):
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))
    found, false = check(tmp_path, 60, 8)
    assert found == dict.fromkeys(KINDS, 1)
    assert false == set()


@pytest.mark.slow
def test_copies_are_found_among_hundreds_of_clips(tmp_path, monkeypatch):
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))
    found, false = check(tmp_path, 400, 40)
    assert found.total() >= 0.95 * 40
    assert len(false) <= 1


def test_reading_is_extrapolated_by_the_number_and_pairing_by_its_exponent():
    part = {"reading_wall": 60.0, "reading_cpu": 60.0, "pairing_wall": 1.0, "pairing_cpu": 4.0}
    timed = {500: {**dict.fromkeys(part, 1.0)}, 1000: part}
    found = extrapolated(timed)
    # 37 times as many: 37 minutes of reading on all cores; pairing grew fourfold, so with the square.
    assert found["exponents_measured"]["pairing_cpu"] == pytest.approx(2)
    assert found["minutes_wall"] == pytest.approx(37 + 37**2 / 60)
    assert found["minutes_by_cpu_time"] == pytest.approx(37 / 2 + 4 * 37**2 / 60)
