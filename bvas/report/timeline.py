"""Timeline of a video: score curves, spots and annotations, wrapped into rows like text.

Every row of the picture is a stretch of time; in it each label has a lane with its score curve.
Lanes are drawn for labels that occur. Without annotations it is the picture of a score curve and
the spots found in it.
"""

import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.report import palette
from bvas.report.content import VideoReport, drawn_labels
from bvas.report.fonts import drawable_text, font_families
from bvas.values.annotations import LabelSet
from bvas.values.match_clock import minutes_text
from bvas.values.score_curve import ScoreCurve

WIDTH_INCHES = 14.0
DOTS_PER_INCH = 110
NAME_POINTS = 9.0
# Share of a lane that the highest score (1.0) reaches; the rest keeps neighbors apart.
LANE_FILL = 0.74
# More points than pixels draw the same line, only slower.
POINTS_PER_ROW = 3000


def timeline_png(
    video: VideoReport,
    labels: LabelSet,
    *,
    operating_point: float | Mapping[str, float],
    row_seconds: float | None = None,
) -> bytes:
    """Return the picture as a PNG file.

    Args:
        video: What to draw; curve and annotations are optional.
        labels: All labels, in order of the curve's columns.
        operating_point: Drawn as a line in each lane that has a curve; one, or one by label.
        row_seconds: Time that one row shows; by default 1 minute for a short video, up to 5 for a half.

    Raises:
        ConfigError: a row length that is not positive.
    """
    if row_seconds is None:
        row_seconds = default_row_seconds(video.duration_seconds)
    if not row_seconds > 0:
        raise ConfigError(f"row_seconds must be positive, got {row_seconds}")
    lanes = drawn_labels(video, labels)
    num_rows = max(1, int(np.ceil(video.duration_seconds / row_seconds - 1e-6)))
    lane_inches = 0.62 if len(lanes) <= 4 else 0.44
    row_inches = lane_inches * len(lanes) + 0.42
    head_inches = 0.62
    height = head_inches + num_rows * row_inches + 0.1
    figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    names_inches = 0.35 + max(map(_name_inches, lanes))
    for row in range(num_rows):
        bottom = height - head_inches - (row + 1) * row_inches + 0.32
        axes = figure.add_axes(
            (
                names_inches / WIDTH_INCHES,
                bottom / height,
                (WIDTH_INCHES - names_inches - 0.25) / WIDTH_INCHES,
                (row_inches - 0.42) / height,
            )
        )
        start = row * row_seconds
        _draw_row(axes, video, labels, lanes, operating_point, start, start + row_seconds)
    _draw_head(figure, video, height)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def default_row_seconds(duration_seconds: float) -> float:
    """Return a row length that keeps markers apart and the picture within about ten rows."""
    if duration_seconds <= 60:
        return max(duration_seconds, 1.0)
    for row_seconds in (60.0, 120.0, 300.0):
        if duration_seconds <= 10 * row_seconds:
            return row_seconds
    return 600.0


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
    text = drawable_text(name)
    font = FontProperties(family=font_families(text), size=NAME_POINTS)
    width, _, _ = RendererAgg(1, 1, DOTS_PER_INCH).get_text_width_height_descent(text, font, ismath=False)
    return float(width) / DOTS_PER_INCH


def _draw_row(
    axes: Axes,
    video: VideoReport,
    labels: LabelSet,
    lanes: Sequence[str],
    operating_point: float | Mapping[str, float],
    start: float,
    stop: float,
) -> None:
    floor = {name: float(len(lanes) - 1 - i) for i, name in enumerate(lanes)}
    if video.curve is not None:
        seconds, scores = row_points(video.curve, start, stop, POINTS_PER_ROW)
        for name in lanes:
            lane = floor[name]
            heights = lane + LANE_FILL * scores[:, labels.label_id(name)].astype(np.float64)
            axes.fill_between(seconds, lane, heights, color=palette.CURVE_FILL, linewidth=0)
            axes.plot(seconds, heights, color=palette.CURVE, linewidth=0.9)
            point = operating_point[name] if isinstance(operating_point, Mapping) else operating_point
            axes.axhline(lane + LANE_FILL * point, color=palette.CURVE, linewidth=0.6, linestyle=(0, (4, 4)))
    for name in lanes:
        axes.axhline(floor[name], color=palette.FAINT, linewidth=0.6)
    for gap in video.gaps:
        axes.axvspan(
            gap.start_seconds,
            gap.end_seconds,
            facecolor="#F4F4F4",
            edgecolor="#B5B5B5",
            hatch="////",
            linewidth=0,
        )
    _draw_events(axes, video, labels, floor, start, stop)
    axes.set_xlim(start, stop)
    axes.set_ylim(-0.08, len(lanes) - 1 + LANE_FILL + 0.2)
    axes.set_yticks([floor[name] + LANE_FILL / 2 for name in lanes])
    names = [drawable_text(name) for name in lanes]
    axes.set_yticklabels(
        names, fontsize=NAME_POINTS, fontfamily=font_families(*names), color=palette.TEXT, parse_math=False
    )
    row_seconds = stop - start
    step = next((s for s in (1, 2, 5, 10, 20, 30, 60) if row_seconds / s <= 15), 120)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: minutes_text(second + 1e-6)))
    axes.tick_params(axis="x", labelsize=8, colors=palette.FAINT, length=3)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=palette.GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    # What lies beyond the end of the video is not a quiet stretch of it.
    if video.duration_seconds < stop:
        axes.axvspan(video.duration_seconds, stop, color="white", zorder=10, linewidth=0)


def _draw_events(
    axes: Axes, video: VideoReport, labels: LabelSet, floor: dict[str, float], start: float, stop: float
) -> None:
    def lane_of(label: str) -> float | None:
        return floor.get(labels.merged.get(label, label))

    def marks(events: Iterable[tuple[str, float, float]]) -> NDArray[np.float64]:
        """Times and heights of (label, seconds, share of the lane) in this row."""
        found = []
        for label, seconds, share in events:
            lane = lane_of(label)
            if lane is not None and start <= seconds < stop:
                found.append((seconds, lane + LANE_FILL * share))
        return np.array(found, dtype=np.float64).reshape(-1, 2).T

    if video.matching is None:
        spots = marks((s.label, s.seconds, s.confidence) for s in video.spots)
        _draw_marks(axes, spots, "o", 4.5, palette.HIT, palette.HIT)
        return
    for annotation in video.annotations or ():
        lane = lane_of(annotation.label)
        if lane is not None and start <= annotation.seconds < stop:
            axes.plot(
                [annotation.seconds] * 2, [lane, lane + LANE_FILL], color=palette.ANNOTATION, linewidth=1.1
            )
    hits = marks((h.spot.label, h.spot.seconds, h.spot.confidence) for h in video.matching.hits)
    _draw_marks(axes, hits, "o", 4.5, palette.HIT, palette.HIT)
    alarms = marks((s.label, s.seconds, s.confidence) for s in video.matching.false_alarms)
    _draw_marks(axes, alarms, "^", 6.5, palette.FALSE_ALARM, palette.FALSE_ALARM_EDGE)
    misses = marks((a.label, a.seconds, 1.08) for a in video.matching.misses)
    _draw_marks(axes, misses, "D", 5.0, "white", palette.MISS)


def _draw_marks(
    axes: Axes, marks: NDArray[np.float64], marker: str, size: float, face: str, edge: str
) -> None:
    times, heights = marks
    axes.plot(
        times,
        heights,
        linestyle="none",
        marker=marker,
        markersize=size,
        markerfacecolor=face,
        markeredgecolor=edge,
        markeredgewidth=1.5 if face == "white" else 0.8,
        clip_on=False,
        zorder=11,  # a mark on the last moment lies over the blank behind the end
    )


def _draw_head(figure: Figure, video: VideoReport, height: float) -> None:
    top = 1 - 0.2 / height
    name = drawable_text(video.name)
    figure.text(
        0.2 / WIDTH_INCHES,
        top,
        name,
        fontfamily=font_families(name),
        fontsize=12,
        fontweight="bold",
        color=palette.TEXT,
        va="top",
        parse_math=False,
    )
    handles = []
    if video.matching is None:
        handles.append(_legend_mark("o", palette.HIT, f"spot ({len(video.spots)})"))
    else:
        matching = video.matching
        handles += [
            _legend_mark("o", palette.HIT, f"hit ({len(matching.hits)})"),
            _legend_mark("D", palette.MISS, f"miss ({len(matching.misses)})", filled=False),
            _legend_mark("^", palette.FALSE_ALARM, f"false alarm ({len(matching.false_alarms)})"),
            _legend_mark("|", palette.ANNOTATION, "annotation"),
        ]
    if video.curve is not None:
        handles.append(Line2D([], [], color=palette.CURVE, linewidth=1.2, label="score"))
        handles.append(
            Line2D([], [], color=palette.CURVE, linewidth=0.8, linestyle=(0, (4, 4)), label="operating point")
        )
    if video.gaps:
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


def _legend_mark(marker: str, color: str, label: str, *, filled: bool = True) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=9 if marker == "|" else 6,
        color=color,
        markerfacecolor=color if filled else "white",
        markeredgewidth=1.5,
        label=label,
    )
