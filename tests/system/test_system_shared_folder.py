"""Locks of a folder are proved to hold, within a machine and between machines."""

import errno
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bvas.errors import DataError
from bvas.system import shared_folder
from bvas.system.atomic_files import check_writable
from bvas.system.locks import open_alone
from bvas.system.shared_folder import proved_locks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="flock")

# Another machine: its host has another name, and ours does not see its locks.
_OTHER = """
import sys, time
from pathlib import Path
from bvas.system import shared_folder
from bvas.system.atomic_files import check_writable
shared_folder._SECONDS_BETWEEN_BEATS = 0.05
shared_folder.socket.gethostname = lambda: "node-7"
with shared_folder.proved_locks(Path(sys.argv[1])):
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path, monkeypatch):
    """Start another process that has proved the locks of the folder."""
    monkeypatch.setattr(shared_folder, "_SECONDS_TO_END", 0.3)
    process = subprocess.Popen(
        [sys.executable, "-c", _OTHER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout.readline() == "in\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_two_processes_prove_it_to_each_other_and_leave_nothing(tmp_path, other):
    began = time.monotonic()
    with proved_locks(tmp_path):
        assert len(list((tmp_path / ".processes").iterdir())) == 2
    assert time.monotonic() - began < 0.3
    other.communicate("")
    assert other.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_probe_of_a_killed_process_is_removed(tmp_path, other):
    other.kill()
    other.wait()
    with proved_locks(tmp_path):
        assert len(list((tmp_path / ".processes").iterdir())) == 1


def test_locks_that_keep_nobody_out_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", lambda file, operation: None)
    with (
        pytest.raises(DataError, match=r"one file was locked twice; mount it with locks"),
        proved_locks(tmp_path),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch):
    def refuse(file, operation):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(DataError, match=r"do not hold"), proved_locks(tmp_path):
        pass


def test_locks_that_do_not_reach_another_machine_are_refused(tmp_path, other, monkeypatch):
    import fcntl

    theirs = next((tmp_path / ".processes").iterdir())
    lock = fcntl.flock

    def lock_of_this_machine(file, operation):
        if not os.path.samestat(os.fstat(file.fileno()), theirs.stat()):
            lock(file, operation)

    monkeypatch.setattr("fcntl.flock", lock_of_this_machine)
    with pytest.raises(DataError, match=r"do not reach from node-7 to"), proved_locks(tmp_path):
        pass


def test_a_probe_whose_lock_another_process_tests_is_made_again(tmp_path, monkeypatch):
    tests = [BlockingIOError(errno.EWOULDBLOCK, "another process writes it")]

    def tested(path):
        if tests:
            raise tests.pop()
        return open_alone(path)

    monkeypatch.setattr(shared_folder, "open_alone", tested)
    with proved_locks(tmp_path) as probe:
        assert probe.is_file()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file"), proved_locks(tmp_path / "file" / "runs"):
        pass


def test_processes_that_begin_at_once_do_not_remove_the_folder_of_each_other(tmp_path):
    def prove(_):
        for _ in range(20):
            check_writable(tmp_path / "runs" / "predictions", "a.json")
            with proved_locks(tmp_path / "runs"):
                pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(prove, range(4)))
    check_writable(tmp_path / "runs")
    assert list(tmp_path.rglob("*.json")) == []
