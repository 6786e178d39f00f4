"""Submission zip in SoccerNet's layout: complete or not written, and read back before it gets its name."""

import importlib.util
import logging
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.data.file_tree import open_tree
from bvas.data.matches import Match, match_halves
from bvas.data.soccernet_entries import Notices, prediction_entries
from bvas.errors import ConfigError, DataError
from bvas.evaluation.file_scores import scored_tasks
from bvas.evaluation.scored_files import ScoredTask
from bvas.experiment.experiment import Experiment
from bvas.results.store import RESULTS_NAME, Split, predictions_folder
from bvas.system.atomic_files import replacing
from bvas.system.text_files import read_json
from bvas.values.annotations import LabelSet, Spot

logger = logging.getLogger(__name__)

# So that the same predictions make the same zip.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class _MatchFile:
    match: Match
    path: Path
    spots: Mapping[int, Sequence[Spot]]


def write_submission(
    experiment: Experiment, matches: Sequence[Match], runs: Path, out: Path, split: Split = Split.CHALLENGE
) -> tuple[dict[str, int], str]:
    """Write the zip of some matches; return the number of predictions by match, and what read the zip back.

    Args:
        experiment: Whose predictions.
        matches: All that belong into it, at least one.
        runs: The runs folder.
        out: The zip.
        split: Which predictions.

    Raises:
        ConfigError: labels that SoccerNet does not know.
        DataError: matches or halves have no predictions (all are listed), a results file is wrong, a match is not
            called `league/season/match`, or the zip does not read back as it should.
    """
    official = official_task(experiment.task.labels)
    folder = predictions_folder(runs, experiment.name, split)
    files = _complete_files(experiment, matches, folder, official, split)
    with replacing(out) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                name = zipfile.ZipInfo(f"{file.match.name}/{RESULTS_NAME}", _DATE)
                name.compress_type = zipfile.ZIP_DEFLATED
                name.external_attr = 0o644 << 16
                archive.writestr(name, file.path.read_bytes())
        reader = _read_back(temporary, files, official)
    return {file.match.name: sum(map(len, file.spots.values())) for file in files}, reader


def official_task(labels: LabelSet) -> ScoredTask:
    """Return the challenge whose labels these are: the one with the fewest that knows them all.

    Raises:
        ConfigError: no challenge has them; the message names a label that none has.
    """
    tasks = sorted(scored_tasks().values(), key=lambda task: len(task.labels))
    for task in tasks:
        if not task.with_teams and all(label in task.labels.names for label in labels):
            return task
    known = {label for task in tasks for label in task.labels}
    unknown = [label for label in labels if label not in known]
    if not unknown:
        raise ConfigError(
            f"the labels {', '.join(labels)} belong to different challenges of SoccerNet; submit those of one"
        )
    stands_for = [name for name, label in labels.merged.items() if label == unknown[0]]
    if stands_for:
        raise ConfigError(
            f"label {unknown[0]!r} stands for {', '.join(stands_for)}, which SoccerNet wants apart; a submission takes "
            "an experiment that tells them apart"
        )
    raise ConfigError(
        f"label {unknown[0]!r} is not one of SoccerNet's, and its evaluation ignores it; a "
        "submission takes labels of one of its challenges"
    )


def _complete_files(
    experiment: Experiment, matches: Sequence[Match], folder: Path, official: ScoredTask, split: Split
) -> list[_MatchFile]:
    """Return the results of all matches, checked; list everything that is missing in one error."""
    missing, files = [], []
    notices = Notices()
    for match in matches:
        if len(PurePosixPath(match.name).parts) != 3:
            raise DataError(
                f"match '{match.name}' is not called like league/season/match, which SoccerNet's evaluation looks for; "
                "a submission takes data in SoccerNet's layout"
            )
        path = folder / match.name / RESULTS_NAME
        if not path.is_file():
            missing.append(f"'{match.name}' (no {RESULTS_NAME})")
            continue
        halves = [half.number for half in match_halves(match, experiment.task.resolution)]
        spots = prediction_entries(read_json(path), str(path), official.labels, notices)
        missing += [f"'{match.name}', half {half}" for half in halves if not spots.get(half)]
        files.append(_MatchFile(match, path, spots))
    if missing:
        challenge = " --challenge" if split is Split.CHALLENGE else ""
        raise DataError(
            f"{len(missing)} without predictions in {folder}, and no zip is written: {'; '.join(missing)}; make them "
            f"first: bvas predict --experiment {experiment.name}{challenge}"
        )
    odd = notices.lines()
    if odd:
        raise DataError(f"no zip is written, since SoccerNet would not count all of it: {'; '.join(odd)}")
    return files


def _read_back(path: Path, files: Sequence[_MatchFile], official: ScoredTask) -> str:
    """Compare what a reader finds in the zip with the spots; return the reader's name.

    Raises:
        DataError: it finds others.
    """
    rate = round(official.rate)
    dictionary = {label: number for number, label in enumerate(official.labels)}
    package = _official_reader()
    for file in files:
        inside = f"{file.match.name}/{RESULTS_NAME}"
        if package is None:
            with open_tree(path) as tree:
                found = prediction_entries(tree.read_json(inside), inside, official.labels, Notices())
            vectors = [_vector(found[half], official.labels, rate) for half in (1, 2)]
        else:
            content = package.LoadJsonFromZip(str(path), inside)
            vectors = [
                np.asarray(vector, dtype=np.float64)
                for vector in package.predictions2vector(
                    content,
                    num_classes=len(dictionary),
                    version=2,
                    framerate=rate,
                    EVENT_DICTIONARY=dictionary,
                )
            ]
        for half, vector in enumerate(vectors, start=1):
            expected = _vector(file.spots.get(half, []), official.labels, rate)
            if not np.array_equal(vector, expected):
                row = int(np.flatnonzero((vector != expected).any(axis=1))[0])
                raise DataError(
                    f"the zip does not read back as it was written: '{file.match.name}', half {half}, frame {row} "
                    f"holds {vector[row].tolist()} where {expected[row].tolist()} was predicted"
                )
    return (
        "our reader (the SoccerNet package is not installed)" if package is None else "the SoccerNet package"
    )


def _vector(spots: Sequence[Spot], labels: LabelSet, rate: int) -> NDArray[np.float64]:
    """Return the confidence of each frame and label of two hours, float64 [7200 rate, K]; -1 without a spot."""
    vector = np.full((120 * 60 * rate, len(labels)), -1.0)
    for spot in spots:
        vector[min(int(rate * spot.seconds), len(vector) - 1), labels.label_id(spot.label)] = spot.confidence
    return vector


def _official_reader() -> Any:
    """Return the official package's evaluation; None where it is not installed."""
    if importlib.util.find_spec("SoccerNet") is None:
        return None
    # It switches NumPy's warnings off for the whole process; `errstate` ends that again.
    with np.errstate():
        try:
            from SoccerNet.Evaluation import ActionSpotting
        except ImportError as error:
            logger.warning("the SoccerNet package does not load (%s)", error)
            return None
    return ActionSpotting
