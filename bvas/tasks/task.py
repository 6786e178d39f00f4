"""A spotting task: labels, matches, folds, and how its files are named."""

from dataclasses import dataclass

from bvas.errors import ConfigError
from bvas.spots import LabelSet


@dataclass(frozen=True, kw_only=True, slots=True)
class SpottingTask:
    """What is to be spotted and where its data lies below a data root."""

    name: str
    labels: LabelSet
    folder: str = ""
    """Folder below the data root that holds the matches; empty for the root itself."""
    label_file: str = "Labels-ball.json"
    """Name of the label file in a match folder."""
    resolution: str = "720p"
    """Which of several renditions of a half to take, as it stands in the file name; others where it is absent."""
    folds: tuple[tuple[str, ...], ...] = ()
    """Matches of each fold, as paths below `folder`; empty: the labelled matches found there, in order of name."""
    num_folds: int = 0
    """Number of folds over matches that are found (match i in fold i modulo this); 0: a match a fold."""
    challenge: tuple[str, ...] = ()
    """Matches without published labels; empty: the matches found without a label file."""
    test: tuple[str, ...] = ()
    """Labelled matches that make up the official test split."""
    visible_only: bool = False
    """Leave out annotations of actions that are not shown."""
    made_by: str = ""
    """Command that makes the data, for the message where it is missing; `{root}` stands for the data root."""

    def __post_init__(self) -> None:
        if self.num_folds and self.folds:
            raise ConfigError(f"task {self.name}: give folds or num_folds ({self.num_folds}), not both")
        if self.num_folds < 0:
            raise ConfigError(f"task {self.name}: num_folds must not be negative, got {self.num_folds}")
        matches = [match for fold in self.folds for match in fold]
        if len(set(matches)) != len(matches):
            raise ConfigError(f"task {self.name}: a match stands in two folds")
