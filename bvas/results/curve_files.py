"""Score curves as .npz files."""

from pathlib import Path

import numpy as np

from bvas.errors import DataError
from bvas.system.atomic_files import ARCHIVE_FAULTS, replacing
from bvas.values.score_curve import ScoreCurve


def save_curve(curve: ScoreCurve, path: Path) -> None:
    """Write `scores`, `seconds` and `labels` to an `.npz`, whole or not at all."""
    with replacing(path) as temporary:
        np.savez_compressed(
            temporary,
            scores=curve.scores.astype(np.float32),
            seconds=curve.seconds.astype(np.float64),
            labels=np.array(curve.labels),
        )


def load_curve(path: Path) -> ScoreCurve:
    """Read a curve that `save_curve` wrote.

    Raises:
        DataError: the file is missing, damaged, or lacks one of the arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return ScoreCurve(
                stored["scores"], stored["seconds"], tuple(str(name) for name in stored["labels"])
            )
    except ARCHIVE_FAULTS as error:
        raise DataError(f"cannot read the score curve {path} ({error}); predict it again") from error
