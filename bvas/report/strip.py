"""Strip of running score curves, below the picture of an annotated video."""

from bisect import bisect_left, bisect_right

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.report import palette
from bvas.report.content import Outcome, ShownEvent, VideoReport, drawn_labels
from bvas.report.lettering import draw_text, text_width
from bvas.tasks.peaks import stretches
from bvas.values.annotations import LabelSet

# Coordinates carry this many binary digits after the point, so that curves glide.
SHIFT = 4
# Share of a lane's height that a score of 1 reaches.
LANE_FILL = 0.7


class ScoreStrip:
    """Draws the stretch of time around the present, one lane per label that occurs."""

    def __init__(
        self, video: VideoReport, labels: LabelSet, width: int, picture_height: int, seconds: float
    ) -> None:
        """Lay out the lanes.

        Args:
            video: Curve, spots and annotations of the whole video.
            labels: All labels, in order of the curve's columns.
            width: Columns of the picture above.
            picture_height: Rows of the picture above; the strip's height follows from it.
            seconds: Time that the strip shows.
        """
        self._video = video
        self._labels = labels
        self._lanes = drawn_labels(video, labels)
        # By lane, in order of time: a match has thousands, and a frame shows a few.
        self._marks = {name: _marks_of(name, video, labels) for name in self._lanes}
        self._seconds = seconds
        self._unit = min(picture_height / 540, width / 720)
        # Many labels share a third of the picture's height.
        lane = min(34 * self._unit, picture_height / 3 / len(self._lanes))
        self._lane = max(6, round(lane))
        self.width = width
        self.height = (self._lane * len(self._lanes) + round(14 * self._unit) + 1) // 2 * 2
        self._text_scale = min(0.45 * self._unit, self._lane / 34 * 0.6)
        names = max(text_width(name, self._text_scale) for name in self._lanes)
        if names > width // 3:
            self._text_scale *= width / 3 / names
            names = width // 3
        self._left = names + round(24 * self._unit)
        first = round(8 * self._unit) - round(4 * self._unit)
        self._bases = {name: first + row * self._lane for row, name in enumerate(self._lanes, 1)}

    def paint(self, now: float) -> NDArray[np.uint8]:
        """Return the strip at time `now`: uint8 [height, width, 3] RGB."""
        strip = np.full((self.height, self.width, 3), 250, np.uint8)
        for name, base in self._bases.items():
            self._paint_curve(strip, name, base, now)
            cv2.line(strip, (self._left, base), (self.width, base), palette.rgb(palette.FAINT), 1)
            self._paint_events(strip, name, base, now)
        center = round(self._x(now, now))
        cv2.line(
            strip, (center, 0), (center, self.height), palette.rgb(palette.TEXT), max(1, round(self._unit))
        )
        # What runs out on the left disappears behind the names.
        strip[:, : self._left] = 250
        for name, base in self._bases.items():
            place = round(14 * self._unit), base - round(self._lane * 0.2)
            draw_text(strip, name, *place, self._text_scale, palette.rgb(palette.TEXT))
        return strip

    def _x(self, seconds: float, now: float) -> float:
        middle = (self._left + self.width) / 2
        return middle + (seconds - now) / self._seconds * (self.width - self._left)

    def _paint_curve(self, strip: NDArray[np.uint8], name: str, base: int, now: float) -> None:
        curve = self._video.curve
        if curve is None:
            return
        reach = self._seconds / 2
        first, last = np.searchsorted(curve.seconds, (now - reach, now + reach)).tolist()
        seconds = curve.seconds[max(first - 1, 0) : last + 1]
        scores = curve.scores[max(first - 1, 0) : last + 1, self._labels.label_id(name)]
        for run in stretches(~np.isnan(scores)):
            x = self._x(0.0, 0.0) + (seconds[run] - now) / self._seconds * (self.width - self._left)
            y = base - scores[run].astype(np.float64) * self._lane * LANE_FILL
            line = np.stack([x, y], axis=1)
            area = np.concatenate([[[x[0], base]], line, [[x[-1], base]]])
            cv2.fillPoly(strip, [_fixed(area)], palette.rgb(palette.CURVE_FILL), cv2.LINE_AA, SHIFT)
            cv2.polylines(strip, [_fixed(line)], False, palette.rgb(palette.CURVE), 1, cv2.LINE_AA, SHIFT)

    def _paint_events(self, strip: NDArray[np.uint8], name: str, base: int, now: float) -> None:
        full = self._lane * LANE_FILL
        reach = self._seconds / 2
        marks = self._marks[name]
        first = bisect_left(marks, now - reach, key=lambda mark: mark.seconds)
        stop = bisect_right(marks, now + reach, key=lambda mark: mark.seconds)
        shown = marks[first:stop]
        # Lines lie below the marks of whatever answers them.
        for mark in shown:
            if mark.outcome == "annotation":
                x = round(self._x(mark.seconds, now))
                color = palette.rgb(palette.ANNOTATION)
                cv2.line(strip, (x, base), (x, round(base - full)), color, max(1, round(1.2 * self._unit)))
        for mark in shown:
            if mark.outcome != "annotation":
                share = 1.0 if mark.confidence is None else mark.confidence
                self._mark(strip, self._x(mark.seconds, now), base - full * share, mark.outcome)

    def _mark(self, strip: NDArray[np.uint8], x: float, y: float, outcome: Outcome) -> None:
        """Draw a circle for a hit, a triangle for a false alarm, an open diamond for a miss."""
        size = max(3.0, min(5.0 * self._unit, self._lane * 0.2))
        ink = palette.rgb(palette.OUTCOMES[outcome])
        if outcome in ("spot", "hit"):
            center, radius = _fixed(np.array([(x, y)]))[0].tolist(), round(size * 2**SHIFT)
            cv2.circle(strip, center, radius, ink, cv2.FILLED, cv2.LINE_AA, SHIFT)
            return
        shape = np.array([(x - size, y), (x, y - size), (x + size, y), (x, y + size)])
        if outcome == "false alarm":
            shape = np.array([(x - size, y + size), (x, y - size), (x + size, y + size)])
        inner = (255, 255, 255) if outcome == "miss" else ink
        cv2.fillPoly(strip, [_fixed(shape)], inner, cv2.LINE_AA, SHIFT)
        cv2.polylines(strip, [_fixed(shape)], True, ink, max(1, round(1.4 * self._unit)), cv2.LINE_AA, SHIFT)


def _marks_of(name: str, video: VideoReport, labels: LabelSet) -> list[ShownEvent]:
    """Return the events of a label in order of time."""
    annotations = [ShownEvent("annotation", a.label, a.seconds) for a in video.annotations or ()]
    marks = [m for m in (*annotations, *video.events()) if labels.merged.get(m.label, m.label) == name]
    return sorted(marks, key=lambda mark: mark.seconds)


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return points as OpenCV's fixed-point integers."""
    return np.asarray(np.round(points * 2**SHIFT), dtype=np.int32)
