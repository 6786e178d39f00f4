"""An experiment's predictions on disk: where they lie, how they are written, curves read back and checked.

`runs/NAME/predictions/{cv,challenge}/MATCH/` holds `results_spotting.json` and a `<video>_scores.npz` for each half.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bvas.data.matches import Half, Match, match_halves
from bvas.data.soccernet_files import RESULTS_NAME, write_results
from bvas.errors import ConfigError, DataError
from bvas.experiment.experiment import Experiment
from bvas.experiment.peak_config import PeakConfig
from bvas.results.curve_files import load_curve, save_curve
from bvas.system.file_names import output_stem
from bvas.tasks.peaks import find_spots
from bvas.values.annotations import Gap, LabelSet
from bvas.values.score_curve import ScoreCurve

Split = Literal["cv", "challenge"]


@dataclass(frozen=True, slots=True)
class HalfCurve:
    """The score curve of one half of a match."""

    match: Match
    half: Half
    curve: ScoreCurve


def predictions_folder(runs: Path, name: str, split: Split = "cv") -> Path:
    """Return where predictions of an experiment lie: `cv` holds those by models that have not seen the match."""
    return runs / name / "predictions" / split


def curve_file(folder: Path, match: Match, half: Half) -> Path:
    """Return where the curve of a half lies in a folder of predictions."""
    return folder / match.name / f"{output_stem(half.path.stem)}_scores.npz"


def read_curves(
    experiment: Experiment, matches: Sequence[Match], runs: Path, split: Split = "cv"
) -> list[HalfCurve]:
    """Return the curves of all halves of some matches, with the columns in the order of the experiment's labels.

    Args:
        experiment: Whose predictions.
        matches: At least one.
        runs: The runs folder.
        split: Which predictions.

    Raises:
        DataError: a curve is missing (the message names the command that makes it), is damaged, scores other
            labels, or holds scores that are none.
    """
    folder = predictions_folder(runs, experiment.name, split)
    wanted = [(match, half) for match in matches for half in match_halves(match, experiment.task.resolution)]
    missing = [(match, half) for match, half in wanted if not curve_file(folder, match, half).is_file()]
    if missing:
        raise DataError(_missing_text(experiment, len(wanted), missing, runs, split))
    return [
        HalfCurve(match, half, _checked(curve_file(folder, match, half), experiment.task.labels))
        for match, half in wanted
    ]


def _missing_text(
    experiment: Experiment, num_wanted: int, missing: Sequence[tuple[Match, Half]], runs: Path, split: Split
) -> str:
    match, half = missing[0]
    folder = predictions_folder(runs, experiment.name, split)
    command = f"bvas predict --experiment {experiment.name}"
    if runs != Path("runs"):
        command += f" --runs {runs}"
    kind = "score curves of challenge matches" if split == "challenge" else "out-of-fold score curves"
    if split == "challenge":
        command += " --challenge"
    if len(missing) == num_wanted:
        return f"no {kind} of {experiment.name} in {folder}; make them first: {command}"
    folds = sorted({m.fold for m, _ in missing if m.fold is not None})
    where = f" (fold{'s' if len(folds) > 1 else ''} {', '.join(map(str, folds))})" if folds else ""
    only = f" --folds {','.join(map(str, folds))}" if folds else ""
    return (
        f"{len(missing)} of {num_wanted} {kind} of {experiment.name} are missing{where}, the first is that of "
        f"'{match.name}', half {half.number}; make them first: {command}{only}"
    )


def _checked(path: Path, labels: LabelSet) -> ScoreCurve:
    curve = load_curve(path)
    if set(curve.labels) != set(labels.names) or len(curve.labels) != len(labels):
        raise DataError(
            f"{path} scores the labels {', '.join(curve.labels)}, and the experiment has {', '.join(labels)}; "
            "predict it again"
        )
    scores = curve.scores[:, [curve.labels.index(label) for label in labels]]
    lost = np.isnan(scores)
    if (lost.any(axis=1) != lost.all(axis=1)).any():
        row = int(np.flatnonzero(lost.any(axis=1) != lost.all(axis=1))[0])
        raise DataError(
            f"{path} holds a NaN at {curve.seconds[row]:.2f} s for some of its labels and not for others, so it is no "
            "gap of the video; predict it again"
        )
    if lost.all():
        raise DataError(f"{path} holds no score: all {len(scores)} rows are gaps; predict it again")
    if not ((scores[~lost] >= 0) & (scores[~lost] <= 1)).all():
        raise DataError(f"{path} holds scores outside [0, 1]; predict it again")
    if not (np.diff(curve.seconds) > 0).all():
        raise DataError(f"{path} holds times that do not ascend; predict it again")
    return ScoreCurve(scores, curve.seconds, labels.names)


def write_curves(
    folder: Path, match: Match, halves: Sequence[HalfCurve], labels: LabelSet, peaks: PeakConfig, rate: float
) -> None:
    """Write the curves of a match, and the spots that the rules find in them, below a folder of predictions.

    Args:
        folder: From `predictions_folder`.
        match: The match.
        halves: Its halves.
        labels: What is spotted.
        peaks: How.
        rate: Rows per second.
    """
    for half in halves:
        save_curve(half.curve, curve_file(folder, match, half.half))
    write_results(
        folder / match.name / RESULTS_NAME,
        match.name,
        {
            half.half.number: find_spots(half.curve.scores, half.curve.seconds, labels, peaks)
            for half in halves
        },
        rate=rate,
        gaps=[
            Gap(start, end, round((end - start) * rate) + 1, "no scores").to_json(half.half.number)
            for half in halves
            for start, end in half.curve.gaps()
        ],
    )


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
