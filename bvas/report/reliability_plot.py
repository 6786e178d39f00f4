"""Reliability diagram: share of right predictions over their probability, and how many there are of each."""

from bvas.metrics.class_scores import ClassificationScores
from bvas.report import palette
from bvas.report.figures import add_axes, figure_png, new_figure, write_text

_WIDTH, _HEIGHT = 5.2, 6.0


def reliability_png(scores: ClassificationScores, *, heading: str) -> bytes:
    """Return the picture as a PNG file.

    Args:
        scores: Figures of some samples.
        heading: First line.
    """
    figure = new_figure(_WIDTH, _HEIGHT)
    write_text(figure, 0.22 / _WIDTH, 1 - 0.16 / _HEIGHT, heading, size=13, bold=True)
    note = f"expected calibration error {scores.calibration_error:.3f}; dashed: as often right as said"
    write_text(figure, 0.22 / _WIDTH, 1 - 0.44 / _HEIGHT, note, size=8.5, color=palette.FAINT)
    axes = add_axes(figure, 0.75, 2.0, _WIDTH - 1.05, _HEIGHT - 2.75, grid="both")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("share that is right", fontsize=8, color=palette.FAINT)
    axes.tick_params(labelbottom=False)
    below = add_axes(figure, 0.75, 0.6, _WIDTH - 1.05, 1.15, grid="both")
    below.set_xlim(0, 1)
    below.set_xlabel("probability of the predicted class", fontsize=8, color=palette.FAINT)
    below.set_ylabel("samples", fontsize=8, color=palette.FAINT)
    confidences, shares = [], []
    for one in scores.reliability:
        if one.share_right is None or one.mean_confidence is None:
            continue
        width = one.high - one.low
        axes.bar(one.low + width / 2, one.share_right, width * 0.92, color=palette.CURVE_FILL, linewidth=0)
        below.bar(one.low + width / 2, one.count, width * 0.92, color=palette.CURVE, linewidth=0)
        confidences.append(one.mean_confidence)
        shares.append(one.share_right)
    axes.plot([0, 1], [0, 1], color=palette.FAINT, linewidth=1.2, linestyle=(0, (4, 4)))
    axes.plot(confidences, shares, "o-", color=palette.HIT, linewidth=1.4, markersize=5)
    return figure_png(figure)
