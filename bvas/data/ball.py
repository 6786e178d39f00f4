"""Ball Action Spotting 2023: passes and drives in nine matches of the English Football League.

Matches, folds and the test split are those of the reference system
(https://github.com/lRomul/ball-action-spotting) and of SoccerNet.
"""

from bvas.data.spotting_task import SpottingTask
from bvas.values.annotations import LabelSet

_SEASON = "england_efl/2019-2020"
_LABELLED = (
    "2019-10-01 - Leeds United - West Bromwich",
    "2019-10-01 - Hull City - Sheffield Wednesday",
    "2019-10-01 - Brentford - Bristol City",
    "2019-10-01 - Blackburn Rovers - Nottingham Forest",
    "2019-10-01 - Middlesbrough - Preston North End",
    "2019-10-01 - Stoke City - Huddersfield Town",
    "2019-10-01 - Reading - Fulham",
)
_CHALLENGE = (
    "2019-10-02 - Cardiff City - Queens Park Rangers",
    "2019-10-01 - Wigan Athletic - Birmingham City",
)


def ball_task() -> SpottingTask:
    """Return the 2023 task: two labels, a match a fold."""
    return SpottingTask(
        name="ball",
        labels=LabelSet(("PASS", "DRIVE")),
        folder="spotting-ball-2023",
        folds=tuple((f"{_SEASON}/{match}",) for match in _LABELLED),
        challenge=tuple(f"{_SEASON}/{match}" for match in _CHALLENGE),
        test=tuple(f"{_SEASON}/{match}" for match in _LABELLED[5:]),
    )


def found_ball_task() -> SpottingTask:
    """Return the same labels over all matches in the data root, a match a fold."""
    return SpottingTask(name="ball_found", labels=LabelSet(("PASS", "DRIVE")), folder="spotting-ball-2023")
