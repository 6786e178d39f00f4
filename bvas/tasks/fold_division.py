"""Division of labelled matches into those that a fold trains on and those that it holds out."""

from collections.abc import Sequence

from bvas.data.matches import Match, folds_of
from bvas.errors import ConfigError


def divided(matches: Sequence[Match], fold: int) -> tuple[list[Match], list[Match]]:
    """Return the matches to train on and those of `fold`; a test split is in neither.

    Raises:
        ConfigError: the fold does not exist, or nothing is left to train on.
    """
    labelled = [match for match in matches if match.fold is not None and match.split != "test"]
    if fold not in folds_of(matches):
        raise ConfigError(f"no fold {fold}: the data has folds {folds_of(matches)}")
    if len({match.fold for match in labelled}) < 2:
        raise ConfigError(
            f"all labelled matches ({len(labelled)}) are in one fold, and nothing is left to train on; "
            "cross-validation needs at least two matches"
        )
    training = [match for match in labelled if match.fold != fold]
    return training, [match for match in labelled if match.fold == fold]
