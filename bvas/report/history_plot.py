"""Curves of a run: losses and figures over the epochs, of training and validation, with the best epoch."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bvas.report import palette
from bvas.report.figures import add_axes, figure_png, new_figure, write_text

_SIDES = {"train": ("training", palette.MISS, "o"), "val": ("validation", palette.HIT, "s")}
_OTHERS = ("seconds", "clips_per_second", "waiting_share")
"""Columns of a log about the machine."""
_WIDTH, _HEIGHT, _HEAD = 3.4, 2.7, 0.75
_COLUMNS = 3


def history_png(rows: Sequence[Mapping[str, float]], *, heading: str, best: int | None) -> bytes:
    """Return the picture as a PNG file: a panel for each figure, with a curve for each side that has it.

    Args:
        rows: Figures by name of each epoch, at least one: `train_loss`, `val_loss`, `learning_rate`, ...
        heading: First line.
        best: Best epoch, from 0; None where no epoch is.
    """
    panels = dict.fromkeys(_figure_of(name) for row in rows for name in row if name not in _OTHERS)
    columns = min(_COLUMNS, len(panels))
    width = max(columns * _WIDTH, 2 * _WIDTH) + 0.2
    height = -(-len(panels) // columns) * _HEIGHT + _HEAD
    figure = new_figure(width, height)
    write_text(figure, 0.22 / width, 1 - 0.16 / height, heading, size=13, bold=True)
    legend = [("circles: training", palette.MISS), ("squares: validation", palette.HIT)]
    if best is not None:
        legend.append((f"- - best epoch: {best + 1} of {len(rows)}", palette.FAINT))
    for place, (text, color) in enumerate(legend):
        write_text(figure, (0.22 + 1.7 * place) / width, 1 - 0.46 / height, text, size=9, color=color)
    for place, name in enumerate(panels):
        row, column = divmod(place, columns)
        bottom = height - _HEAD - (row + 1) * _HEIGHT + 0.55
        axes = add_axes(figure, column * _WIDTH + 0.65, bottom, _WIDTH - 0.85, _HEIGHT - 1.1, grid="both")
        _draw(axes, name, rows, best)
    return figure_png(figure)


def _draw(axes: Axes, name: str, rows: Sequence[Mapping[str, float]], best: int | None) -> None:
    epochs = range(1, len(rows) + 1)
    shown = len(rows) - 1 if best is None else best
    details = []
    columns = {f"{side}_{name}": style for side, style in _SIDES.items()}
    columns[name] = ("", palette.CURVE, ".")
    for column, (side, color, marker) in columns.items():
        values = [row.get(column, float("nan")) for row in rows]
        if not any(column in row for row in rows):
            continue
        size = 3.5 if len(rows) <= 40 else 0
        axes.plot(epochs, values, f"{marker}-", color=color, linewidth=1.4, markersize=size)
        details.append(f"{side} {values[shown]:.4g}".strip())
    if best is not None:
        axes.axvline(best + 1, color=palette.FAINT, linewidth=1.0, linestyle=(0, (4, 4)))
    axes.set_xlabel("epoch", fontsize=8, color=palette.FAINT)
    axes.set_xlim(0.5, len(rows) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    title = name.replace("_", " ").replace("f1", "F1")
    write_text(axes, 0, 1.14, title, size=10, bold=True)
    moment = "last" if best is None else "best epoch"
    write_text(axes, 0, 1.04, f"{moment}: {', '.join(details)}", size=8, color=palette.FAINT)


def _figure_of(column: str) -> str:
    side, _, name = column.partition("_")
    return name if side in _SIDES else column
