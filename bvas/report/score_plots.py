"""Plots of scores: precision over recall, and timing of hits; a panel for each label."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bvas.metrics.analysis import Hit, Matching, counts_per_label, timing_error, timing_histogram
from bvas.metrics.precision_recall import PrecisionRecall, precision_recall
from bvas.report import palette
from bvas.report.fonts import drawable_text, font_families
from bvas.values.annotations import LabelSet
from bvas.values.plural import count_text

DOTS_PER_INCH = 110
PANEL_INCHES = 3.2
MOST_COLUMNS = 4
HEAD_INCHES = 0.5


def precision_recall_png(
    rankings: Sequence[Matching],
    labels: LabelSet,
    *,
    operating_point: float | Mapping[str, float],
    tolerance_seconds: float,
) -> bytes:
    """Return the picture as a PNG file: a curve for each label that occurs, and its operating point.

    Args:
        rankings: One per video, of all candidates.
        labels: The labels.
        operating_point: Confidence at which a curve has its dot; one, or one by label.
        tolerance_seconds: Half-width that the rankings were matched within.
    """
    counts = counts_per_label(rankings, labels)
    curves = dict(zip(labels, precision_recall(rankings, labels), strict=True))
    names = [name for name in labels if counts[name].num_annotations or counts[name].num_spots] or list(
        labels
    )
    points = (
        operating_point if isinstance(operating_point, Mapping) else dict.fromkeys(names, operating_point)
    )
    common = {points[name] for name in names}
    figure, panels = _panels(
        len(names),
        f"Precision over recall, spots within {tolerance_seconds:g} s",
        f"the dot is where spots are shown, from confidence {common.pop():g} up"
        if len(common) == 1
        else "the dot is where spots of the label are shown",
    )
    for name, axes in zip(names, panels, strict=True):
        curve = curves[name]
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.03)
        axes.set_xlabel("recall", fontsize=8, color=palette.FAINT)
        axes.set_ylabel("precision", fontsize=8, color=palette.FAINT)
        area = _exact_area(curve)
        _title(axes, name, f"AP {100 * area:.1f}, {count_text(counts[name].num_annotations, 'annotation')}")
        if not len(curve.recall):
            axes.text(0.5, 0.5, "no spots", ha="center", color=palette.FAINT, fontsize=9)
            continue
        # From the first spot on a curve goes left at the same precision.
        recall = np.concatenate([[0.0], curve.recall])
        precision = np.concatenate([curve.precision[:1], curve.precision])
        axes.fill_between(recall, precision, color=palette.CURVE_FILL, linewidth=0)
        axes.plot(recall, precision, color=palette.HIT, linewidth=1.4)
        shown = np.flatnonzero(curve.confidences >= points[name])
        if len(shown):
            axes.plot(
                curve.recall[shown[-1]],
                curve.precision[shown[-1]],
                "o",
                color=palette.MISS,
                markersize=7,
                clip_on=False,
                zorder=5,
            )
    return _png(figure)


def timing_png(matchings: Sequence[Matching], labels: LabelSet, *, tolerance_seconds: float) -> bytes:
    """Return the picture as a PNG file: histograms of spot minus annotation, of all hits and by label.

    Args:
        matchings: One per video, of the spots that are shown.
        labels: The labels.
        tolerance_seconds: Half-width that they were matched within.
    """
    hits = [hit for matching in matchings for hit in matching.hits]

    def of(name: str) -> list[Hit]:
        return [hit for hit in hits if labels.merged.get(hit.annotation.label, hit.annotation.label) == name]

    groups = [("all labels", hits), *((name, of(name)) for name in labels)]
    groups = [(name, found) for name, found in groups if found] or [("all labels", [])]
    if len(groups) == 2:
        groups = groups[1:]  # of one label all are the same
    figure, panels = _panels(
        len(groups), "Timing of hits", "early on the left, late on the right; the line is the median"
    )
    for (name, found), axes in zip(groups, panels, strict=True):
        histogram = timing_histogram(found, tolerance_seconds=tolerance_seconds)
        edges = np.array(histogram.edges_seconds)
        axes.bar(
            edges[:-1],
            histogram.counts,
            width=np.diff(edges) * 0.9,
            align="edge",
            color=palette.HIT,
            linewidth=0,
        )
        axes.set_xlim(-tolerance_seconds, tolerance_seconds)
        axes.set_ylim(0, max(*histogram.counts, 1) * 1.08)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.set_xlabel("seconds", fontsize=8, color=palette.FAINT)
        axes.set_ylabel("hits", fontsize=8, color=palette.FAINT)
        axes.axvline(0, color=palette.FAINT, linewidth=0.8, linestyle=(0, (4, 4)))
        error = timing_error(found)
        if error is None:
            _title(axes, name, "no hits")
            continue
        axes.axvline(error.median_seconds, color=palette.MISS, linewidth=1.6)
        _title(
            axes,
            name,
            f"{count_text(error.num_hits, 'hit')}, median {error.median_seconds:+.2f} s, "
            f"middle half {error.spread_seconds:.2f} s",
        )
    return _png(figure)


def _exact_area(curve: PrecisionRecall) -> float:
    return float((np.diff(curve.recall, prepend=0.0) * curve.precision).sum())


def _panels(number: int, heading: str, note: str) -> tuple[Figure, list[Axes]]:
    columns = min(number, MOST_COLUMNS)
    rows = -(-number // columns)
    width = max(columns, 2) * PANEL_INCHES + 0.4
    height = rows * (PANEL_INCHES * 0.92) + HEAD_INCHES
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    left = 0.22 / width
    figure.text(
        left, 1 - 0.16 / height, heading, fontsize=13, fontweight="bold", color=palette.TEXT, va="top"
    )
    figure.text(left, 1 - 0.44 / height, note, fontsize=9, color=palette.FAINT, va="top")
    panels = []
    for place in range(number):
        row, column = divmod(place, columns)
        bottom = height - HEAD_INCHES - (row + 1) * PANEL_INCHES * 0.92
        axes = figure.add_axes(
            (
                (column * PANEL_INCHES + 0.7) / width,
                (bottom + 0.5) / height,
                (PANEL_INCHES - 0.75) / width,
                (PANEL_INCHES * 0.92 - 1.05) / height,
            )
        )
        axes.tick_params(labelsize=8, colors=palette.FAINT, length=3)
        axes.grid(color=palette.GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(palette.FAINT)
        panels.append(axes)
    return figure, panels


def _title(axes: Axes, name: str, detail: str) -> None:
    name = drawable_text(name)
    axes.text(
        0,
        1.12,
        name,
        fontfamily=font_families(name),
        transform=axes.transAxes,
        fontsize=10,
        fontweight="bold",
        color=palette.TEXT,
        parse_math=False,
    )
    axes.text(0, 1.03, detail, transform=axes.transAxes, fontsize=8, color=palette.FAINT, parse_math=False)


def _png(figure: Figure) -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()
