"""Label files of SoccerNet's form, from the events of a simulated match."""

from collections.abc import Collection, Sequence
from fractions import Fraction
from math import ceil
from typing import TypedDict

from bvas.synthetic.events import PlayEvent


class LabelEntry(TypedDict):
    """One annotation; every value is a string, as in SoccerNet's files."""

    gameTime: str
    label: str
    position: str
    team: str
    visibility: str


class LabelFile(TypedDict):
    """A `Labels-ball.json`."""

    UrlLocal: str
    UrlYoutube: str
    annotations: list[LabelEntry]


def position_ms(frame: int, rate: Fraction) -> int:
    """Return the first millisecond whose official frame, `int(rate * ms / 1000)`, is `frame`.

    >>> position_ms(17, Fraction(25)), position_ms(1, Fraction(30000, 1001))
    (680, 34)
    """
    position = ceil(1000 * frame / rate)
    # Readers hold the rate as a float, and often a rounded one.
    while any(int(held * position / 1000) < frame for held in (float(rate), round(float(rate), 2))):
        position += 1
    return position


def label_file(
    url_local: str, halves: Sequence[Sequence[PlayEvent]], *, labels: Collection[str], rate: Fraction
) -> LabelFile:
    """Return the label file of one match.

    Args:
        url_local: The match's folder under the data root.
        halves: The events of each half, in order.
        labels: The labels that this file's task knows; other events are left out.
        rate: Frames per second of the videos.
    """
    entries = [
        _entry(half, event, position_ms(event.frame, rate))
        for half, events in enumerate(halves, start=1)
        for event in events
        if event.label in labels
    ]
    return {"UrlLocal": url_local, "UrlYoutube": "", "annotations": entries}


def _entry(half: int, event: PlayEvent, position: int) -> LabelEntry:
    minutes, seconds = divmod(position // 1000, 60)
    return {
        "gameTime": f"{half} - {minutes:02d}:{seconds:02d}",
        "label": event.label,
        "position": str(position),
        "team": event.team,
        "visibility": "visible" if event.visible else "not shown",
    }
