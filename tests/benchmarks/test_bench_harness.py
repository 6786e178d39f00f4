import json
import threading
import time
from functools import partial

import harness
import pytest
from apart import AbsentError, Apart
from harness import Cost, interleave, rows, show


def test_cases_take_turns_in_rotating_order_and_the_first_round_does_not_count():
    order = []
    costs = interleave({name: partial(order.append, name) for name in "abc"}, num_rounds=2)
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert [len(runs) for runs in costs.values()] == [2, 2, 2]


def test_a_case_that_works_elsewhere_brings_its_own_cost():
    there = Cost(wall_seconds=7.0, cpu_seconds=5.0)
    assert interleave({"there": lambda: there}, num_rounds=2) == {"there": [there, there]}


def test_ratios_are_taken_within_a_round():
    base = [Cost(wall_seconds=2.0, cpu_seconds=2.0), Cost(wall_seconds=4.0, cpu_seconds=10.0)]
    case = [Cost(wall_seconds=1.0, cpu_seconds=1.0), Cost(wall_seconds=2.0, cpu_seconds=20.0)]
    row = rows({"base": base, "case": case}, base="base", num_units=4, unit="frame")[1]
    assert row["wall_ratio"]["median"] == 0.5
    assert row["cpu_ratio"] == {"median": 1.25, "first_quartile": 0.875, "third_quartile": 1.625}
    assert row["cpu_seconds_per_frame"]["median"] == (1.0 + 20.0) / 2 / 4
    assert row["frames_per_second"]["median"] == (4 / 1.0 + 4 / 2.0) / 2


def test_what_was_not_run_is_shown_with_its_reason(capsys):
    show([{"case": "decord", "not_run": "decord: No module named 'decord'"}], base="floor", unit="clip")
    assert "decord" in capsys.readouterr().out.splitlines()[1]


class Counter:
    """Counts on in a thread of its own, as a library that decodes ahead does."""

    def __init__(self):
        self.count = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self):
        while True:
            self.count += 1
            time.sleep(0.001)

    def sleep(self, seconds):
        time.sleep(seconds)
        return self.count

    def fail(self):
        raise ValueError("the reason")


class Missing:
    def __init__(self):
        raise AbsentError("no such library")


def test_a_process_does_nothing_between_calls():
    with Apart(Counter) as counter:
        before = counter.call("sleep", 0.1)
        time.sleep(0.5)
        after = counter.call("sleep", 0.0)
    assert before > 10
    assert after - before < 60


def test_a_process_that_runs_on_works_between_calls():
    with Apart(Counter, runs_on=True) as counter:
        before = counter.call("sleep", 0.0)
        time.sleep(0.5)
        assert counter.call("sleep", 0.0) - before > 60


def test_an_error_in_another_process_comes_with_its_traceback():
    with Apart(Counter) as counter, pytest.raises(RuntimeError, match=r"(?s)in fail.*ValueError: the reason"):
        counter.call("fail")


def test_what_is_not_installed_says_so():
    with pytest.raises(AbsentError, match="no such library"):
        Apart(Missing)


def test_each_run_is_in_the_file_when_it_is_over(tmp_path):
    path = tmp_path / "found.json"
    harness.write_as_measured(path, "How long?\n\nmore")
    seen = []

    def look():
        if path.is_file():
            content = json.loads(path.read_text())
            assert (content["is_complete"], content["question"]) == (False, "How long?")
            assert content["machine"]["commit"]
            seen.append([(run["case"], run["round"]) for run in content["runs"]])

    def stop():
        look()
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interleave({"a": look, "b": stop}, num_rounds=3)

    # The second round begins with the second case.
    assert seen == [[("a", 0)], [("a", 0), ("b", 0)]]
    assert [run["case"] for run in json.loads(path.read_text())["runs"]] == ["a", "b"]
    harness.write_results(path, question="How long?", settings={}, table=[])
    assert json.loads(path.read_text())["is_complete"] is True
    harness.write_as_measured(None, "")


def test_without_a_file_nothing_is_written_meanwhile(tmp_path):
    harness.write_as_measured(None, "")
    interleave({"a": lambda: None}, num_rounds=1)

    assert list(tmp_path.iterdir()) == []
