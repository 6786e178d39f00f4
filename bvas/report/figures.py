"""Figures of matplotlib: axes placed in inches, text in any script, PNG files."""

import io
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bvas.report import palette
from bvas.report.fonts import drawable_text, font_families

DOTS_PER_INCH = 110


def new_figure(width: float, height: float) -> Figure:
    """Return an empty white figure of a size in inches."""
    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor="white")


def add_axes(
    figure: Figure, left: float, bottom: float, width: float, height: float, *, grid: Literal["both", "x"]
) -> Axes:
    """Return new axes with a grid; place and size are in inches from the lower left corner."""
    columns, rows = figure.get_size_inches()
    axes = figure.add_axes((left / columns, bottom / rows, width / columns, height / rows))
    axes.tick_params(labelsize=8, colors=palette.FAINT, length=3)
    axes.grid(axis=grid, color=palette.GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(palette.FAINT)
    return axes


def write_text(
    target: Figure | Axes,
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    color: str = palette.TEXT,
    bold: bool = False,
) -> None:
    """Write a line of text as it is, not as a formula.

    Args:
        target: The figure or axes.
        x: Share of the target's width.
        y: Share of its height: of the upper edge in a figure, of the baseline in axes.
        text: The text; what no font has is spelled out.
        size: In points.
        color: Of the letters.
        bold: Whether they are bold.
    """
    text = drawable_text(text)
    target.text(
        x,
        y,
        text,
        transform=target.transFigure if isinstance(target, Figure) else target.transAxes,
        va="top" if isinstance(target, Figure) else "baseline",
        fontfamily=font_families(text),
        fontsize=size,
        fontweight="bold" if bold else "normal",
        color=color,
        parse_math=False,
    )


def figure_png(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()
