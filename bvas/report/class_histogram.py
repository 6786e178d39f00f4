"""Histogram of clips per class, before and after balancing."""

from collections.abc import Mapping

from matplotlib.ticker import MaxNLocator

from bvas.report import palette
from bvas.report.figures import add_axes, figure_png, new_figure, write_text

_WIDTH = 9.0
_NAMES = 2.4
"""Inches of the names of the classes."""
_HEAD, _FOOT = 0.85, 0.5
_FEW = 40
"""Classes up to which a row is tall."""


def class_histogram_png(counts: Mapping[str, int], drawn: Mapping[str, int], *, heading: str) -> bytes:
    """Return the picture as a PNG file: two bars for each class, of its clips and of those that an epoch draws.

    Args:
        counts: Clips of each class, from top to bottom.
        drawn: Clips of each class after balancing.
        heading: First line.
    """
    row = 0.42 if len(counts) <= _FEW else 0.26
    height = _HEAD + _FOOT + row * max(len(counts), 1)
    figure = new_figure(_WIDTH, height)
    write_text(figure, 0.22 / _WIDTH, 1 - 0.16 / height, heading, size=13, bold=True)
    total, kept = sum(counts.values()), sum(drawn[name] for name in counts)
    for place, (color, text) in enumerate(
        ((palette.FAINT, f"gray: all clips ({total:,})"), (palette.HIT, f"blue: after balancing ({kept:,})"))
    ):
        write_text(figure, (0.22 + 2.4 * place) / _WIDTH, 1 - 0.46 / height, text, size=9, color=color)
    axes = add_axes(figure, _NAMES, _FOOT, _WIDTH - _NAMES - 0.9, height - _HEAD - _FOOT, grid="x")
    places = range(len(counts))
    most = max(*counts.values(), *drawn.values(), 1) if counts else 1
    axes.barh(
        [place - 0.2 for place in places],
        list(counts.values()),
        0.38,
        color=palette.CURVE,
        linewidth=0,
    )
    axes.barh(
        [place + 0.2 for place in places],
        [drawn[name] for name in counts],
        0.38,
        color=palette.HIT,
        linewidth=0,
    )
    axes.set_ylim(len(counts) - 0.5, -0.5)
    axes.set_xlim(0, most * 1.02)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.set_xlabel("clips", fontsize=8, color=palette.FAINT)
    points = 9 if len(counts) <= _FEW else 7
    for place, (name, count) in enumerate(counts.items()):
        top = 1 - (_HEAD + (place + 0.5) * row - 0.6 * points / 72) / height
        write_text(figure, 0.22 / _WIDTH, top, _shortened(name), size=points)
        numbers = f"{count:,}" if count == drawn[name] else f"{count:,} / {drawn[name]:,}"
        write_text(figure, 1 - 0.8 / _WIDTH, top, numbers, size=points - 1, color=palette.FAINT)
    return figure_png(figure)


def _shortened(name: str) -> str:
    return name if len(name) <= 32 else f"{name[:31]}…"
