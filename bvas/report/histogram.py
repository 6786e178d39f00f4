"""A small histogram of timing errors, as an SVG element for the page."""

from collections.abc import Sequence

import numpy as np

from bvas.report import palette

NUM_BINS = 25
WIDTH, HEIGHT, BASE = 560, 150, 118


def histogram_svg(errors_seconds: Sequence[float], tolerance_seconds: float) -> str:
    """Return an SVG element: how many errors fall where between -tolerance and +tolerance.

    Args:
        errors_seconds: Spot minus annotation; those beyond the tolerance are left out.
        tolerance_seconds: Half of the width shown.
    """
    counts, edges = np.histogram(errors_seconds, NUM_BINS, (-tolerance_seconds, tolerance_seconds))
    highest = max(int(counts.max()), 1)
    bin_width = WIDTH / NUM_BINS
    bars = []
    for i, count in enumerate(counts.tolist()):
        height = count / highest * (BASE - 12)
        bars.append(
            f'<rect x="{i * bin_width + 1:.1f}" y="{BASE - height:.1f}" width="{bin_width - 2:.1f}" '
            f'height="{height:.1f}" fill="{palette.HIT}">'
            f"<title>{edges[i]:+.2f} to {edges[i + 1]:+.2f} s: {count}</title></rect>"
        )
    ticks = []
    for share, anchor in ((-1.0, "start"), (-0.5, "middle"), (0.0, "middle"), (0.5, "middle"), (1.0, "end")):
        x = (share + 1) / 2 * WIDTH
        text = "on time" if share == 0 else f"{share * tolerance_seconds:+.2f} s"
        ticks.append(
            f'<text x="{x:.0f}" y="{BASE + 20}" text-anchor="{anchor}" font-size="14" '
            f'fill="{palette.FAINT}">{text}</text>'
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="Histogram of the timing errors of hits; early on the left, late on the right">'
        f'<line x1="{WIDTH / 2}" x2="{WIDTH / 2}" y1="0" y2="{BASE}" stroke="{palette.FAINT}" '
        'stroke-dasharray="4 4"/>'
        f"{''.join(bars)}"
        f'<line x1="0" x2="{WIDTH}" y1="{BASE}" y2="{BASE}" stroke="{palette.FAINT}"/>'
        f"{''.join(ticks)}</svg>"
    )
