"""Timeline of a video: score curves, spots and annotations, wrapped into rows like text.

Every row of the picture is a stretch of time; in it each label has a lane with its score curve.
Lanes are drawn for labels that occur. Without annotations it is the picture of a score curve and
the spots found in it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy.typing import NDArray

from bvas.report import palette
from bvas.report.content import Outcome, ShownEvent, VideoReport, drawn_labels
from bvas.report.figures import DOTS_PER_INCH, add_axes, figure_png, new_figure, write_text
from bvas.report.fonts import drawable_text, font_families
from bvas.report.lettering import PIXELS, text_width
from bvas.values.annotations import Annotation, LabelSet
from bvas.values.match_clock import minutes_text
from bvas.values.score_curve import ScoreCurve

WIDTH_INCHES = 14.0
HEAD_INCHES = 0.62
NAME_POINTS = 9.0
# Share of a lane that the highest score (1.0) reaches; the rest keeps neighbors apart.
LANE_FILL = 0.74
# Height of the bar of an interval.
FOUND_SHARE = 0.09
# A miss has no confidence: its mark lies above all others.
MISS_SHARE = 1.08
# More points than pixels draw the same line, only slower.
POINTS_PER_ROW = 3000
# Marker, its size in points, its face and its edge; the later ones lie over the others.
MARKS: dict[Outcome, tuple[str, float, str, str]] = {
    "spot": ("o", 4.5, palette.HIT, palette.HIT),
    "hit": ("o", 4.5, palette.HIT, palette.HIT),
    "false alarm": ("^", 6.5, palette.FALSE_ALARM, palette.FALSE_ALARM_EDGE),
    "miss": ("D", 5.0, "white", palette.MISS),
}

_Event = TypeVar("_Event", Annotation, ShownEvent)


def timeline_png(video: VideoReport, labels: LabelSet) -> bytes:
    """Return the picture as a PNG file; operating points are lines in the lanes of a curve.

    Args:
        video: What to draw; curve and annotations are optional.
        labels: All labels, in order of the curve's columns.
    """
    row_seconds = default_row_seconds(video.duration_seconds)
    lanes = drawn_labels(video, labels)
    num_rows = max(1, int(np.ceil(video.duration_seconds / row_seconds - 1e-6)))
    lane_inches = 0.62 if len(lanes) <= 4 else 0.44
    row_inches = lane_inches * len(lanes) + 0.42
    height = HEAD_INCHES + num_rows * row_inches + 0.1
    figure = new_figure(WIDTH_INCHES, height)
    names_inches = 0.35 + max(map(_name_inches, lanes))
    for row in range(num_rows):
        bottom = height - HEAD_INCHES - (row + 1) * row_inches + 0.32
        width = WIDTH_INCHES - names_inches - 0.25
        axes = add_axes(figure, names_inches, bottom, width, row_inches - 0.42, grid="x")
        _draw_row(axes, video, labels, lanes, row * row_seconds, (row + 1) * row_seconds)
    _draw_head(figure, video, height)
    return figure_png(figure)


def default_row_seconds(duration_seconds: float) -> float:
    """Return a row length that keeps markers apart and the picture within about ten rows."""
    if duration_seconds <= 60:
        return max(duration_seconds, 1.0)
    return next((length for length in (60.0, 120.0, 300.0) if duration_seconds <= 10 * length), 600.0)


def row_points(
    curve: ScoreCurve, start: float, stop: float, most: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return at most about `most` times and rows of the curve in [start, stop), peaks kept.

    Neighboring rows are joined by their maximum, and stand at the middle one's time. A gap stays
    one if all rows joined are gaps.
    """
    first, last = np.searchsorted(curve.seconds, (start, stop)).tolist()
    # One row more on each side, so that the line runs to the edge.
    first, last = max(first - 1, 0), min(last + 1, len(curve.seconds))
    seconds, scores = curve.seconds[first:last], curve.scores[first:last]
    joined = -(-len(seconds) // most)
    if joined > 1:
        starts = np.arange(0, len(seconds), joined)
        scores = np.fmax.reduceat(scores, starts, axis=0)
        seconds = seconds[np.minimum(starts + joined // 2, len(seconds) - 1)]
    return seconds, scores


def _name_inches(name: str) -> float:
    pixels_per_em = NAME_POINTS / 72 * DOTS_PER_INCH
    return text_width(name, pixels_per_em / PIXELS) / DOTS_PER_INCH


def _draw_row(
    axes: Axes, video: VideoReport, labels: LabelSet, lanes: Sequence[str], start: float, stop: float
) -> None:
    floor = {name: float(len(lanes) - 1 - i) for i, name in enumerate(lanes)}
    if video.curve is not None:
        seconds, scores = row_points(video.curve, start, stop, POINTS_PER_ROW)
        points = video.result.peaks.operating_points(lanes)
        for name, lane in floor.items():
            heights = lane + LANE_FILL * scores[:, labels.label_id(name)].astype(np.float64)
            axes.fill_between(seconds, lane, heights, color=palette.CURVE_FILL, linewidth=0)
            axes.plot(seconds, heights, color=palette.CURVE, linewidth=0.9)
            point = lane + LANE_FILL * points[name]
            axes.axhline(point, color=palette.CURVE, linewidth=0.6, linestyle=(0, (4, 4)))
    for lane in floor.values():
        axes.axhline(lane, color=palette.FAINT, linewidth=0.6)
    for gap in video.result.gaps:
        span = axes.axvspan(gap.start_seconds, gap.end_seconds, facecolor="#F4F4F4", edgecolor="#B5B5B5")
        span.set(hatch="////", linewidth=0)
    _draw_stretches(axes, video, labels, floor)
    _draw_events(axes, video, labels, floor, start, stop)
    axes.set_xlim(start, stop)
    axes.set_ylim(-0.08, len(lanes) - 1 + LANE_FILL + 0.2)
    names = [drawable_text(name) for name in lanes]
    axes.set_yticks(
        [lane + LANE_FILL / 2 for lane in floor.values()],
        labels=names,
        fontsize=NAME_POINTS,
        fontfamily=font_families(*names),
        color=palette.TEXT,
        parse_math=False,
    )
    step = next((s for s in (1, 2, 5, 10, 20, 30, 60) if (stop - start) / s <= 15), 120)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: minutes_text(second + 1e-6)))
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)
    # What lies beyond the end of the video is not a quiet stretch of it.
    if video.duration_seconds < stop:
        axes.axvspan(video.duration_seconds, stop, color="white", zorder=10, linewidth=0)


def _draw_events(
    axes: Axes, video: VideoReport, labels: LabelSet, floor: dict[str, float], start: float, stop: float
) -> None:
    def in_row(events: Iterable[_Event]) -> list[tuple[float, _Event]]:
        """Return the events in this row that have a lane, with its floor."""
        lanes = ((floor.get(labels.merged.get(event.label, event.label)), event) for event in events)
        return [(lane, event) for lane, event in lanes if lane is not None and start <= event.seconds < stop]

    for lane, annotation in in_row(video.annotations or ()):
        line = [annotation.seconds] * 2, [lane, lane + LANE_FILL]
        axes.plot(*line, color=palette.ANNOTATION, linewidth=1.1)
    events = in_row(video.events())
    for outcome, (marker, size, face, edge) in MARKS.items():
        own = [(lane, event) for lane, event in events if event.outcome == outcome]
        shares = [MISS_SHARE if event.confidence is None else event.confidence for _, event in own]
        axes.plot(
            [event.seconds for _, event in own],
            [lane + LANE_FILL * share for (lane, _), share in zip(own, shares, strict=True)],
            linestyle="none",
            marker=marker,
            markersize=size,
            markerfacecolor=face,
            markeredgecolor=edge,
            markeredgewidth=1.5 if face == "white" else 0.8,
            clip_on=False,
            zorder=11,  # a mark on the last moment lies over the blank behind the end
        )


def _draw_stretches(axes: Axes, video: VideoReport, labels: LabelSet, floor: dict[str, float]) -> None:
    """Draw found intervals as bars on the floor of their lanes, and true ones as bars at the top."""
    bars = (
        (video.intervals, FOUND_SHARE, palette.HIT),
        (video.ranges or (), LANE_FILL - FOUND_SHARE, palette.ANNOTATION),
    )
    for intervals, bottom, color in bars:
        for one in intervals:
            lane = floor.get(labels.merged.get(one.label, one.label))
            if lane is not None:
                axes.broken_barh(
                    [(one.start_seconds, one.end_seconds - one.start_seconds)],
                    (lane + bottom - FOUND_SHARE, FOUND_SHARE),
                    facecolor=color,
                    linewidth=0,
                )


def _draw_head(figure: Figure, video: VideoReport, height: float) -> None:
    write_text(figure, 0.2 / WIDTH_INCHES, 1 - 0.2 / height, video.name, size=12, bold=True)
    outcomes: tuple[Outcome, ...] = ("spot",) if video.matching is None else ("hit", "miss", "false alarm")
    counts = Counter(event.outcome for event in video.events())
    handles = []
    is_of_intervals = bool(video.intervals) or video.ranges is not None
    if is_of_intervals:
        found = f"found ({len(video.intervals)})"
        handles.append(Line2D([], [], color=palette.HIT, linewidth=5, label=found))
        outcomes = ()
    if video.ranges is not None:
        true = f"annotation ({len(video.ranges)})"
        handles.append(Line2D([], [], color=palette.ANNOTATION, linewidth=5, label=true))
    for outcome in outcomes:
        marker, _, face, _ = MARKS[outcome]
        color = palette.OUTCOMES[outcome]
        handles.append(_legend_mark(marker, color, face, f"{outcome} ({counts[outcome]})"))
    if video.matching is not None and not is_of_intervals:
        handles.append(_legend_mark("|", palette.ANNOTATION, palette.ANNOTATION, "annotation", size=9.0))
    if video.curve is not None:
        handles.append(Line2D([], [], color=palette.CURVE, linewidth=1.2, label="score"))
        dashes = Line2D([], [], color=palette.CURVE, linewidth=0.8, linestyle=(0, (4, 4)))
        dashes.set_label("operating point")
        handles.append(dashes)
    if video.result.gaps:
        handles.append(Line2D([], [], color="#B5B5B5", linewidth=5, label="not decoded"))
    figure.legend(
        handles=handles,
        loc="upper right",
        bbox_to_anchor=(1 - 0.15 / WIDTH_INCHES, 1 - 0.08 / height),
        ncols=len(handles),
        frameon=False,
        fontsize=9,
        handletextpad=0.5,
        columnspacing=1.3,
        labelcolor=palette.TEXT,
    )


def _legend_mark(marker: str, color: str, face: str, label: str, *, size: float = 6.0) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=size,
        color=color,
        markerfacecolor=face,
        markeredgewidth=1.5,
        label=label,
    )
