"""Scratch folders: one a process, removed at its end, and after a kill by the next process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bvas.errors import DataError
from bvas.system.scratch import Scratch

HOLD = """
import sys, time
from pathlib import Path
from bvas.system.scratch import Scratch
scratch = Scratch(Path(sys.argv[1]))
folder = scratch.new_folder()
(folder / "a.mp4").write_bytes(b"video")
print(folder, flush=True)
time.sleep(60)
"""


def _child(root):
    """A process that holds a file in scratch, and the folder of that file."""
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(root)], stdout=subprocess.PIPE, text=True)
    return child, Path(child.stdout.readline().strip())


def _end(child):
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()


def test_nothing_is_made_before_it_is_needed_and_nothing_is_left(tmp_path):
    root = tmp_path / "scratch"
    with Scratch(root) as scratch:
        assert not root.exists()
        folders = [scratch.new_folder() for _ in range(2)]
        (folders[0] / "a.mp4").write_bytes(b"video")
        assert folders[0] != folders[1]
        assert [len(list(root.iterdir())), folders[0].is_dir(), folders[1].is_dir()] == [1, True, True]
    assert list(root.iterdir()) == []


def test_the_next_start_removes_what_a_killed_process_left_and_nothing_of_one_that_lives(tmp_path):
    (tmp_path / "mine").mkdir()
    killed, of_killed = _child(tmp_path)
    _end(killed)
    assert (of_killed / "a.mp4").is_file()
    living, of_living = _child(tmp_path)
    try:
        assert not of_killed.exists()
        with Scratch(tmp_path) as scratch:
            scratch.new_folder()
            assert (of_living / "a.mp4").read_bytes() == b"video"
    finally:
        _end(living)
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "mine", of_living.parent])
    with Scratch(tmp_path) as scratch:
        scratch.new_folder()
    assert list(tmp_path.iterdir()) == [tmp_path / "mine"]


def test_the_folder_of_one_user_is_not_that_of_another(tmp_path):
    with Scratch(tmp_path) as scratch:
        folder = scratch.new_folder().parent
        assert folder.name.startswith(f"bvas-scratch-{os.getuid()}-")
        assert folder.stat().st_mode & 0o077 == 0


def test_a_scratch_that_cannot_be_made_is_named_with_the_option(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match=r"cannot write to .*file: .*; choose another --scratch"):
        Scratch(tmp_path / "file").new_folder()
