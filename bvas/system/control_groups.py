"""Limits of control groups, and the memory that is free under them."""

from pathlib import Path

# The value of cgroup v1 for no limit.
_NO_LIMIT = 2**60


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
    values = memory_values(root)
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


def kernel_text(path: Path) -> str:
    """Return the text of a file of the kernel; empty where it is absent."""
    try:
        return path.read_text()
    except OSError:
        return ""


def memory_values(root: Path) -> dict[str, int]:
    """Return the bytes that the kernel reports, by name; none where it does not."""
    lines = kernel_text(root / "proc/meminfo").splitlines()
    return {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}


def _statistic(path: Path, name: str) -> int:
    """Return the number behind a name in a file of the kernel; 0 where the name is absent."""
    lines = kernel_text(path).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)


def _control_groups(root: Path, controller: str) -> list[Path]:
    """Return the folders of this process's control groups, whose limits all hold: its own and those above."""
    folders: list[Path] = []
    for line in kernel_text(root / "proc/self/cgroup").splitlines():
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
    words = kernel_text(path).split()
    return [int(word) for word in words] if all(word.lstrip("-").isdigit() for word in words) else []
