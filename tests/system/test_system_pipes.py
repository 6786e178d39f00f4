"""Pipes and the C library's output, with stand-ins for systems that lack the calls."""

import os
import select
import subprocess
import sys

import pytest

from bvas.system import c_output, pipes


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


@pytest.mark.skipif(not hasattr(select, "poll"), reason="this system cannot wait for pipes")
def test_a_pipe_is_readable_once_something_is_written(pipe):
    reading, writing = pipe
    assert not pipes.wait_readable(reading, 0.01)
    os.write(writing, b"x")
    assert pipes.wait_readable(reading, 5.0)


def test_where_pipes_cannot_be_waited_for_the_read_itself_waits(pipe, monkeypatch):
    monkeypatch.delattr(select, "poll", raising=False)
    assert pipes.wait_readable(pipe[0], 5.0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_opened_without_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    opened = pipes.open_pipe(str(tmp_path / "pipe"))
    assert os.read(opened, 1) == b""
    os.close(opened)


def test_a_system_without_the_flag_opens_what_it_has(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_NONBLOCK", raising=False)
    (tmp_path / "a").write_bytes(b"x")
    opened = pipes.open_pipe(str(tmp_path / "a"))
    assert os.read(opened, 1) == b"x"
    os.close(opened)


def test_standard_input_is_copied_so_that_closing_it_leaves_the_original_open():
    program = (
        "import os; from bvas.system.pipes import open_pipe\n"
        "copy = open_pipe(None); print(os.read(copy, 3).decode()); os.close(copy); print(os.read(0, 3).decode())"
    )
    done = subprocess.run([sys.executable, "-c", program], input=b"onetwo", capture_output=True, check=True)
    assert done.stdout.split() == [b"one", b"two"]


def test_c_code_prints_to_standard_error_on_linux_only():
    program = (
        "import ctypes, sys; from bvas.system.c_output import print_to_stderr\n"
        "print(print_to_stderr()); libc = ctypes.CDLL(None); libc.puts(b'from C'); libc.fflush(None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    on_linux = sys.platform == "linux"
    assert done.stdout.split()[0] == str(on_linux)
    assert ("from C" in done.stderr) is on_linux


def test_on_another_system_the_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(c_output.sys, "platform", "darwin")
    monkeypatch.setattr(c_output.ctypes, "CDLL", lambda name: pytest.fail("the C library is loaded"))
    c_output.print_to_stderr.cache_clear()
    assert not c_output.print_to_stderr()
    c_output.print_to_stderr.cache_clear()
