"""Damaged copies of five small files: read, read in part or refused, in bounded time and memory."""

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fuzz_child import DEADLINE_SECONDS
from fuzz_damage import KINDS
from video_samples import make_video

import bvas

SOURCES = {
    "reordered.mp4": {},
    "leading.mkv": {"codec": "libx265"},
    "broadcast.ts": {},
    "untimed.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "hidden.webm": {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "lag-in-frames": "16", "g": "12"}},
}
# A picture here has 6 KB. Of what damaged headers made libav take, 8192x8192 pixels were the most: 220 MiB.
MOST_GROWN_MIB = 512
# Interpreter, libraries and source, on a busy machine.
START_SECONDS = 60
CHILD = Path(__file__).with_name("fuzz_child.py")


def read_copies(source: Path, folder: Path, backend: str, copies: list[str]) -> tuple[list[dict], list[str]]:
    """Read damaged copies in child processes; returns their reports and what went wrong."""
    reports, failures = [], []
    while copies:
        lines, trace, begun = start_child(source, folder, backend, copies)
        for report in lines:
            reports.append(report)
            if report["failure"]:
                failures.append(f"{report['copy']}: {report['failure']}")
            if report["grown_mib"] > MOST_GROWN_MIB:
                failures.append(f"{report['copy']}: took {report['grown_mib']} MiB")
        if begun is None:
            assert len(lines) == len(copies), trace
            break
        failures.append(f"{begun}: {trace}")
        copies = copies[copies.index(begun) + 1 :]
    return reports, failures


def start_child(source, folder, backend, copies):
    """Run one child until it is done, dies or hangs: (reports, why it ended, the copy that it was at)."""
    paths = [str(Path(bvas.__file__).parents[1]), str(CHILD.parents[1])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(CHILD), str(source), str(folder), backend, *copies]
    errors = folder / "stderr.txt"
    with errors.open("w") as stderr:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment)
        lines = queue.SimpleQueue()
        thread = threading.Thread(target=lambda: [*map(lines.put, child.stdout), lines.put("")])
        thread.start()
        reports, begun, reason = [], None, ""
        try:
            while line := lines.get(timeout=DEADLINE_SECONDS if begun else START_SECONDS):
                if line.startswith("begin "):
                    begun = line.split()[1]
                else:
                    reports.append(json.loads(line))
                    begun = None
        except queue.Empty:
            reason = f"no answer in {DEADLINE_SECONDS} s"
        child.kill()
        thread.join()
        child.stdout.close()
    code = child.wait()
    return reports, f"{reason or f'the process ended with {code}'}\n{errors.read_text()[-3000:]}", begun


def check_copies(tmp_path, name, backend, seeds):
    source = make_video(tmp_path / name, **SOURCES[name])
    copies = [f"{kind}:{seed}" for seed in seeds for kind in KINDS]
    reports, failures = read_copies(source, tmp_path, backend, copies)
    assert not failures, "\n".join(failures)
    return reports


@pytest.mark.parametrize("name", SOURCES)
def test_a_damaged_copy_is_read_or_read_in_part_or_refused(tmp_path, name):
    reports = check_copies(tmp_path, name, "pyav", range(1))
    assert {report["outcome"] for report in reports} <= {"read", "partly", "refused"}
    assert sum(report["num_delivered"] for report in reports) > 60


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_a_hundred_damaged_copies_are_read_or_read_in_part_or_refused(tmp_path, name):
    reports = check_copies(tmp_path, name, "pyav", range(10))
    assert len(reports) == 100
    assert {report["outcome"] for report in reports} == {"read", "partly", "refused"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reordered.mp4", "leading.mkv", "hidden.webm"])
def test_opencv_reads_damaged_copies_or_refuses_them(tmp_path, name):
    reports = check_copies(tmp_path, name, "opencv", range(10))
    assert {report["outcome"] for report in reports} >= {"read", "refused"}


def test_a_crash_or_a_hang_of_the_process_that_reads_is_a_failure_with_its_name(tmp_path, monkeypatch):
    script = tmp_path / "child.py"
    script.write_text(
        "import os, sys, time\n"
        "for copy in sys.argv[4:]:\n"
        "    print('begin', copy, flush=True)\n"
        "    if copy == 'a:1': os.abort()\n"
        "    if copy == 'b:2': time.sleep(60)\n"
        '    print(\'{"copy": "%s", "failure": "", "grown_mib": 0}\' % copy, flush=True)\n'
    )
    monkeypatch.setattr(sys.modules[__name__], "CHILD", script)
    monkeypatch.setattr(sys.modules[__name__], "DEADLINE_SECONDS", 1)
    reports, failures = read_copies(tmp_path / "x", tmp_path, "pyav", ["c:0", "a:1", "b:2", "d:3"])
    assert [report["copy"] for report in reports] == ["c:0", "d:3"]
    assert [failure.splitlines()[0] for failure in failures] == [
        "a:1: the process ended with -6",
        "b:2: no answer in 1 s",
    ]
