"""Folders and label files of SoccerNet's form, task by task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path, PurePosixPath

from bvas.data.action import ACTION_LABELS
from bvas.data.ball12 import BALL12_LABELS
from bvas.data.soccernet_files import game_time, position_ms
from bvas.synthetic.config import Task
from bvas.synthetic.play_record import PlayEvent

LEAGUE_FOLDER = PurePosixPath("spotting-ball-2023/england_efl/2019-2020")
"""Folder of ball spotting matches with two labels, under the data root."""
LABELS_2023 = {**dict.fromkeys(("PASS", "HIGH PASS", "CROSS", "FREE KICK"), "PASS"), "DRIVE": "DRIVE"}
"""Names of the 12 labels in the label files of 2023, which call every ball to a teammate a pass."""
_FIRST_DAY = date(2019, 10, 1)
_KICK_OFFS = ("12-30", "15-00", "17-30", "19-45")
_TOWNS = (
    *("Albion", "Borough", "City", "Dynamo", "Eagles", "Forest", "Gunners", "Harriers", "Invicta"),
    *("Jets", "Knights", "Lions", "Magpies", "North End", "Orient", "Park Rangers", "Quarry", "Rovers"),
    *("Stanley", "Town", "United", "Villa", "Wanderers", "Xpress", "Yellows", "Zebras"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Files of one task below a data root."""

    folder: PurePosixPath
    """Folder of the matches."""
    label_file: str
    """Name of a match's label file."""
    labels: Mapping[str, str]
    """The label file's name of an event, by the event's own label; other events are not written."""
    config_name: str
    """Name of the file below the data root with the config of the league."""
    names_have_scores: bool = False
    """A match folder is named `... Home 2 - 1 Away` and not `... Home - Away`."""

    def match_name(self, number: int, score: tuple[int, int]) -> str:
        """Return the folder name of match `number`, from 0; `score` is (home, away)."""
        if not self.names_have_scores:
            return match_name(number)
        return f"{self._prefix(number)}{score[0]} - {score[1]} Synthetic {_teams(number)[1]}"

    def find_match(self, root: Path, number: int) -> Path | None:
        """Return the folder of match `number` where it exists, whatever its score."""
        pattern = f"{self._prefix(number)}*" if self.names_have_scores else match_name(number)
        return next((path for path in (root / self.folder).glob(pattern) if path.is_dir()), None)

    def _prefix(self, number: int) -> str:
        return f"{_day(number)} - {_KICK_OFFS[number % len(_KICK_OFFS)]} Synthetic {_teams(number)[0]} "


_LAYOUTS: dict[Task, Layout] = {
    "ball": Layout(
        folder=LEAGUE_FOLDER,
        label_file="Labels-ball.json",
        labels=LABELS_2023,
        config_name="synthetic_league.json",
    ),
    "ball12": Layout(
        folder=PurePosixPath("spotting-ball-2024/england_efl/2019-2020"),
        label_file="Labels-ball.json",
        labels={label: label for label in BALL12_LABELS},
        config_name="synthetic_league_ball12.json",
    ),
    "action": Layout(
        folder=PurePosixPath("action-spotting-2023/england_efl/2019-2020"),
        label_file="Labels-v2.json",
        labels={label: label for label in ACTION_LABELS},
        config_name="synthetic_league_action.json",
        names_have_scores=True,
    ),
}


def layout_of(task: Task) -> Layout:
    """Return the file layout of a task."""
    return _LAYOUTS[task]


def match_name(number: int) -> str:
    """Return the folder name of match `number`, from 0; names sort in the order of their numbers."""
    home, away = _teams(number)
    return f"{_day(number)} - Synthetic {home} - Synthetic {away}"


def label_file(
    url_local: str, halves: Sequence[Sequence[PlayEvent]], *, labels: Mapping[str, str], rate: Fraction
) -> dict[str, object]:
    """Return the label file of one match; every value of an entry is a string, as in SoccerNet's files.

    Args:
        url_local: The match's path below the task's folder.
        halves: The events of each half, in order.
        labels: The file's name of an event, by the event's own label; other events are not written.
        rate: Frames per second of the videos.
    """
    entries = [
        {
            "gameTime": game_time(half, float(event.frame / rate)),
            "label": labels[event.label],
            "position": str(position_ms(float(event.frame / rate), float(rate))),
            "team": event.team,
            "visibility": "visible" if event.visible else "not shown",
        }
        for half, events in enumerate(halves, start=1)
        for event in events
        if event.label in labels
    ]
    return {"UrlLocal": url_local, "UrlYoutube": "", "annotations": entries}


def _day(number: int) -> str:
    return (_FIRST_DAY + timedelta(days=number)).isoformat()


def _teams(number: int) -> tuple[str, str]:
    towns = len(_TOWNS)
    home = (2 * number) % towns
    # The second round of the calendar has other pairs.
    away = (home + 1 + 2 * (2 * number // towns)) % towns
    return _TOWNS[home], _TOWNS[away]
