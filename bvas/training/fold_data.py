"""Out-of-fold score curves of an earlier experiment, which hard negatives are drawn by."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from bvas.errors import DataError
from bvas.experiment.experiment import Experiment
from bvas.loading.labelled_video import LabelledVideo
from bvas.results.store import curve_path, load_curve, predictions_folder
from bvas.values.score_curve import ScoreCurve


def out_of_fold_curves(
    experiment: Experiment, videos: Sequence[LabelledVideo], runs: Path
) -> list[ScoreCurve] | None:
    """Return the curve of each video that `hard_negatives_from` predicted; None where it names no experiment.

    Raises:
        DataError: a curve is missing or damaged.
    """
    source = experiment.train.hard_negatives_from
    if not source:
        return None
    paths = [curve_path(predictions_folder(runs, source), video.name) for video in videos]
    for path in paths:
        if not path.is_file():
            raise DataError(
                f"experiment {experiment.name} draws hard negatives from the out-of-fold curves of {source}, and "
                f"{path} is missing; make them first: bvas train --experiment {source}, then "
                f"bvas predict --experiment {source}"
            )
    return [load_curve(path) for path in paths]


def curve_digests(
    experiment: Experiment, videos: Sequence[LabelledVideo], curves: Sequence[ScoreCurve] | None
) -> list[str]:
    """Return `NAME DIGEST` for the curve of each video; other scores give another digest."""
    digests: list[str] = []
    if curves is None:
        return digests
    for video, curve in zip(videos, curves, strict=True):
        digest = hashlib.blake2b(curve.scores.tobytes() + curve.seconds.tobytes(), digest_size=8)
        digests.append(
            f"scores of {experiment.train.hard_negatives_from} on {video.name} {digest.hexdigest()}"
        )
    return digests
