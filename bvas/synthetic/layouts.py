"""Where the files of a league lie and what they are called, task by task, as SoccerNet has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path, PurePosixPath

from bvas.data.action import ACTION_LABELS
from bvas.data.ball12 import BALL12_LABELS
from bvas.synthetic.config import Task

LEAGUE_FOLDER = PurePosixPath("spotting-ball-2023/england_efl/2019-2020")
"""Where the matches of ball spotting with two labels lie under the data root."""
BALL12_FOLDER = PurePosixPath("spotting-ball-2024/england_efl/2019-2020")
"""Where those with the 12 labels of 2024 lie; as in 2023, a match has a video a half."""
ACTION_FOLDER = PurePosixPath("action-spotting-2023/england_efl/2019-2020")
"""Where the matches of Action Spotting lie under the data root."""
# With two labels, every ball that leaves the foot for a teammate is a pass; the 12 labels of 2024 tell them apart.
LABELS_2023 = {
    "PASS": "PASS",
    "HIGH PASS": "PASS",
    "CROSS": "PASS",
    "FREE KICK": "PASS",
    "DRIVE": "DRIVE",
}
"""What the label files of 2023 know."""
_FIRST_DAY = date(2019, 10, 1)
_KICK_OFFS = ("12-30", "15-00", "17-30", "19-45")
_TOWNS = (
    *("Albion", "Borough", "City", "Dynamo", "Eagles", "Forest", "Gunners", "Harriers", "Invicta"),
    *("Jets", "Knights", "Lions", "Magpies", "North End", "Orient", "Park Rangers", "Quarry", "Rovers"),
    *("Stanley", "Town", "United", "Villa", "Wanderers", "Xpress", "Yellows", "Zebras"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one task's data lies below a data root."""

    folder: PurePosixPath
    """Where the matches lie."""
    label_file: str
    """Name of a match's label file."""
    labels: Mapping[str, str]
    """What the label file calls an event, by the event's own label; others are left out."""
    config_name: str
    """The file below the data root that says what made the league."""
    workshop: str
    """The folder below the data root in which matches are built."""
    names_have_scores: bool
    """A match's folder is called `... Home 2 - 1 Away` and not `... Home - Away`."""

    def match_name(self, number: int, score: tuple[int, int]) -> str:
        """Return the folder name of match `number`, from 0; `score` is (home, away)."""
        if not self.names_have_scores:
            return match_name(number)
        return f"{self._prefix(number)}{score[0]} - {score[1]} Synthetic {_teams(number)[1]}"

    def find_match(self, root: Path, number: int) -> Path | None:
        """Return the folder of match `number` where it is there already, whatever its score."""
        base = root / self.folder
        if not self.names_have_scores:
            folder = base / match_name(number)
            return folder if folder.is_dir() else None
        found = [path for path in base.glob(f"{self._prefix(number)}*") if path.is_dir()]
        return found[0] if found else None

    def _prefix(self, number: int) -> str:
        return f"{_day(number)} - {_KICK_OFFS[number % len(_KICK_OFFS)]} Synthetic {_teams(number)[0]} "


def layout_of(task: Task) -> Layout:
    """Return how a task's data lies below a data root."""
    if task == "action":
        return Layout(
            folder=ACTION_FOLDER,
            label_file="Labels-v2.json",
            labels={label: label for label in ACTION_LABELS},
            config_name="synthetic_league_action.json",
            workshop=".synthetic_action.part",
            names_have_scores=True,
        )
    if task == "ball12":
        return Layout(
            folder=BALL12_FOLDER,
            label_file="Labels-ball.json",
            labels={label: label for label in BALL12_LABELS},
            config_name="synthetic_league_ball12.json",
            workshop=".synthetic_ball12.part",
            names_have_scores=False,
        )
    return Layout(
        folder=LEAGUE_FOLDER,
        label_file="Labels-ball.json",
        labels=LABELS_2023,
        config_name="synthetic_league.json",
        workshop=".synthetic.part",
        names_have_scores=False,
    )


def match_name(number: int) -> str:
    """Return the folder name of match `number`, from 0; names sort in the order of their numbers."""
    home, away = _teams(number)
    return f"{_day(number)} - Synthetic {home} - Synthetic {away}"


def _day(number: int) -> str:
    return (_FIRST_DAY + timedelta(days=number)).isoformat()


def _teams(number: int) -> tuple[str, str]:
    towns = len(_TOWNS)
    home = (2 * number) % towns
    # The second round of the calendar pairs the teams anew.
    away = (home + 1 + 2 * (2 * number // towns)) % towns
    return _TOWNS[home], _TOWNS[away]
