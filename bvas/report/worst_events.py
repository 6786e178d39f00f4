"""Worst misses and false alarms: their choice, and a sheet of the frames around each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bvas.report import palette
from bvas.report.contact_sheet import (
    COLUMN,
    EDGE,
    GAP,
    THUMB_WIDTH,
    Picture,
    Words,
    frame_row,
    sheet_width,
    stacked,
    wrapped,
    write_line,
)
from bvas.report.content import VideoReport
from bvas.values.annotations import LabelSet

OFFSETS_SECONDS = (-1.0, -0.5, 0.0, 0.5, 1.0)
"""Of the frames that a sheet shows, from the event's own."""
NOTHING = 200
"""Gray of a frame that could not be decoded."""

Kind = Literal["miss", "false alarm"]


@dataclass(frozen=True, slots=True)
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
    videos: Sequence[VideoReport], labels: LabelSet, *, tolerance_seconds: float, most: int
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
            around = [s for s in video.result.spots if abs(s.seconds - miss.seconds) <= tolerance_seconds]
            of_label = [spot for spot in around if plain(spot.label) == plain(miss.label)]
            own = [s.confidence for s in of_label if (s.label, s.seconds) not in taken]
            others = [spot for spot in around if spot not in of_label]
            best = max(others, key=lambda spot: spot.confidence, default=None)
            near = ""
            if best is not None:
                offset = best.seconds - miss.seconds
                near = f"near it: {best.label} {best.confidence:.2f} at {offset:+.2f} s"
            score = max(own, default=0.0)
            misses.append(WorstEvent("miss", number, miss.label, miss.seconds, score, near))
        for alarm in video.matching.false_alarms:
            nearest = min(video.annotations or (), key=lambda a: abs(a.seconds - alarm.seconds), default=None)
            near = ""
            if nearest is not None:
                near = f"nearest annotation: {nearest.label} at {nearest.seconds - alarm.seconds:+.2f} s"
            alarms.append(
                WorstEvent("false alarm", number, alarm.label, alarm.seconds, alarm.confidence, near)
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
) -> Picture:
    """Return the sheet, uint8 [height, width, 3] RGB.

    Args:
        events: From top to bottom.
        frames: Of each at `OFFSETS_SECONDS`, uint8 [5, H, THUMB_WIDTH, 3] RGB; None where they cannot be decoded.
        videos: That the events are in.
        heading: First line.
    """
    width = sheet_width(len(OFFSETS_SECONDS))
    rows = [
        _row(event, shown, videos[event.video], width) for event, shown in zip(events, frames, strict=True)
    ]
    return stacked(rows, width, heading=heading, notes=() if events else ("no misses, no false alarms",))


def _row(event: WorstEvent, shown: NDArray[np.uint8] | None, video: VideoReport, width: int) -> Picture:
    is_miss = event.kind == "miss"
    words = [Words(event.kind, palette.MISS if is_miss else palette.FALSE_ALARM_EDGE, bold=True)]
    if is_miss:
        best = f"best score near it {event.confidence:.2f}" if event.confidence else "no candidate near it"
        words += [Words(event.label, bold=True), Words(best)]
    else:
        words.append(Words(f"{event.label} {event.confidence:.2f}", bold=True))
    words += [Words(line) for line in wrapped(event.near, COLUMN - GAP) if line]
    moment = f"{event.seconds:.2f} s, clock {video.result.clock.text(event.seconds)}"
    words += [Words(line, palette.FAINT) for line in (moment, *wrapped(video.name, COLUMN - GAP))]
    frames = shown
    if frames is None:
        frames = np.full((len(OFFSETS_SECONDS), THUMB_WIDTH * 9 // 16, THUMB_WIDTH, 3), NOTHING, np.uint8)
    names = ["at its time" if offset == 0 else f"{offset:+.2f} s" for offset in OFFSETS_SECONDS]
    row = frame_row(
        width,
        words[:7],
        frames,
        names,
        framed=OFFSETS_SECONDS.index(0.0),
        frame_color=palette.MISS if is_miss else palette.FALSE_ALARM,
    )
    if shown is None:
        write_line(row, "cannot be decoded", EDGE + COLUMN + 3 * GAP, 2 * GAP)
    return row
