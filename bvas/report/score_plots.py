"""Plots of scores: precision over recall, and timing of hits; a panel for each label."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bvas.metrics.analysis import Hit, Matching, counts_per_label, timing_error, timing_histogram
from bvas.metrics.precision_recall import precision_recall
from bvas.report import palette
from bvas.report.figures import add_axes, figure_png, new_figure, write_text
from bvas.values.annotations import LabelSet
from bvas.values.plural import count_text

PANEL_INCHES = 3.2
MOST_COLUMNS = 4
HEAD_INCHES = 0.5


def precision_recall_png(
    rankings: Sequence[Matching],
    labels: LabelSet,
    *,
    operating_points: Mapping[str, float],
    tolerance_seconds: float,
) -> bytes:
    """Return the picture as a PNG file: a curve for each label that occurs, and its operating point.

    Args:
        rankings: One per video, of all candidates.
        labels: The labels.
        operating_points: Confidence at which the curve of a label has its dot.
        tolerance_seconds: Half-width that the rankings were matched within.
    """
    counts = counts_per_label(rankings, labels)
    curves = dict(zip(labels, precision_recall(rankings, labels), strict=True))
    occurring = [name for name in labels if counts[name].num_annotations or counts[name].num_spots]
    names = occurring or list(labels)
    points = {operating_points[name] for name in names}
    note = "the dot is where spots of the label are shown"
    if len(points) == 1:
        note = f"the dot is where spots are shown, from confidence {points.pop():g} up"
    heading = f"Precision over recall, spots within {tolerance_seconds:g} s"
    figure, panels = _panels(len(names), heading, note, "recall", "precision")
    for name, axes in zip(names, panels, strict=True):
        curve = curves[name]
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.03)
        area = float((np.diff(curve.recall, prepend=0.0) * curve.precision).sum())
        _title(axes, name, f"AP {100 * area:.1f}, {count_text(counts[name].num_annotations, 'annotation')}")
        if not len(curve.recall):
            axes.text(0.5, 0.5, "no spots", ha="center", color=palette.FAINT, fontsize=9)
            continue
        # From the first spot on a curve goes left at the same precision.
        recall = np.concatenate([[0.0], curve.recall])
        precision = np.concatenate([curve.precision[:1], curve.precision])
        axes.fill_between(recall, precision, color=palette.CURVE_FILL, linewidth=0)
        axes.plot(recall, precision, color=palette.HIT, linewidth=1.4)
        shown = np.flatnonzero(curve.confidences >= operating_points[name])
        if len(shown):
            dot = curve.recall[shown[-1]], curve.precision[shown[-1]]
            axes.plot(*dot, "o", color=palette.MISS, markersize=7, clip_on=False, zorder=5)
    return figure_png(figure)


def timing_png(matchings: Sequence[Matching], labels: LabelSet, *, tolerance_seconds: float) -> bytes:
    """Return the picture as a PNG file: histograms of spot minus annotation, of all hits and by label.

    Args:
        matchings: One per video, of the spots that are shown.
        labels: The labels.
        tolerance_seconds: Half-width that they were matched within.
    """
    hits = [hit for matching in matchings for hit in matching.hits]
    by_label: dict[str, list[Hit]] = {name: [] for name in labels}
    for hit in hits:
        by_label[labels.merged.get(hit.annotation.label, hit.annotation.label)].append(hit)
    groups = [(name, found) for name, found in by_label.items() if found]
    if len(groups) != 1:  # of one label all are the same
        groups = [("all labels", hits), *groups]
    note = "early on the left, late on the right; the line is the median"
    figure, panels = _panels(len(groups), "Timing of hits", note, "seconds", "hits")
    for (name, found), axes in zip(groups, panels, strict=True):
        histogram = timing_histogram(found, tolerance_seconds=tolerance_seconds)
        edges = np.array(histogram.edges_seconds)
        widths = np.diff(edges) * 0.9
        axes.bar(edges[:-1], histogram.counts, width=widths, align="edge", color=palette.HIT, linewidth=0)
        axes.set_xlim(-tolerance_seconds, tolerance_seconds)
        axes.set_ylim(0, max(*histogram.counts, 1) * 1.08)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.axvline(0, color=palette.FAINT, linewidth=0.8, linestyle=(0, (4, 4)))
        error = timing_error(found)
        if error is None:
            _title(axes, name, "no hits")
            continue
        axes.axvline(error.median_seconds, color=palette.MISS, linewidth=1.6)
        spread = f"median {error.median_seconds:+.2f} s, middle half {error.spread_seconds:.2f} s"
        _title(axes, name, f"{count_text(error.num_hits, 'hit')}, {spread}")
    return figure_png(figure)


def _panels(number: int, heading: str, note: str, x_label: str, y_label: str) -> tuple[Figure, list[Axes]]:
    columns = min(number, MOST_COLUMNS)
    rows = -(-number // columns)
    panel_height = PANEL_INCHES * 0.92
    width = max(columns, 2) * PANEL_INCHES + 0.4
    height = rows * panel_height + HEAD_INCHES
    figure = new_figure(width, height)
    write_text(figure, 0.22 / width, 1 - 0.16 / height, heading, size=13, bold=True)
    write_text(figure, 0.22 / width, 1 - 0.44 / height, note, size=9, color=palette.FAINT)
    panels = []
    for place in range(number):
        row, column = divmod(place, columns)
        left = column * PANEL_INCHES + 0.7
        bottom = height - HEAD_INCHES - (row + 1) * panel_height + 0.5
        axes = add_axes(figure, left, bottom, PANEL_INCHES - 0.75, panel_height - 1.05, grid="both")
        axes.set_xlabel(x_label, fontsize=8, color=palette.FAINT)
        axes.set_ylabel(y_label, fontsize=8, color=palette.FAINT)
        panels.append(axes)
    return figure, panels


def _title(axes: Axes, name: str, detail: str) -> None:
    write_text(axes, 0, 1.12, name, size=10, bold=True)
    write_text(axes, 0, 1.03, detail, size=8, color=palette.FAINT)
