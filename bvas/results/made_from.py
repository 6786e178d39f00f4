"""What the results in a match's folder were made from: `made_from.json`, written last and removed first.

Results without it, or with one that says other settings, weights or videos, are made again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cattrs

from bvas.errors import DataError
from bvas.experiment.experiment import Experiment
from bvas.system.atomic_files import write_json
from bvas.system.text_files import read_json
from bvas.video.index.file_identity import Glance

RECORD_NAME = "made_from.json"
# Raise it whenever the same weights, settings and video would give other rows.
_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRecord:
    """One video that was predicted."""

    path: str
    """Of the file, as `place_of` gives it."""
    backend: str
    """What decoded it."""
    glance: Glance
    sha256: str
    """Of its content."""
    gaps: tuple[dict[str, Any], ...] = ()
    """What could not be decoded, as the results file has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What results were made from."""

    rows: dict[str, Any]
    """What decides the score curves, as `rows_settings` gives it."""
    peaks: dict[str, Any]
    """What decides which spots they give."""
    videos: dict[int, VideoRecord]
    """By half."""


def rows_settings(
    experiment: Experiment, weights: Mapping[int, str], *, stride: int, precision: str
) -> dict[str, Any]:
    """Return, as plain data, what decides the score curve of a video.

    What decides only how a model is trained shows in its weights.

    Args:
        experiment: The experiment.
        weights: The digest of each fold's checkpoint.
        stride: Grid frames from one computed row to the next.
        precision: What was asked to be computed in.
    """
    plain = json.loads(experiment.to_json())
    return {
        "version": _VERSION,
        "weights": {str(fold): weights[fold] for fold in sorted(weights)},
        "labels": list(experiment.task.labels.names),
        "input": plain["input"],
        "clip": plain["clip"],
        "flip_tta": plain["flip_tta"],
        "stride": stride,
        "precision": precision,
    }


def peak_settings(experiment: Experiment) -> dict[str, Any]:
    """Return, as plain data, what decides which spots a score curve gives."""
    peaks: dict[str, Any] = json.loads(experiment.to_json())["peaks"]
    return peaks


def read_record(folder: Path) -> Record | None:
    """Return the record of a match's folder; None where there is none, or none of this version."""
    path = folder / RECORD_NAME
    if not path.is_file():
        return None
    try:
        return cattrs.Converter(forbid_extra_keys=True).structure(read_json(path), Record)
    except (DataError, cattrs.BaseValidationError, ValueError, KeyError, TypeError):
        return None


def write_record(folder: Path, record: Record) -> None:
    """Write the record of a match's folder.

    Raises:
        DataError: it cannot be written.
    """
    write_json(folder / RECORD_NAME, cattrs.Converter().unstructure(record))
