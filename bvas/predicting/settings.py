"""How matches are predicted, and what all of them would fail of."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas.errors import BvasError, CheckpointError, ConfigError, DataError
from bvas.experiment.checkpoint import FILE_NAME, fold_folder
from bvas.experiment.experiment import Experiment
from bvas.results.made_from import rows_settings
from bvas.system.devices import Precision
from bvas.video.index.file_identity import content_digest

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How matches are predicted, wherever."""

    experiment: Experiment
    runs: Path
    """The runs folder, with the weights."""
    backend: str = "auto"
    """Decoder."""
    strict: bool = False
    """Fail where a frame cannot be decoded."""
    precision: Precision = "auto"
    """What is computed in."""
    stride: int = 1
    """Rows are computed for every so many grid frames."""
    save_seconds: float = 30.0
    """Longest time between two saves of an unfinished video."""
    overwrite: bool = False
    """Make finished results again."""


def ends_job(error: BvasError | OSError) -> bool:
    """Return whether all other matches would fail of it too: the weights, the settings, a full disk."""
    cause = error.__cause__ if isinstance(error, DataError) else error
    return isinstance(error, CheckpointError | ConfigError) or (
        isinstance(cause, OSError) and cause.errno in _FULL
    )


class Weights:
    """The digests of an experiment's checkpoints, each file read once."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._known: dict[int, str] = {}

    def rows_settings(self, folds: Sequence[int]) -> dict[str, Any]:
        """Return what decides the score curves that the models of some folds give.

        Raises:
            CheckpointError: a fold has no weights.
        """
        work = self._work
        for fold in folds:
            if fold not in self._known:
                path = fold_folder(work.runs, work.experiment.name, fold) / FILE_NAME
                if not path.is_file():
                    raise CheckpointError(
                        f"no weights at {path}; train fold {fold}, or leave it out by --folds"
                    )
                self._known[fold] = content_digest(path)
        digests = {fold: self._known[fold] for fold in folds}
        return rows_settings(work.experiment, digests, stride=work.stride, precision=work.precision)
