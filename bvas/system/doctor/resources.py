"""Findings about cores, memory and disk space, as this process may use them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
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


def inspect_resources(runs: Path, root: Path = Path("/")) -> Iterator[Finding]:
    """Look at what this process may use of the machine.

    Args:
        runs: The runs folder.
        root: Folder of `proc` and `sys`.
    """
    yield _cpus(root)
    yield from _memory(root)
    yield from _shared_memory()
    yield _disk("this folder", Path.cwd())
    if runs.absolute() != Path.cwd():
        yield _disk("runs folder", runs.absolute())
    yield _cache()
    yield _disk("temporary files", Path(tempfile.gettempdir()))


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
    values = _memory_values(root)
    if "MemAvailable" not in values:
        return None
    free = [values["MemAvailable"]]
    for folder in _control_groups(root, "memory"):
        for limit_name, used_name, files_name in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, used = _numbers(folder / limit_name), _numbers(folder / used_name)
            if limit and used and limit[0] < _NO_LIMIT:
                free.append(max(0, limit[0] - used[0] + _statistic(folder / "memory.stat", files_name)))
    return min(free)


def _kernel_text(path: Path) -> str:
    """Return the text of a file of the kernel; empty where it is absent."""
    try:
        return path.read_text()
    except OSError:
        return ""


def _memory_values(root: Path) -> dict[str, int]:
    """Return the bytes that the kernel reports, by name; none where it does not."""
    lines = _kernel_text(root / "proc/meminfo").splitlines()
    return {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}


def _statistic(path: Path, name: str) -> int:
    """Return the number behind a name in a file of the kernel; 0 where the name is absent."""
    lines = _kernel_text(path).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)


def _control_groups(root: Path, controller: str) -> list[Path]:
    """Return the folders of this process's control groups, whose limits all hold: its own and those above."""
    folders: list[Path] = []
    for line in _kernel_text(root / "proc/self/cgroup").splitlines():
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
    words = _kernel_text(path).split()
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


def _memory(root: Path) -> Iterator[Finding]:
    values = _memory_values(root)
    if not values:
        return
    total, free = values.get("MemTotal", 0), values.get("MemAvailable", 0)
    limit = memory_limit(root)
    usable = free if limit is None else min(free, limit)
    text = f"{_gib(total)}, {_gib(free)} of it free"
    if limit is not None and limit < total:
        text += f"; this container may use {_gib(limit)}"
    if usable < _LITTLE_MEMORY:
        remedy = "close other programs, use fewer --workers, or raise the container's --memory"
        yield note("memory", text, remedy)
    else:
        yield ok("memory", text)


def _shared_memory() -> Iterator[Finding]:
    place = Path("/dev/shm")
    if not place.is_dir():
        return
    usage = shutil.disk_usage(place)
    text = f"{_gib(usage.total)}, {_gib(usage.free)} of it free"
    # Where there are anonymous files, clips are handed over in those, which do not count here.
    if not hasattr(os, "memfd_create") and min(usage.total, usage.free) < _LITTLE_SHARED:
        yield problem(
            "shared memory",
            f"{text}; workers hand clips over in it",
            "start the container with --shm-size=8g (or --ipc=host), or read with --workers 0",
        )
    else:
        yield ok("shared memory", text)


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
