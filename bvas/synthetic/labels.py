"""Label files of SoccerNet's form, from the events of a simulated match."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypedDict

from bvas.data.soccernet_files import game_time, position_ms
from bvas.synthetic.events import PlayEvent


class LabelEntry(TypedDict):
    """One annotation; every value is a string, as in SoccerNet's files."""

    gameTime: str
    label: str
    position: str
    team: str
    visibility: str


class LabelFile(TypedDict):
    """A `Labels-ball.json` or `Labels-v2.json`."""

    UrlLocal: str
    UrlYoutube: str
    annotations: list[LabelEntry]


def label_file(
    url_local: str, halves: Sequence[Sequence[PlayEvent]], *, labels: Mapping[str, str], rate: Fraction
) -> LabelFile:
    """Return the label file of one match.

    Args:
        url_local: The match's path below the task's folder.
        halves: The events of each half, in order.
        labels: What this file's task calls an event, by the event's own label; others are left out.
        rate: Frames per second of the videos.
    """
    entries = [
        _entry(half, event, labels[event.label], rate)
        for half, events in enumerate(halves, start=1)
        for event in events
        if event.label in labels
    ]
    return {"UrlLocal": url_local, "UrlYoutube": "", "annotations": entries}


def _entry(half: int, event: PlayEvent, label: str, rate: Fraction) -> LabelEntry:
    seconds = float(event.frame / rate)
    return {
        "gameTime": game_time(half, seconds),
        "label": label,
        "position": str(position_ms(seconds, float(rate))),
        "team": event.team,
        "visibility": "visible" if event.visible else "not shown",
    }
