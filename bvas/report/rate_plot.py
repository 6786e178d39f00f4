"""Plot of a learning rate search: loss over rate, with the suggestion."""

import numpy as np

from bvas.report import palette
from bvas.report.figures import add_axes, figure_png, new_figure, write_text
from bvas.training.rate_finder import RateCurve

_WIDTH, _HEIGHT = 7.2, 4.2


def rate_png(curve: RateCurve, *, heading: str, configured: float) -> bytes:
    """Return the picture as a PNG file.

    Args:
        curve: Losses by rate.
        heading: First line.
        configured: The learning rate of the config, drawn for comparison.
    """
    figure = new_figure(_WIDTH, _HEIGHT)
    write_text(figure, 0.22 / _WIDTH, 1 - 0.16 / _HEIGHT, heading, size=13, bold=True)
    note = "dots: each step; line: smoothed"
    if curve.is_diverged:
        note += f"; diverged at {curve.rates[-1]:.1e}"
    write_text(figure, 0.22 / _WIDTH, 1 - 0.44 / _HEIGHT, note, size=9, color=palette.FAINT)
    axes = add_axes(figure, 0.75, 0.6, _WIDTH - 1.0, _HEIGHT - 1.55, grid="both")
    axes.set_xscale("log")
    axes.set_xlabel("learning rate", fontsize=8, color=palette.FAINT)
    axes.set_ylabel("training loss", fontsize=8, color=palette.FAINT)
    finite = np.isfinite(curve.losses)
    low, high = float(curve.losses[finite].min()), float(curve.smoothed.max())
    # What a diverging run ends with would press the descent flat.
    axes.set_ylim(low - 0.08 * (high - low), high + 0.25 * (high - low))
    axes.plot(curve.rates, curve.losses, "o", color=palette.CURVE, markersize=2.5, alpha=0.7)
    axes.plot(curve.rates, curve.smoothed, color=palette.HIT, linewidth=1.8)
    axes.axvline(configured, color=palette.FAINT, linewidth=1.2, linestyle=(0, (4, 4)))
    write_text(axes, 0, 1.05, f"- - of the config: {configured:.1e}", size=8, color=palette.FAINT)
    suggested = curve.suggestion
    if suggested is None:
        write_text(
            axes, 0.4, 1.05, "no suggestion: the loss does not fall clearly", size=8, color=palette.MISS
        )
    else:
        axes.axvline(suggested, color=palette.MISS, linewidth=1.6)
        text = f"suggested, the middle of the descent: {suggested:.1e}"
        write_text(axes, 0.4, 1.05, text, size=8, color=palette.MISS)
    return figure_png(figure)
