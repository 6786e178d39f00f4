"""Action Spotting (SoccerNet-v2): 17 labels in broadcast matches, sparse in time.

The reference system trains on 377 matches and validates on 18: every 22nd of 395. It
merges the three card labels, since a gray picture does not show the color, and leaves
out actions that are not shown.
"""

from bvas.data.spotting_task import SpottingTask
from bvas.values.annotations import LabelSet

_LABELS = (
    "Penalty",
    "Kick-off",
    "Goal",
    "Substitution",
    "Offside",
    "Shots on target",
    "Shots off target",
    "Clearance",
    "Ball out of play",
    "Throw-in",
    "Foul",
    "Indirect free-kick",
    "Direct free-kick",
    "Corner",
    "Card",
)
_CARDS = ("Yellow card", "Red card", "Yellow->red card")

ACTION_LABELS = (*_LABELS[:-1], *_CARDS)
"""The 17 labels of the files, in the order of SoccerNet's own list."""


def action_task() -> SpottingTask:
    """Return the pre-training task: 15 labels, fold 0 holds every 22nd labelled match found."""
    return SpottingTask(
        name="action",
        labels=LabelSet(_LABELS, merged=dict.fromkeys(_CARDS, "Card")),
        folder="action-spotting-2023",
        label_file="Labels-v2.json",
        num_folds=22,
        visible_only=True,
    )
