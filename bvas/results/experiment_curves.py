"""Score curves of an experiment, read from the store and checked."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bvas.data.matches import Match, match_halves
from bvas.errors import ConfigError, DataError
from bvas.experiment.experiment import Experiment
from bvas.results.store import Split, curve_path, load_curve, predictions_folder
from bvas.results.video_result import VideoFile, VideoResult
from bvas.values.annotations import LabelSet
from bvas.values.score_curve import ScoreCurve


def read_curves(
    experiment: Experiment, matches: Sequence[Match], runs: Path, split: Split = Split.CV
) -> list[VideoResult]:
    """Return the curves of all halves of some matches, with the columns in the order of the experiment's labels.

    Args:
        experiment: The experiment whose predictions are read.
        matches: At least one.
        runs: The runs folder.
        split: The folder of predictions.

    Raises:
        DataError: a curve is missing (the message names the command that makes it), is damaged, scores other
            labels, or holds scores outside [0, 1].
    """
    folder = predictions_folder(runs, experiment.name, split)
    wanted = {
        curve_path(folder / match.name, video.name): (match, video)
        for match in matches
        for half in match_halves(match, experiment.task.resolution)
        for video in [VideoFile.of_half(match.name, half)]
    }
    missing = [found for path, found in wanted.items() if not path.is_file()]
    if missing:
        kind = "score curves of challenge matches" if split is Split.CHALLENGE else "out-of-fold score curves"
        command = f"bvas predict --experiment {experiment.name}"
        command += "" if runs == Path("runs") else f" --runs {runs}"
        command += " --challenge" if split is Split.CHALLENGE else ""
        if len(missing) == len(wanted):
            raise DataError(f"no {kind} of {experiment.name} in {folder}; make them first: {command}")
        folds = sorted({match.fold for match, _ in missing if match.fold is not None})
        where = f" (fold{'s' if len(folds) > 1 else ''} {', '.join(map(str, folds))})" if folds else ""
        command += f" --folds {','.join(map(str, folds))}" if folds else ""
        match, video = missing[0]
        raise DataError(
            f"{len(missing)} of {len(wanted)} {kind} of {experiment.name} are missing{where}, the first is that of "
            f"'{match.name}', half {video.number}; make them first: {command}"
        )
    return [
        VideoResult(video=video, curve=_checked(path, experiment.task.labels))
        for path, (_, video) in wanted.items()
    ]


def _checked(path: Path, labels: LabelSet) -> ScoreCurve:
    curve = load_curve(path)
    if set(curve.labels) != set(labels.names) or len(curve.labels) != len(labels):
        raise DataError(
            f"{path} scores the labels {', '.join(curve.labels)}, and the experiment has {', '.join(labels)}; "
            "predict it again"
        )
    scores = curve.scores[:, [curve.labels.index(label) for label in labels]]
    lost = np.isnan(scores)
    mixed_rows = np.flatnonzero(lost.any(axis=1) != lost.all(axis=1))
    if len(mixed_rows):
        raise DataError(
            f"{path} holds a NaN at {curve.seconds[mixed_rows[0]]:.2f} s for some of its labels and not for others, so "
            "it is not a gap of the video; predict it again"
        )
    if lost.all():
        raise DataError(f"{path} holds no score: all {len(scores)} rows are gaps; predict it again")
    if not ((scores[~lost] >= 0) & (scores[~lost] <= 1)).all():
        raise DataError(f"{path} holds scores outside [0, 1]; predict it again")
    if not (np.diff(curve.seconds) > 0).all():
        raise DataError(f"{path} holds times that do not ascend; predict it again")
    return ScoreCurve(scores, curve.seconds, labels.names)


def check_rate(curve: ScoreCurve, rate: float, what: str) -> None:
    """Refuse a curve whose rows are not those of a grid of this rate.

    Raises:
        ConfigError: names both rates.
    """
    if len(curve.seconds) > 1:
        found = (len(curve.seconds) - 1) / float(curve.seconds[-1] - curve.seconds[0])
        if abs(found - rate) > 0.01 * rate:
            raise ConfigError(
                f"{what} has {found:.2f} rows a second, and the experiment's grid {rate:g}; predict it again"
            )
