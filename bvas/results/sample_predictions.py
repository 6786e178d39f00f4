"""Sample predictions: probabilities of an experiment's samples by models that have not seen them, in one file."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError
from bvas.system.atomic_files import ARCHIVE_FAULTS, replacing

_TEXTS = ("labels", "names", "groups", "sides")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SamplePredictions:
    """Probabilities of S samples for K classes."""

    labels: tuple[str, ...]
    """[K]"""
    names: tuple[str, ...]
    """[S], of the samples, as `LabelledVideo.name` has them."""
    groups: tuple[str, ...]
    """[S], what no split cuts."""
    sides: tuple[str, ...]
    """[S], their split (`valid`, `test`) or fold (`fold 0`)."""
    folds: NDArray[np.int64]
    """[S], fold whose model predicted the sample."""
    truth: NDArray[np.int64]
    """[S], true classes, in [0, K)."""
    scores: NDArray[np.float32]
    """[S, K], rows sum to 1."""
    made_with: Mapping[str, Any]
    """Weights and settings, as plain data."""

    @property
    def predicted(self) -> NDArray[np.int64]:
        """[S], the most probable classes; of equal ones the first."""
        return np.asarray(self.scores.argmax(axis=1), np.int64)

    def of_sides(self, sides: Collection[str]) -> "SamplePredictions":
        """Return the predictions of some sides."""
        return self._at([place for place, side in enumerate(self.sides) if side in sides])

    def of_folds(self, folds: Collection[int]) -> "SamplePredictions":
        """Return the predictions of some folds' models."""
        return self._at([place for place, fold in enumerate(self.folds.tolist()) if fold in folds])

    def identities(self) -> set[tuple[int, str, str, str, int]]:
        """Return fold, name, group, side and class of each sample."""
        return set(
            zip(self.folds.tolist(), self.names, self.groups, self.sides, self.truth.tolist(), strict=True)
        )

    def _at(self, chosen: list[int]) -> "SamplePredictions":
        return replace(
            self,
            names=tuple(self.names[place] for place in chosen),
            groups=tuple(self.groups[place] for place in chosen),
            sides=tuple(self.sides[place] for place in chosen),
            folds=self.folds[chosen],
            truth=self.truth[chosen],
            scores=self.scores[chosen],
        )


def joined(predictions: SamplePredictions, others: SamplePredictions) -> SamplePredictions:
    """Return predictions, then others of the same experiment; they were made with what the first ones were."""
    return replace(
        predictions,
        names=predictions.names + others.names,
        groups=predictions.groups + others.groups,
        sides=predictions.sides + others.sides,
        folds=np.concatenate([predictions.folds, others.folds]),
        truth=np.concatenate([predictions.truth, others.truth]),
        scores=np.concatenate([predictions.scores, others.scores]),
    )


def save_sample_predictions(predictions: SamplePredictions, path: Path) -> None:
    """Write predictions, whole or not at all.

    Raises:
        DataError: they cannot be written.
    """
    with replacing(path) as temporary:
        np.savez_compressed(
            temporary,
            labels=np.array(predictions.labels, dtype=np.str_),
            names=np.array(predictions.names, dtype=np.str_),
            groups=np.array(predictions.groups, dtype=np.str_),
            sides=np.array(predictions.sides, dtype=np.str_),
            folds=predictions.folds,
            truth=predictions.truth,
            scores=predictions.scores,
            made_with=np.array(json.dumps(dict(predictions.made_with))),
        )


def load_sample_predictions(path: Path, experiment: str) -> SamplePredictions:
    """Read predictions that `save_sample_predictions` wrote.

    Args:
        path: The file.
        experiment: Name of the experiment, for messages.

    Raises:
        DataError: the file is missing or damaged.
    """
    remedy = f"make them: bvas predict --experiment {experiment}"
    if not path.is_file():
        raise DataError(f"no predictions of samples at {path}; {remedy}")
    try:
        with np.load(path, allow_pickle=False) as stored:
            return SamplePredictions(
                **{name: tuple(str(text) for text in stored[name]) for name in _TEXTS},
                folds=stored["folds"],
                truth=stored["truth"],
                scores=stored["scores"],
                made_with=json.loads(str(stored["made_with"])),
            )
    except (*ARCHIVE_FAULTS, json.JSONDecodeError) as error:
        raise DataError(f"cannot read the predictions {path} ({error}); {remedy}") from error
