"""Comparison of commands between checkouts."""

import os
import subprocess

import bench_load
import numpy as np
import pytest
from harness import Cost


def test_each_case_is_compared_with_each_other_within_the_rounds():
    costs = {"before": iter([4.0, 8.0]), "now": iter([1.0, 4.0])}
    order = []

    def work(case):
        order.append(case)
        seconds = next(costs[case])
        return Cost(wall_seconds=10 * seconds, cpu_seconds=seconds)

    cases = [(case, lambda case=case: work(case)) for case in costs]
    before, now = bench_load.compare("spot", cases, beside=0, num_rounds=2)
    # The first of a round changes.
    assert order == ["before", "now", "now", "before"]
    # 1/4 and 4/8.
    assert now["cpu_seconds_against"] == {
        "before": pytest.approx({"median": 0.375, "first_quartile": 0.3125, "third_quartile": 0.4375})
    }
    assert now["cpu_seconds"]["median"] == 2.5
    assert before["wall_seconds"]["median"] == 60
    assert (now["what"], now["case"], now["busy_processes"], now["rounds"]) == ("spot", "now", 0, 2)


def test_busy_processes_end_with_the_block():
    with bench_load.busy(2):
        pass
    listed = subprocess.run(["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    assert "while True" not in listed.stdout


def test_the_cost_of_a_command_counts_what_it_started(tmp_path):
    program = (
        "import subprocess, sys, time\n"
        "subprocess.run([sys.executable, '-c', 'import time\\nwhile time.process_time() < 0.3: pass'])"
    )
    cost = bench_load.run(tmp_path, "-c", program)
    assert 0.3 <= cost.cpu_seconds < 3
    with pytest.raises(SystemExit, match="failed"):
        bench_load.run(tmp_path, "-c", "raise ValueError")


def results(folder, scores, seconds):
    folder.mkdir()
    np.savez(folder / "a_scores.npz", scores=np.array(scores, np.float32))
    rows = "".join(f"{second},PASS\n" for second in seconds)
    (folder / "spots.csv").write_text(f"seconds,label\n{rows}")
    return folder


def test_scores_that_differ_end_the_benchmark_and_other_spots_are_said(tmp_path):
    one = results(tmp_path / "one", [[0.5], [0.25]], [1.0])
    near = results(tmp_path / "near", [[0.5], [0.25005]], [1.0])
    assert bench_load.difference(one, near) == (pytest.approx(5e-5, rel=1e-2), True)
    other = results(tmp_path / "other", [[0.5], [0.25]], [2.0])
    assert bench_load.difference(one, other) == (0, False)
    with pytest.raises(SystemExit, match="differ"):
        bench_load.difference(one, results(tmp_path / "far", [[0.5], [0.26]], [1.0]))
