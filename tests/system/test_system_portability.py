"""Calls that only one operating system has: where they lie, and the branches of the others, by stand-ins."""

import ast
import os
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

import bvas
from bvas.system import shared_memory
from bvas.system.cache_folder import cache_folder
from bvas.system.cpu_cores import num_cpus
from bvas.system.jobs import child_processes

PACKAGE = Path(bvas.__file__).parent
MODULES = {"fcntl", "msvcrt", "resource", "pwd", "grp", "termios", "winreg"}
NAMES = {
    "os.fork",
    "os.getuid",
    "os.O_NONBLOCK",
    "os.memfd_create",
    "os.name",
    "os.posix_fadvise",
    "os.posix_fallocate",
    "os.sched_getaffinity",
    "os.sched_setaffinity",
    "os.uname",
    "select.poll",
    "signal.SIGHUP",
    "signal.SIGKILL",
    "signal.pthread_sigmask",
    "sys.platform",
}


def _calls_of_one_system(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in NAMES:
            yield ast.unparse(node)
        elif isinstance(node, ast.Call) and ast.unparse(node) == "ctypes.CDLL(None)":
            yield "ctypes.CDLL(None)"
        elif isinstance(node, ast.Constant) and str(node.value).startswith(("/proc/", "/sys/", "/dev/")):
            yield node.value


def test_calls_of_one_operating_system_lie_in_system():
    found = {
        str(path.relative_to(PACKAGE)): calls
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] != "system" and (calls := set(_calls_of_one_system(path)))
    }
    assert found == {}


def test_memory_is_shared_where_the_system_has_no_memfd(monkeypatch):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    memory = shared_memory.reserve(6)
    view = memoryview(memory).cast("B")
    view[2] = 7
    assert bytes(view) == b"\0\0\7\0\0\0"


def test_a_system_without_affinity_counts_all_cores(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert num_cpus() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert num_cpus() == 1


def test_ctrl_c_is_not_held_back_where_the_system_cannot(monkeypatch):
    monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    with pytest.raises(KeyboardInterrupt), child_processes.interrupts_held():
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_outside_linux_a_thread_ends_a_child_with_its_parent(monkeypatch, platform):
    ended = threading.Event()
    parent = SimpleNamespace(join=lambda: None)
    system = SimpleNamespace(_exit=lambda code: ended.set() if code == 1 else None)
    monkeypatch.setattr(child_processes, "sys", SimpleNamespace(platform=platform))
    monkeypatch.setattr(child_processes, "parent_process", lambda: parent)
    monkeypatch.setattr(child_processes, "os", system)
    child_processes.end_with_parent()
    assert ended.wait(10)


@pytest.mark.parametrize(
    ("platform", "folder"),
    [("win32", "local/bvas"), ("darwin", "home/Library/Caches/bvas"), ("linux", "home/.cache/bvas")],
)
def test_each_system_has_its_own_folder_for_caches(monkeypatch, tmp_path, platform, folder):
    for name in ("BVAS_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == tmp_path / folder
