"""Locks between processes, and their other branch on Windows."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from bvas.errors import BusyError, DataError
from bvas.system import locks
from bvas.system.locks import locked, open_alone

HOLD = (
    "import sys, pathlib; from bvas.system.locks import locked\n"
    "with locked(pathlib.Path(sys.argv[1])):\n"
    "    print('held', flush=True); sys.stdin.read()"
)


def test_another_process_is_kept_out_until_the_first_one_ends_however(tmp_path):
    folder = tmp_path / "a"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match=f"another process works in {folder}; wait"), locked(folder):
            pass
        holder.kill()
        holder.wait()
        with locked(folder):
            pass


def test_a_lock_is_waited_for(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()
        holder.stdin.close()
        with locked(tmp_path, seconds=20):
            # The lock came free because its holder ended.
            assert holder.wait(20) == 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(DataError, match=r"cannot write .*\.lock"), locked(tmp_path / "a" / "b"):
        pass


def test_an_error_of_the_block_is_not_one_of_the_lock(tmp_path):
    with pytest.raises(FileExistsError), locked(tmp_path):
        raise FileExistsError


def test_windows_locks_a_byte_behind_the_content(tmp_path, monkeypatch):
    calls = []
    windows = SimpleNamespace(
        LK_NBLCK=2, locking=lambda fd, mode, size: calls.append((mode, size, locks.os.lseek(fd, 0, 1)))
    )
    monkeypatch.setattr(locks, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    with open_alone(tmp_path / "a.part") as file:
        file.write(b"xy")
    assert calls == [(2, 1, 2**31 - 1)]
    assert (tmp_path / "a.part").read_bytes() == b"xy"


def test_a_byte_that_windows_has_locked_is_another_writer(tmp_path, monkeypatch):
    def locking(fd, mode, size):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(locks, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, locking=locking))
    (tmp_path / "a.part").write_bytes(b"of another")
    with pytest.raises(BlockingIOError):
        open_alone(tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == b"of another"
