"""Settings of a prediction, and the errors that all of its matches would share."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas.errors import CheckpointError, ConfigError, DataError
from bvas.experiment.checkpoint import FILE_NAME, fold_folder
from bvas.experiment.experiment import Experiment
from bvas.results.made_from import rows_settings
from bvas.system.devices import EngineName, Precision
from bvas.system.jobs.job import JobError
from bvas.video.index.file_identity import content_digest

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Settings of a prediction, on any device; plain data."""

    experiment: Experiment
    runs: Path
    """The runs folder, with the weights."""
    backend: str = "auto"
    """Decoder."""
    strict: bool = False
    """Fail where a frame cannot be decoded."""
    precision: Precision = "auto"
    """Precision of the models."""
    engine: EngineName = "auto"
    """As `load_spotter` takes it; rows of engines are alike within 1e-4, so finished ones are kept whatever it is."""
    stride: int = 1
    """Rows are computed for every so many grid frames."""
    share_repeats: bool = True
    """Rows of byte-equal frames are computed once; changes rows by rounding at most."""
    save_seconds: float = 20.0
    """Time between two saves of an unfinished segment."""
    overwrite: bool = False
    """Make finished results again."""
    scratch: Path | None = None
    """Folder for copies of remote videos; None: the system's temporary folder."""
    segment_frames: int = 400
    """Grid frames of a segment: 16 s at 25 per second. A run with another length finds no earlier segments."""


def ends_all(error: JobError) -> bool:
    """Return whether all other matches would fail with this error too: weights, settings, a full disk."""
    cause = error.__cause__ if isinstance(error, DataError) else error
    return isinstance(error, CheckpointError | ConfigError) or (
        isinstance(cause, OSError) and cause.errno in _FULL
    )


class Weights:
    """Digests of an experiment's checkpoints; each file is read once."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._digests: dict[int, str] = {}

    def rows_settings(self, folds: Sequence[int]) -> dict[str, Any]:
        """Return the settings that decide the score curves that the models of some folds give.

        Raises:
            CheckpointError: a fold has no weights.
        """
        work = self._work
        for fold in folds:
            if fold not in self._digests:
                path = fold_folder(work.runs, work.experiment.name, fold) / FILE_NAME
                if not path.is_file():
                    raise CheckpointError(
                        f"no weights at {path}; train fold {fold}, or leave it out by --folds"
                    )
                self._digests[fold] = content_digest(path)
        digests = {fold: self._digests[fold] for fold in folds}
        return rows_settings(work.experiment, digests, stride=work.stride, precision=work.precision)
