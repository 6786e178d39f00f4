"""Findings about cores, memory and disk space, as this process may use them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bvas.system.cache_folder import cache_folder
from bvas.system.control_groups import cpu_quota, memory_limit, memory_values
from bvas.system.cpu_cores import allowed_cores
from bvas.system.doctor.finding import Finding, note, ok, problem

_GIB = 2**30
_LITTLE_MEMORY = 4 * _GIB
_LITTLE_SHARED = _GIB
_LITTLE_DISK = 2 * _GIB


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


def _cpus(root: Path) -> Finding:
    cores, quota = allowed_cores(), cpu_quota(root)
    if quota is not None and quota < cores:
        return note(
            "CPU",
            f"{cores} cores, of which this container may use {quota:g} at a time",
            f"give --workers {max(round(quota) - 1, 1)} and --jobs {max(round(quota), 1)}, or raise --cpus",
        )
    return ok("CPU", f"{cores} cores")


def _memory(root: Path) -> Iterator[Finding]:
    values = memory_values(root)
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
