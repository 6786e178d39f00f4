"""Findings about cores, memory and disk space, as this process may use them."""

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from bvas.system.cache_folder import cache_folder
from bvas.system.devices import num_cpus
from bvas.system.doctor.finding import Finding, note, ok, problem

_GIB = 2**30
_LITTLE_MEMORY = 4 * _GIB
_LITTLE_SHARED = _GIB
_LITTLE_DISK = 2 * _GIB
# The value of cgroup v1 for no limit.
_NO_LIMIT = 2**60


def inspect_resources(runs: Path, root: Path = Path("/")) -> list[Finding]:
    """Look at what this process may use of the machine.

    Args:
        runs: The runs folder.
        root: Folder of `proc` and `sys`.
    """
    found = [_cpus(root), *_memory(root), *_shared_memory(), _disk("this folder", Path.cwd())]
    if runs.absolute() != Path.cwd():
        found.append(_disk("runs folder", runs.absolute()))
    return [*found, _cache(), _disk("temporary files", Path(tempfile.gettempdir()))]


def cpu_quota(root: Path) -> float | None:
    """Return the cores that the control groups grant this process; None where they set no limit."""
    quotas = []
    for folder in _control_groups(root, "cpu"):
        v2 = _numbers(folder / "cpu.max")
        v1 = [*_numbers(folder / "cpu.cfs_quota_us"), *_numbers(folder / "cpu.cfs_period_us")]
        quotas += [values[0] / values[1] for values in (v2, v1) if len(values) == 2 and values[0] > 0]
    return min(quotas, default=None)


def memory_limit(root: Path) -> int | None:
    """Return the bytes that the control groups grant this process; None where they set no limit."""
    limits = [
        values[0]
        for folder in _control_groups(root, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
        if (values := _numbers(folder / name)) and values[0] < _NO_LIMIT
    ]
    return min(limits, default=None)


def free_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes of main memory that this process may still take; None where the system does not say.

    What the system has available, or less where a control group (v1 or v2, its own or one above) grants less. Pages
    of files that were not used lately count as free, as the kernel drops them first.

    Args:
        root: Folder of `proc` and `sys`.
    """
    free = []
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    free += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    for folder in _control_groups(root, "memory"):
        for limit_name, used_name, files_name in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, used = _numbers(folder / limit_name), _numbers(folder / used_name)
            if limit and used and limit[0] < _NO_LIMIT:
                free.append(max(0, limit[0] - used[0] + _statistic(folder / "memory.stat", files_name)))
    return min(free, default=None)


def _statistic(path: Path, name: str) -> int:
    """Return the number behind a name in a file of the kernel; 0 where the name is absent."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)


def _control_groups(root: Path, controller: str) -> list[Path]:
    """Return the folders of this process's control groups, whose limits all hold: its own and those above."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    folders: list[Path] = []
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # v2 has one tree, named by no controller; v1 one for each, or for some together.
        top = root / "sys/fs/cgroup" / controllers
        own = top / place.strip("/")
        folders += [folder for folder in (own, *own.parents) if folder == top or top in folder.parents]
    return folders


def _numbers(path: Path) -> list[int]:
    """Return the numbers in a file of the kernel's; none where it is absent or says `max`."""
    try:
        words = path.read_text().split()
    except OSError:
        return []
    return [int(word) for word in words] if all(word.lstrip("-").isdigit() for word in words) else []


def _cpus(root: Path) -> Finding:
    cores, quota = num_cpus(), cpu_quota(root)
    if quota is not None and quota < cores:
        return note(
            "CPU",
            f"{cores} cores, of which this container may use {quota:g} at a time",
            f"give --workers {max(round(quota) - 1, 1)} and --jobs {max(round(quota), 1)}, or raise --cpus",
        )
    return ok("CPU", f"{cores} cores")


def _memory(root: Path) -> list[Finding]:
    values = {}
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            name, _, rest = line.partition(":")
            values[name] = int(rest.split()[0]) * 1024
    except OSError:
        return []
    total, free = values.get("MemTotal", 0), values.get("MemAvailable", 0)
    limit = memory_limit(root)
    usable = free if limit is None else min(free, limit)
    text = f"{_gib(total)}, {_gib(free)} of it free"
    if limit is not None and limit < total:
        text += f"; this container may use {_gib(limit)}"
    if usable < _LITTLE_MEMORY:
        return [
            note(
                "memory", text, "close other programs, use fewer --workers, or raise the container's --memory"
            )
        ]
    return [ok("memory", text)]


def _shared_memory() -> list[Finding]:
    place = Path("/dev/shm")
    if not place.is_dir():
        return []
    usage = shutil.disk_usage(place)
    text = f"{_gib(usage.total)}, {_gib(usage.free)} of it free"
    # Where there are anonymous files, clips are handed over in those, which do not count here.
    if not hasattr(os, "memfd_create") and min(usage.total, usage.free) < _LITTLE_SHARED:
        return [
            problem(
                "shared memory",
                f"{text}; workers hand clips over in it",
                "start the container with --shm-size=8g (or --ipc=host), or read with --workers 0",
            )
        ]
    return [ok("shared memory", text)]


def _cache() -> Finding:
    topic = "cache folder"
    folder = cache_folder()
    remedy = "set BVAS_HOME to a folder that you can write to"
    if folder is None:
        return note(topic, "no cache folder: this user has no home", remedy)
    found = _disk(topic, folder)
    if found.state == "ok":
        return found
    return replace(found, text=f"{found.text}: indexes may have to be made again", remedy=remedy)


def _disk(topic: str, folder: Path) -> Finding:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    text = f"{folder}, {_gib(free)} free"
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        return note(topic, f"{text}, not writable", "write elsewhere: --out and --runs name a folder")
    if free < _LITTLE_DISK:
        return note(topic, text, "make room, or write to another disk")
    return ok(topic, text)


def _gib(num_bytes: float) -> str:
    return f"{num_bytes / _GIB:.1f} GiB"
