"""A spotting task: labels, matches, folds, and how its files are named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bvas.errors import ConfigError
from bvas.values.annotations import LabelSet


@dataclass(frozen=True, kw_only=True, slots=True)
class SpottingTask:
    """Labels to spot, and the place of their data below a data root."""

    name: str
    labels: LabelSet
    folder: str = ""
    """Folder below the data root that holds the matches; empty for the root itself."""
    label_file: str = "Labels-ball.json"
    """Name of the label file in a match folder."""
    resolution: str = "720p"
    """Which of several renditions of a half to take, as it stands in the file name; others where it is absent."""
    folds: tuple[tuple[str, ...], ...] = ()
    """Matches of each fold, by name; empty: those of the data itself, or the labelled matches found, in order."""
    num_folds: int = 0
    """Number of folds over matches that are found (match i in fold i modulo this); 0: a match a fold."""
    challenge: tuple[str, ...] = ()
    """Matches to predict without training on them; empty: the matches found without annotations."""
    test: tuple[str, ...] = ()
    """Labelled matches that make up the official test split; those of a dataset.json are marked there."""
    visible_only: bool = False
    """Leave out annotations of actions that are not shown."""
    made_by: str = ""
    """Command that makes the data, for the message where it is missing; `{root}` stands for the data root."""

    def __post_init__(self) -> None:
        if self.num_folds and self.folds:
            raise ConfigError(f"task {self.name}: give folds or num_folds ({self.num_folds}), not both")
        if self.num_folds < 0:
            raise ConfigError(f"task {self.name}: num_folds must not be negative, got {self.num_folds}")
        empty = [number for number, fold in enumerate(self.folds) if not fold]
        if empty:
            raise ConfigError(f"task {self.name}: fold {empty[0]} has no match; leave it out or fill it")
        matches = [match for fold in self.folds for match in fold]
        if len(set(matches)) != len(matches):
            raise ConfigError(f"task {self.name}: a match stands in two folds")


def dataset_task(
    labels: Sequence[str],
    *,
    name: str = "own",
    folder: str = "",
    num_folds: int = 0,
    merged: Mapping[str, str] | None = None,
    ignored: Sequence[str] = (),
    visible_only: bool = False,
) -> SpottingTask:
    """Return a task over all matches that a data root lists or holds.

    Args:
        labels: Labels to spot, in the order of the columns of scores.
        name: Name in log lines and errors.
        folder: Folder below the data root that holds `dataset.json`, or matches in SoccerNet's layout.
        num_folds: Folds where `dataset.json` names none; 0: a match a fold.
        merged: Names in the files that count as one of `labels`.
        ignored: Names in the files that are left out on purpose.
        visible_only: Leave out annotations of actions that are not shown.
    """
    return SpottingTask(
        name=name,
        labels=LabelSet(tuple(labels), merged=dict(merged or {}), ignored=tuple(ignored)),
        folder=folder,
        num_folds=num_folds,
        visible_only=visible_only,
    )
