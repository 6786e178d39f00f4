"""Cores that are free, and thread pools that follow them."""

import os
import subprocess
import sys
import time

import cv2
import pytest
import torch

from bvas.system import cpu_cores
from bvas.system.cpu_cores import CoreWatch, free_cores, num_cpus

TICKS = 100


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Four cores, of which others keep some busy; a call sets how many, and how busy this process and a child are."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(os, "sysconf", lambda name: TICKS)
    monkeypatch.setattr(os, "getpriority", lambda which, who: 0)
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    rates = {"others": 0.0, "own": 0.0, "child": 0.0, "nice": 0.0}
    spent = dict.fromkeys(rates, 0.0)

    def write():
        (tmp_path / "proc").mkdir(exist_ok=True)
        busy = int(TICKS * (spent["others"] + spent["own"] + spent["child"]))
        nice = int(TICKS * spent["nice"])
        # The fifth core is not ours: its load does not count.
        rows = [f"cpu {busy} {nice} 0 0 0 0 0 0", f"cpu0 {busy} {nice} 0 9 9 0 0 0"]
        rows += [f"cpu{number} 0 0 0 9 9 0 0 0" for number in (1, 2, 3)]
        rows += [f"cpu4 {int(TICKS * 7 * clock[0])} 0 0 0 0 0 0 0", "intr 5"]
        (tmp_path / "proc/stat").write_text("\n".join(rows))
        own, child = os.getpid(), 999_999
        for pid, parent, name in ((own, 1, "own"), (child, own, "child")):
            folder = tmp_path / "proc" / str(pid)
            folder.mkdir(exist_ok=True)
            ticks = int(TICKS * spent[name])
            words = ["S", str(parent), *["0"] * 9, str(ticks), "0", "0"]
            (folder / "stat").write_text(f"{pid} (a (strange) name) {' '.join(words)}")

    def sleep(seconds):
        clock[0] += seconds
        for name, rate in rates.items():
            spent[name] += rate * seconds
        write()

    monkeypatch.setattr(time, "sleep", sleep)
    write()
    monkeypatch.setattr(cpu_cores, "_ROOT", tmp_path)
    return rates


def test_cores_are_free_as_far_as_others_do_not_use_them(machine, tmp_path):
    assert free_cores(tmp_path) == 4
    machine["others"] = 1.3
    assert free_cores(tmp_path) == 3
    machine["others"] = 1.7
    assert free_cores(tmp_path) == 2
    machine["others"] = 4.0
    assert free_cores(tmp_path) == 1


def test_own_work_and_that_of_children_is_no_load(machine, tmp_path):
    machine.update(others=1.0, own=2.0, child=1.0)
    assert free_cores(tmp_path) == 3


def test_work_of_lower_priority_gives_way_unless_this_process_has_it_too(machine, tmp_path, monkeypatch):
    machine["nice"] = 3.0
    assert free_cores(tmp_path) == 4
    monkeypatch.setattr(os, "getpriority", lambda which, who: 10)
    assert free_cores(tmp_path) == 1


@pytest.mark.parametrize(("quota", "cores"), [("250000 100000", 2), ("50000 100000", 1), ("max 100000", 4)])
def test_a_quota_bounds_the_cores(machine, tmp_path, quota, cores):
    root = tmp_path
    (root / "proc/self").mkdir()
    (root / "proc/self/cgroup").write_text("0::/\n")
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "sys/fs/cgroup/cpu.max").write_text(quota)
    assert num_cpus(root) == cores
    assert free_cores(tmp_path) == cores


def test_all_cores_are_free_where_the_system_does_not_report_its_load(machine, tmp_path):
    assert free_cores(tmp_path / "nothing") == 4


@pytest.fixture
def threads(monkeypatch, machine):
    """PyTorch's threads, four at first, without touching those of this process."""
    count = [4]
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: count[0])
    monkeypatch.setattr(torch, "set_num_threads", lambda number: count.__setitem__(0, number))
    return count


def test_threads_follow_the_load_and_come_back(machine, threads):
    machine["others"] = 2.0
    with CoreWatch() as cores:
        assert threads == [2]
        machine.update(others=0.0, own=2.0)
        time.sleep(29)
        cores.follow()
        assert threads == [2]
        time.sleep(2)
        cores.follow()
        assert threads == [4]
        machine["others"] = 3.0
        time.sleep(31)
        cores.follow()
        assert threads == [1]
    assert threads == [4]


def test_threads_are_never_more_than_before(machine, threads):
    threads[0] = 2
    with CoreWatch():
        assert threads == [2]


def test_the_number_of_threads_that_the_user_set_holds(machine, threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    machine["others"] = 4.0
    with CoreWatch() as cores:
        time.sleep(60)
        cores.follow()
        assert threads == [4]


def test_opencv_has_one_thread_meanwhile():
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    with CoreWatch():
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == 2
    cv2.setNumThreads(before)


def test_commands_let_idle_threads_sleep_unless_the_user_wants_otherwise():
    code = (
        "import os; from bvas.cli import main; main(['video', 'check', 'none.mp4']);"
        "print(os.environ['OMP_WAIT_POLICY'])"
    )
    for given, wanted in ((None, "PASSIVE"), ("ACTIVE", "ACTIVE")):
        environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
        if given is not None:
            environment["OMP_WAIT_POLICY"] = given
        out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert out.stdout.split() == [wanted]
