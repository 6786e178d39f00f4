"""Picture of how time and memory grow: docs/growth.png, from the results of benchmarks/bench_growth.py.

python scripts/draw_growth.py benchmarks/results/growth--NAME.json
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

DOCS = Path(__file__).resolve().parents[1] / "docs"
_COLUMNS = 3
TIME, MEMORY = "#1f5fa8", "#c4622d"


def draw(axes: Any, row: Mapping[str, Any]) -> None:
    """Draw one question: time on the left axis, peak memory on the right, the fitted time as a line."""
    points = row["points"][1 if row["has_base"] else 0 :]
    sizes = np.array([point["size"] for point in points], float)
    seconds = [point["seconds"] for point in points]
    memory = axes.twinx()
    memory.plot(
        sizes, [point["peak_bytes"] / 2**30 for point in points], "s--", color=MEMORY, markersize=4, lw=1
    )
    axes.plot(sizes, seconds, "o", color=TIME, markersize=5)
    between = np.geomspace(sizes[0], sizes[-1], 50)
    line = row["fixed_seconds"] + row["seconds_per_unit"] * between
    if row["has_base"]:
        axes.plot(between, line, "-", color=TIME, lw=1.2)
    else:
        axes.plot(sizes, seconds, "-", color=TIME, lw=1.2)
    powers = [f"$n^{{{row[key]:.2f}}}$" for key in ("time_exponent", "memory_exponent")]
    axes.set_title(f"{row['question']}\ntime {powers[0]}, memory {powers[1]}", fontsize=9)
    axes.set(xscale="log", yscale="log", xlabel=row["unit"], xticks=sizes)
    memory.set_yscale("log")
    axes.set_xticklabels([f"{size:,.0f}" for size in sizes])
    for side, limits, color in ((axes, _limits(seconds), TIME), (memory, (0.1, 20.0), MEMORY)):
        side.set_ylim(limits)
        side.tick_params(axis="y", labelcolor=color)
        side.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    memory.minorticks_off()
    axes.grid(alpha=0.3)


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Return limits of two decades at least, so that slopes compare by eye."""
    center = np.sqrt(min(values) * max(values))
    half = max(10.0, 1.5 * max(values) / center)
    return center / half, center * half


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--out", type=Path, default=DOCS / "growth.png")
    args = parser.parse_args(argv)
    rows = json.loads(args.results.read_text(encoding="utf-8"))["rows"]
    mpl.rcParams["font.size"] = 8
    figure = Figure(figsize=(9, 2.7 * -(-(len(rows) + 1) // _COLUMNS)), layout="constrained")
    panels = figure.subplots(-(-(len(rows) + 1) // _COLUMNS), _COLUMNS, squeeze=False).ravel()
    for row, axes in zip(rows, panels, strict=False):
        draw(axes, row)
    for axes in panels[len(rows) :]:
        axes.axis("off")
    marks = [
        Line2D([], [], color=TIME, marker="o", markersize=5, lw=0, label="seconds (left)"),
        Line2D([], [], color=TIME, lw=1.2, label="fixed cost + n units (fitted)"),
        Line2D(
            [], [], color=MEMORY, marker="s", markersize=4, ls="--", lw=1, label="peak memory, GiB (right)"
        ),
    ]
    panels[-1].legend(handles=marks, loc="center", frameon=False, fontsize=9)
    figure.savefig(args.out, dpi=110)
    return 0


if __name__ == "__main__":
    sys.exit(main())
