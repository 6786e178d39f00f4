"""CPU cores for this process: those it may use, those that are free, and thread pools that follow them.

Two threads on one core cost more than one: OpenMP's threads spin while they wait for a partner that is not scheduled.
Beside two busy processes on two cores, training took twice the CPU time. So idle threads sleep, and the pools have as
many threads as cores are free.
"""

import os
import platform
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from bvas.system.control_groups import cpu_quota

_SAMPLE_SECONDS = 0.1
"""Of the first look at the load."""
_FOLLOW_SECONDS = 30.0
"""Between looks while work runs."""
_ROOT = Path("/")


def wait_passively() -> None:
    """Let OpenMP's idle threads sleep instead of spinning, also in processes that this one starts.

    OpenMP reads the setting when PyTorch is imported. The user's own setting holds.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def allowed_cores() -> int:
    """Return the CPU cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def num_cpus(root: Path = _ROOT) -> int:
    """Return the CPU cores that this process may use at a time: those it may run on, within its groups' quota.

    Args:
        root: Folder of `proc` and `sys`.
    """
    quota = cpu_quota(root)
    return allowed_cores() if quota is None else max(1, min(allowed_cores(), round(quota)))


def free_cores(root: Path = _ROOT) -> int:
    """Return how many of `num_cpus` other processes leave free now, at least 1; takes 0.1 s.

    This process and its children do not count as load. Processes of lower priority give way and do not count either.
    Where the system does not report its load (other than Linux), all count as free.

    Args:
        root: Folder of `proc` and `sys`.
    """
    load = _Load(root)
    time.sleep(_SAMPLE_SECONDS)
    return load.free_cores()


def fixed_threads() -> int:
    """Return the size of a thread pool that cannot change later: the user's OMP_NUM_THREADS, else the free cores."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() else free_cores()


def cpu_name() -> str:
    """Return the model of the CPU."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


class CoreWatch(AbstractContextManager["CoreWatch"]):
    """Keeps PyTorch at as many threads as cores are free, and OpenCV at one, within a `with` block.

    OpenCV prepares frames in threads beside PyTorch's. If the user set OMP_NUM_THREADS, PyTorch keeps that number.
    """

    def __enter__(self) -> Self:
        import cv2

        self._opencv_threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        # Without PyTorch, OpenCV's is the only pool.
        self._torch = None if "OMP_NUM_THREADS" in os.environ else sys.modules.get("torch")
        if self._torch is not None:
            self._most = self._torch.get_num_threads()
            self._load = _Load(_ROOT)
            time.sleep(_SAMPLE_SECONDS)
            self._look()
        return self

    def follow(self) -> None:
        """Look again if the last look is half a minute old; cheap otherwise."""
        if self._torch is not None and time.monotonic() - self._looked_at >= _FOLLOW_SECONDS:
            self._look()

    def _look(self) -> None:
        assert self._torch is not None
        threads = min(self._most, self._load.free_cores())
        if threads != self._torch.get_num_threads():
            self._torch.set_num_threads(threads)
        self._load = _Load(_ROOT)
        self._looked_at = time.monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import cv2

        cv2.setNumThreads(self._opencv_threads)
        if self._torch is not None:
            self._torch.set_num_threads(self._most)


class _Load:
    """CPU time from now on, of all processes and of this one with its children."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._began = time.monotonic()
        self._busy = _busy_seconds(root)
        self._own = 0.0 if self._busy is None else _own_seconds(root)

    def free_cores(self) -> int:
        """Return how many of `num_cpus` were free on average since then, rounded, at least 1."""
        cores = num_cpus(self._root)
        busy = _busy_seconds(self._root)
        if busy is None or self._busy is None:
            return cores
        seconds = max(time.monotonic() - self._began, 1e-3)
        others = (busy - self._busy) - (_own_seconds(self._root) - self._own)
        # On the cores that it may run on; a quota may be less than what the others leave.
        return max(1, min(cores, round(allowed_cores() - max(others, 0.0) / seconds)))


def _busy_seconds(root: Path) -> float | None:
    """Return the CPU time so far on the cores that this process may run on; None where it is not reported."""
    own = {f"cpu{number}" for number in os.sched_getaffinity(0)} if hasattr(os, "sched_getaffinity") else ()
    try:
        lines = (root / "proc/stat").read_text().splitlines()
    except OSError:
        return None
    rows = [[int(word) for word in line.split()[1:]] for line in lines if line.split()[:1][0] in own]
    if not rows:
        return None
    # proc(5): user nice system idle iowait irq softirq steal. Processes of lower priority than ours give way.
    nice = os.getpriority(os.PRIO_PROCESS, 0) > 0
    ticks = sum(row[0] + row[2] + sum(row[5:8]) + (row[1] if nice else 0) for row in rows)
    return ticks / os.sysconf("SC_CLK_TCK")


def _own_seconds(root: Path) -> float:
    """Return the CPU time so far of this process and of its running children, and theirs: from `/proc/PID/stat`."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for path in (root / "proc").glob("[0-9]*/stat"):
        try:
            # Behind the name, which may hold blanks and parentheses.
            words = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        parents[pid], ticks[pid] = int(words[1]), int(words[11]) + int(words[12])
    own = {os.getpid()}
    while below := {pid for pid, parent in parents.items() if parent in own} - own:
        own |= below
    return sum(ticks.get(pid, 0) for pid in own) / os.sysconf("SC_CLK_TCK")
