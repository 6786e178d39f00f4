"""What all benchmarks share: interleaved rounds, ratios within a round, results with their origin."""

import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from bvas import __version__
from bvas.system.atomic_files import write_json
from bvas.system.cpu_cores import cpu_name

PACKAGES = ("torch", "numpy", "av", "opencv-python-headless", "PyNvVideoCodec", "torchcodec", "decord")

T = TypeVar("T")

_as_it_goes: tuple[Path, dict[str, Any], list[dict[str, Any]]] | None = None
"""Where what is measured is written meanwhile: the file, its origin, the runs so far."""


def write_as_measured(path: Path | None, question: str) -> None:
    """Have each run of a case written to the file when it is over; `write_results` replaces that in the end.

    A program that is ended before has left what it measured, with `is_complete` false.
    """
    global _as_it_goes
    _as_it_goes = None
    if path is not None:
        origin = {
            "question": question.splitlines()[0],
            "date": time.strftime("%Y-%m-%d"),
            "machine": machine_facts(),
        }
        _as_it_goes = path, origin, []


def note_measured(**facts: Any) -> None:
    """Write one more thing that was measured, where it is written meanwhile."""
    if _as_it_goes is not None:
        path, origin, runs = _as_it_goes
        runs.append(facts)
        write_json(path, {"is_complete": False, **origin, "runs": runs})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run of a case took."""

    wall_seconds: float
    cpu_seconds: float
    """Of this process and of all that it started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median and quartiles over the rounds."""

    median: float
    first_quartile: float
    third_quartile: float


def interleave(cases: Mapping[str, Callable[[], object]], *, num_rounds: int) -> dict[str, list[Cost]]:
    """Run each case once a round, in rotating order; the costs of all rounds but the first.

    Args:
        cases: What to run, by name. One that works in another process returns the `Cost` that it had there.
        num_rounds: Rounds that count.
    """
    names = list(cases)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for number in range(num_rounds + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            cost, result = measure(cases[name])
            cost = result if isinstance(result, Cost) else cost
            # The first round warms up.
            note_measured(case=name, round=number, of_rounds=num_rounds, **asdict(cost))
            if number:
                costs[name].append(cost)
    return costs


def measure(work: Callable[[], T]) -> tuple[Cost, T]:
    """Run something once; return what it took, and its result."""
    cpu_before = cpu_seconds()
    started = time.perf_counter()
    result = work()
    wall = time.perf_counter() - started
    return Cost(wall_seconds=wall, cpu_seconds=cpu_seconds() - cpu_before), result


def cpu_seconds() -> float:
    """Return the CPU time so far of this process and of all that it started, now ended or not; needs Linux.

    Ended processes count where somebody waited for them; workers of cases that do not run are idle.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    by_parent: dict[int, list[int]] = {}
    ticks_of: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        by_parent.setdefault(int(fields[1]), []).append(int(entry.name))
        # User and system time, its own and that of its children that have ended.
        ticks_of[int(entry.name)] = sum(int(field) for field in fields[11:15])
    running = list(by_parent.get(os.getpid(), ()))
    while running:
        process_id = running.pop()
        ticks += ticks_of[process_id]
        running += by_parent.get(process_id, ())
    return time.process_time() + ended.ru_utime + ended.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


def spread(values: Sequence[float]) -> Spread:
    """Return median and quartiles; at least two values."""
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median=median, first_quartile=first, third_quartile=third)


def rows(
    costs: Mapping[str, Sequence[Cost]], *, base: str, num_units: int | Mapping[str, int], unit: str
) -> list[dict[str, Any]]:
    """Return one row a case: its ratios to `base` within the rounds, and what a unit of work costs.

    Args:
        costs: From `interleave`.
        base: The case that the others are compared with; its own ratios are 1.
        num_units: Clips or frames in one run of a case; by case where they differ.
        unit: `clip` or `frame`; part of the names of the costs.
    """
    result = []
    for name, runs in costs.items():
        num = num_units if isinstance(num_units, int) else num_units[name]
        result.append(
            {
                "case": name,
                "rounds": len(runs),
                "cpu_ratio": asdict(ratio(costs, name, base, num_units, cpu=True)),
                "wall_ratio": asdict(ratio(costs, name, base, num_units)),
                f"cpu_seconds_per_{unit}": asdict(spread([run.cpu_seconds / num for run in runs])),
                f"{unit}s_per_second": asdict(spread([num / run.wall_seconds for run in runs])),
            }
        )
    return result


def ratio(
    costs: Mapping[str, Sequence[Cost]],
    case: str,
    base: str,
    num_units: int | Mapping[str, int] = 1,
    *,
    cpu: bool = False,
) -> Spread:
    """Return what a unit of work of a case costs in units of the base's, round by round.

    Args:
        costs: From `interleave`.
        case: Whose cost is above the line.
        base: Whose cost is below.
        num_units: As `rows` takes it.
        cpu: CPU seconds, not wall seconds.
    """
    above, below = (1, 1) if isinstance(num_units, int) else (num_units[case], num_units[base])
    found = []
    for run, other in zip(costs[case], costs[base], strict=True):
        pair = (run.cpu_seconds, other.cpu_seconds) if cpu else (run.wall_seconds, other.wall_seconds)
        found.append(pair[0] / above / (pair[1] / below))
    return spread(found)


def show(table: Sequence[Mapping[str, Any]], *, base: str, unit: str) -> None:
    """Print the rows; one with `not_run` holds the reason instead of figures."""
    print(
        f"{'case':36} {'CPU / ' + base:>24} {'wall / ' + base:>24} "
        f"{'CPU s/' + unit:>11} {unit + 's/s':>8} {'wrong':>6}"
    )
    for row in table:
        if reason := row.get("not_run"):
            print(f"{row['case']:36} not run: {reason}")
            continue
        cpu, wall = row["cpu_ratio"], row["wall_ratio"]
        wrong = row.get("wrong_frames")
        print(
            f"{row['case']:36} "
            f"{cpu['median']:8.2f} ({cpu['first_quartile']:.2f} to {cpu['third_quartile']:.2f}) "
            f"{wall['median']:8.2f} ({wall['first_quartile']:.2f} to {wall['third_quartile']:.2f}) "
            f"{row[f'cpu_seconds_per_{unit}']['median']:11.4f} {row[f'{unit}s_per_second']['median']:8.1f} "
            f"{'' if wrong is None else wrong:>6}"
        )


def machine_facts() -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    facts: dict[str, Any] = {
        "commit": _commit(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpu": cpu_name(),
        "cpu_cores": os.cpu_count(),
        # Above the number of cores: others were at work, and wall times say little.
        "load_average_1_minute": round(os.getloadavg()[0], 1),
        "packages": {"bvas": __version__} | {name: _version(name) for name in PACKAGES},
    }
    import torch

    facts["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return facts


def write_results(
    path: Path, *, question: str, settings: Mapping[str, Any], table: Sequence[Mapping[str, Any]]
) -> None:
    """Write the answer with its origin."""
    content = {
        "is_complete": True,
        "question": question,
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine_facts(),
        "settings": dict(settings),
        "rows": list(table),
    }
    write_json(path, content)


def _commit() -> str:
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return (_git("rev-parse", "HEAD") or "unknown") + (" with changes" if changed else "")


def _git(*arguments: str) -> str:
    here = Path(__file__).parent
    return subprocess.run(
        ["git", *arguments], cwd=here, capture_output=True, text=True, check=False
    ).stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
