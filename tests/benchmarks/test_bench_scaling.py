"""The plan of segments that the benchmark prints, and the benchmark itself on a short video."""

import json
import sys

import bench_scaling
import pytest
from bench_scaling import plan


@pytest.mark.parametrize(("minutes", "num_workers"), [(90, 16), (45, 8), (10, 2)])
def test_workers_are_idle_less_than_5_percent_at_the_end(minutes, num_workers):
    found = plan(minutes, num_workers)
    # 25 frames a second, 400 a segment.
    assert [number for job in found.jobs for number in job] == list(range(-(-minutes * 1500 // 400)))
    assert 0 < found.idle_share < 0.05
    assert found.frames_twice == pytest.approx(64 * len(found.jobs) / (minutes * 1500))


@pytest.mark.slow
def test_it_measures_one_process_and_two(tmp_path, monkeypatch):
    answer = tmp_path / "answer.json"
    options = ["--minutes", "0.7", "--rounds", "2", "--size", "32", "48", "--videos", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["bench_scaling.py", *options, "--json", str(answer)])
    bench_scaling.main()
    one, two = json.loads(answer.read_text())["rows"]
    assert one["rows"] == [[1050]] * 2
    # Rows that meet another process's claim are computed and not kept.
    assert all(sum(pair) >= 1050 for pair in two["rows"])
    assert two["largest_difference"] < 1e-6
