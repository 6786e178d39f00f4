"""Ball Action Spotting since 2024: twelve labels, some of them rare."""

from bvas.data.spotting_task import SpottingTask
from bvas.values.annotations import LabelSet

BALL12_LABELS = (
    "PASS",
    "DRIVE",
    "HEADER",
    "HIGH PASS",
    "OUT",
    "CROSS",
    "THROW IN",
    "SHOT",
    "BALL PLAYER BLOCK",
    "PLAYER SUCCESSFUL TACKLE",
    "FREE KICK",
    "GOAL",
)
"""In the order of SoccerNet's own list."""


def ball12_task(folder: str = "spotting-ball-2024") -> SpottingTask:
    """Return the task with twelve labels over the matches found, a match a fold.

    Args:
        folder: Folder below the data root; `spotting-ball-2025` for the data of that year.
    """
    return SpottingTask(name="ball12", labels=LabelSet(BALL12_LABELS), folder=folder)
