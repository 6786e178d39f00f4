"""Confusion matrices as pictures: counts, and shares of each true class; of many classes the most confused."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from bvas.report import palette
from bvas.report.figures import add_axes, figure_png, new_figure, write_text
from bvas.report.fonts import drawable_text, font_families
from bvas.values.arrays import Ints
from bvas.values.plural import count_text

MOST_CLASSES = 25
"""Classes that a picture shows."""
_CELL = 0.46
"""Inches of a cell."""
_LONGEST_NAME = 26
_LETTER = 0.082
"""Inches of a letter of a class's name."""
_SIDE_BY_SIDE = 12
"""Classes up to which matrices stand side by side."""
_HEAD = 0.7


def most_confused(confusion: Ints, most: int) -> list[int]:
    """Return the classes with the most errors, in their own order; all where there are no more than `most`.

    An error counts for its true class and for the predicted one.

    Args:
        confusion: [K, K], rows are true classes.
        most: How many.
    """
    if len(confusion) <= most:
        return list(range(len(confusion)))
    errors = confusion.sum(axis=0) + confusion.sum(axis=1) - 2 * confusion.diagonal()
    return sorted(np.argsort(-errors, kind="stable")[:most].tolist())


def confusion_png(matrices: Sequence[tuple[str, Ints]], labels: Sequence[str], *, heading: str) -> bytes:
    """Return the picture as a PNG file: a panel for each matrix, of the same classes.

    Args:
        matrices: Title and matrix [K, K] of each panel; rows are true classes.
        labels: The K classes.
        heading: First line.
    """
    whole = np.sum([matrix for _, matrix in matrices], axis=0)
    shown = most_confused(whole, MOST_CLASSES)
    names = [shortened(labels[place]) for place in shown]
    is_cut = len(shown) < len(labels)
    columns = len(shown) + is_cut
    margin = 0.5 + _LETTER * max(max(map(len, names)) + 8, 8)
    below = 0.35 + _LETTER * max(max(map(len, names)), 6)
    panel = margin + columns * _CELL + 0.3, 0.4 + len(shown) * _CELL + below
    across = len(matrices) if columns <= _SIDE_BY_SIDE else 1
    down = -(-len(matrices) // across)
    notes = ["rows: true class, with its samples; columns: predicted class; samples, and share of the row"]
    if is_cut:
        notes.append(f"{len(shown)} of {count_text(len(labels), 'class')}: those with the most errors")
    longest = max(0.105 * len(heading), 0.07 * max(map(len, notes)))
    width, height = max(across * panel[0], longest + 0.5), down * panel[1] + _HEAD
    figure = new_figure(width, height)
    write_text(figure, 0.22 / width, 1 - 0.16 / height, heading, size=13, bold=True)
    for number, note in enumerate(notes):
        top = 1 - (0.42 + 0.17 * number) / height
        write_text(figure, 0.22 / width, top, note, size=8.5, color=palette.FAINT)
    for number, (title, matrix) in enumerate(matrices):
        row, column = divmod(number, across)
        left = column * panel[0] + margin
        bottom = height - _HEAD - (row + 1) * panel[1] + below
        axes = add_axes(figure, left, bottom, columns * _CELL, len(shown) * _CELL, grid="both")
        _draw(axes, matrix, shown, names)
        right = int(matrix.diagonal().sum())
        text = f"{title}: {right} of {int(matrix.sum())} right".removeprefix(": ")
        write_text(axes, 0, 1 + 0.12 / (len(shown) * _CELL), text, size=9.5, bold=True)
    return figure_png(figure)


def shortened(name: str, most: int = _LONGEST_NAME) -> str:
    """Return a name of at most `most` letters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _draw(axes: Axes, matrix: Ints, shown: list[int], names: list[str]) -> None:
    support = matrix.sum(axis=1)
    cells = matrix[np.ix_(shown, shown)]
    columns = list(names)
    if len(shown) < len(matrix):
        cells = np.column_stack([cells, support[shown] - cells.sum(axis=1)])
        columns.append("others")
    shares = cells / np.maximum(support[shown], 1)[:, None]
    for row, column in np.ndindex(*cells.shape):
        share, count = float(shares[row, column]), int(cells[row, column])
        color = _blend(palette.HIT if row == column else palette.MISS, share)
        axes.fill([column, column + 1, column + 1, column], [row, row, row + 1, row + 1], color=color)
        if not count:
            continue
        ink = "white" if share > 0.72 else palette.TEXT
        middle = column + 0.5
        axes.text(middle, row + 0.36, f"{count}", ha="center", va="center", fontsize=8, color=ink)
        axes.text(middle, row + 0.7, f"{share:.0%}", ha="center", va="center", fontsize=6.5, color=ink)
    texts = [drawable_text(f"{name} ({support[place]})") for name, place in zip(names, shown, strict=True)]
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(shown), 0)
    axes.grid(False)
    axes.hlines(range(len(shown) + 1), 0, len(columns), color=palette.GRID, linewidth=0.7)
    axes.vlines(range(len(columns) + 1), 0, len(shown), color=palette.GRID, linewidth=0.7)
    axes.spines[["left", "bottom"]].set_visible(False)
    style: dict[str, Any] = {"fontsize": 8, "color": palette.TEXT, "parse_math": False}
    below = list(map(drawable_text, columns))
    axes.set_xticks(np.arange(len(columns)) + 0.5)
    axes.set_xticklabels(below, rotation=90, fontfamily=font_families(*below), **style)
    axes.set_yticks(np.arange(len(shown)) + 0.5)
    axes.set_yticklabels(texts, fontfamily=font_families(*texts), **style)
    axes.tick_params(length=0)


def _blend(color: str, share: float) -> tuple[float, float, float]:
    """Return a color between white (0) and `color` (1); small shares stay visible."""
    red, green, blue = (1 - share**0.6 * (1 - part) for part in to_rgb(color))
    return red, green, blue
