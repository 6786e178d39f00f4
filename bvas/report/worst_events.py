"""Worst misses and false alarms: their choice, and a sheet of the frames around each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from bvas.report import palette
from bvas.report.contact_sheet import COLUMN, DOTS_PER_INCH, EDGE, GAP, LINE, THUMB_WIDTH, wrapped, write_line
from bvas.report.content import VideoReport
from bvas.values.annotations import LabelSet

OFFSETS_SECONDS = (-1.0, -0.5, 0.0, 0.5, 1.0)
"""Of the frames that a sheet shows, from the event's own."""
NOTHING = 200
"""Gray of a frame that could not be decoded."""

Kind = Literal["miss", "false alarm"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WorstEvent:
    """A miss or a false alarm."""

    kind: Kind
    video: int
    """Number of its video, from 0."""
    label: str
    seconds: float
    confidence: float
    """Of a false alarm; for a miss, that of the best candidate near it, 0 without one."""
    near: str
    """The nearest other event, in words; may be empty."""


def worst_events(
    videos: Sequence[VideoReport],
    labels: LabelSet,
    *,
    tolerance_seconds: float,
    most: int,
) -> list[WorstEvent]:
    """Return at most `most` misses with the least confidence near them, then as many false alarms with the most.

    Args:
        videos: With matchings of the spots that are shown.
        labels: The labels.
        tolerance_seconds: Half-width that they were matched within.
        most: Of each kind.
    """

    def plain(label: str) -> str:
        return labels.merged.get(label, label)

    misses, alarms = [], []
    for number, video in enumerate(videos):
        if video.matching is None:
            continue
        taken = {(hit.spot.label, hit.spot.seconds) for hit in video.matching.hits}
        for miss in video.matching.misses:
            around = [
                spot for spot in video.result.spots if abs(spot.seconds - miss.seconds) <= tolerance_seconds
            ]
            own = [
                spot.confidence
                for spot in around
                if plain(spot.label) == plain(miss.label) and (spot.label, spot.seconds) not in taken
            ]
            others = [spot for spot in around if plain(spot.label) != plain(miss.label)]
            best = max(others, key=lambda spot: spot.confidence, default=None)
            misses.append(
                WorstEvent(
                    kind="miss",
                    video=number,
                    label=miss.label,
                    seconds=miss.seconds,
                    confidence=max(own, default=0.0),
                    near=""
                    if best is None
                    else f"near it: {best.label} {best.confidence:.2f} at {best.seconds - miss.seconds:+.2f} s",
                )
            )
        for alarm in video.matching.false_alarms:
            nearest = min(video.annotations or (), key=lambda a: abs(a.seconds - alarm.seconds), default=None)
            alarms.append(
                WorstEvent(
                    kind="false alarm",
                    video=number,
                    label=alarm.label,
                    seconds=alarm.seconds,
                    confidence=alarm.confidence,
                    near=""
                    if nearest is None
                    else f"nearest annotation: {nearest.label} at {nearest.seconds - alarm.seconds:+.2f} s",
                )
            )
    misses.sort(key=lambda event: (event.confidence, event.video, event.seconds))
    alarms.sort(key=lambda event: (-event.confidence, event.video, event.seconds))
    return [*misses[:most], *alarms[:most]]


def worst_sheet(
    events: Sequence[WorstEvent],
    frames: Sequence[NDArray[np.uint8] | None],
    videos: Sequence[VideoReport],
    *,
    heading: str,
) -> NDArray[np.uint8]:
    """Return the sheet, uint8 [height, width, 3] RGB.

    Args:
        events: From top to bottom.
        frames: Gray frames of each at `OFFSETS_SECONDS`, uint8 [5, H, THUMB_WIDTH]; None where they cannot be decoded.
        videos: That the events are in.
        heading: First line.
    """
    width = 2 * EDGE + COLUMN + len(OFFSETS_SECONDS) * (THUMB_WIDTH + GAP)
    rows = [_row_height(shown) for shown in frames]
    top = EDGE + 40
    height = top + max(sum(rows), LINE) + EDGE
    canvas = np.full((height, width, 3), 255, np.uint8)
    figure = Figure(figsize=(width / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
    drawing = FigureCanvasAgg(figure)
    write_line(figure, heading, EDGE, EDGE, size=14, bold=True)
    if not events:
        write_line(figure, "no misses, no false alarms", EDGE, top)
    for event, shown, row in zip(events, frames, rows, strict=True):
        canvas[top, EDGE:-EDGE] = palette.rgb(palette.GRID)
        _write_words(figure, event, videos[event.video], top + 2 * GAP)
        _draw_frames(canvas, figure, event, shown, top + 2 * GAP, row - 2 * GAP - LINE - GAP)
        top += row
    figure.figimage(canvas, 0, 0, origin="upper", zorder=-1)
    drawing.draw()
    return np.asarray(drawing.buffer_rgba())[..., :3].copy()


def _row_height(shown: NDArray[np.uint8] | None) -> int:
    picture = THUMB_WIDTH * 9 // 16 if shown is None else shown.shape[1]
    return 2 * GAP + max(picture + GAP + LINE, 6 * LINE + GAP)


def _write_words(figure: Figure, event: WorstEvent, video: VideoReport, top: int) -> None:
    color = palette.MISS if event.kind == "miss" else palette.FALSE_ALARM_EDGE
    words: list[tuple[str, str, bool]] = [(event.kind, color, True)]
    if event.kind == "miss":
        best = f"best score near it {event.confidence:.2f}" if event.confidence else "no candidate near it"
        words += [(event.label, palette.TEXT, True), (best, palette.TEXT, False)]
    else:
        words.append((f"{event.label} {event.confidence:.2f}", palette.TEXT, True))
    words += [(line, palette.TEXT, False) for line in wrapped(event.near, COLUMN - GAP) if line]
    words.append((f"{event.seconds:.2f} s, clock {video.clock.text(event.seconds)}", palette.FAINT, False))
    words += [(line, palette.FAINT, False) for line in wrapped(video.name, COLUMN - GAP)]
    for number, (line, ink, bold) in enumerate(words[:7]):
        write_line(figure, line, EDGE, top + LINE * number, color=ink, bold=bold)


def _draw_frames(
    canvas: NDArray[np.uint8],
    figure: Figure,
    event: WorstEvent,
    shown: NDArray[np.uint8] | None,
    top: int,
    room: int,
) -> None:
    height = min(room, THUMB_WIDTH * 9 // 16) if shown is None else shown.shape[1]
    for column, offset in enumerate(OFFSETS_SECONDS):
        left = EDGE + COLUMN + GAP + column * (THUMB_WIDTH + GAP)
        place = canvas[top : top + height, left : left + THUMB_WIDTH]
        place[:] = NOTHING if shown is None else shown[column][..., None]
        name = "at its time" if offset == 0 else f"{offset:+.2f} s"
        write_line(figure, name, left, top + height + 2, color=palette.FAINT, size=8)
        if offset == 0:
            figure.add_artist(
                Rectangle(
                    (left, figure.get_figheight() * DOTS_PER_INCH - top - height),
                    THUMB_WIDTH,
                    height,
                    transform=None,
                    fill=False,
                    edgecolor=palette.MISS if event.kind == "miss" else palette.FALSE_ALARM,
                    linewidth=2.5,
                )
            )
    if shown is None:
        write_line(figure, "cannot be decoded", EDGE + COLUMN + 3 * GAP, top + 2 * GAP, color=palette.TEXT)
