"""Fits of growth, on numbers that grow by a known power."""

import bench_growth
import pytest
from bench_growth import QUESTIONS, Question, fitted


def question(base=1):
    return Question(unit="things", sizes=(2, 4, 8), base=base, prepare=lambda size, folder: lambda: None)


def points(sizes, seconds, peak):
    return [{"size": size, "seconds": seconds(size), "peak_bytes": peak(size)} for size in sizes]


def test_a_fixed_cost_does_not_hide_the_power_of_what_is_above_it():
    row = fitted(question(), points((1, 2, 4, 8), lambda n: 10 + 0.5 * n, lambda n: 1000))
    assert row["time_exponent"] == pytest.approx(1)
    assert row["time_exponent_is"] == "above the base"
    assert (row["fixed_seconds"], row["seconds_per_unit"]) == pytest.approx((10, 0.5))
    assert row["memory_exponent"] == pytest.approx(0, abs=1e-9)
    assert (row["smallest"], row["largest"]) == (2, 8)


def test_the_square_is_told_from_the_line():
    # Above a base of 0: 4, 16, 64 beyond it.
    row = fitted(question(base=0), points((0, 2, 4, 8), lambda n: 3 + n * n, lambda n: 100 + 50 * n))
    assert row["time_exponent"] == pytest.approx(2)
    # 200, 300, 500: less than the line, because of the fixed 100.
    assert 0.6 < row["memory_exponent"] < 0.7
    assert row["bytes_per_unit"] == pytest.approx(50)


def test_without_a_base_the_whole_time_is_fitted():
    row = fitted(question(base=None), points((1, 2, 4, 8), lambda n: 8 / n, lambda n: 100 * n))
    assert row["time_exponent"] == pytest.approx(-1)
    assert row["time_exponent_is"] == "of the whole"
    assert row["memory_exponent"] == pytest.approx(1)


def test_a_time_below_that_of_the_base_is_noise_and_the_whole_is_fitted():
    seconds = {1: 5.0, 2: 4.9, 4: 5.0, 8: 5.1}
    assert fitted(question(), points(seconds, seconds.get, lambda n: 1))["time_exponent_is"] == "of the whole"


def test_every_question_has_four_sizes_over_a_factor_of_eight():
    for each in QUESTIONS.values():
        assert len(each.sizes) >= 4
        assert each.sizes[-1] / each.sizes[0] >= 8
        assert each.base is None or each.base < each.sizes[0]


@pytest.mark.slow
def test_the_page_is_measured_in_a_process_of_its_own(tmp_path, capsys):
    bench_growth.main(["--small", "--questions", "spots on the page", "--videos", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "spots on the page: 10 spots" in printed
    assert "spots on the page: time ^" in printed
    pages = {path.name: path.stat().st_size for path in tmp_path.glob("*.html")}
    assert pages["10.html"] < pages["4000.html"] < pages["8000.html"]
