"""Provenance of results: weights, settings and video files that they were made from.

Results without a record, or with one of other settings, weights or videos, are made again.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from bvas.experiment.experiment import Experiment
from bvas.experiment.input_config import InputConfig
from bvas.system.dataclass_json import value_to_json
from bvas.video.index.file_identity import Fingerprint

_INPUT_OF_0_1 = ("size", "rate", "luma_scaling")
# Raise it whenever the same weights, settings and video would give other rows.
_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRecord:
    """A video file as it was when it was predicted; recognizes the same file later."""

    path: str
    """Path of the file, as `place_of` gives it; of a remote file its address without user and query."""
    fingerprint: Fingerprint
    sha256: str
    """Hash of the content; empty where it was not read to the end."""
    backend: str = ""
    """Decoder; empty where it was not recorded."""
    gaps: tuple[dict[str, Any], ...] = ()
    """Stretches that could not be decoded, in the form of the results file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Provenance of a match's results."""

    rows: dict[str, Any]
    """Settings that decide the score curves, from `rows_settings`."""
    peaks: dict[str, Any]
    """Settings that decide the spots in them, from `peak_settings`."""
    videos: dict[int, VideoRecord]
    """By half."""


def rows_settings(
    experiment: Experiment, weights: Mapping[int, str], *, stride: int, precision: str
) -> dict[str, Any]:
    """Return, as plain data, the settings that decide the score curve of a video.

    Settings of training alone are left out: they show in the weights.

    Args:
        experiment: The experiment.
        weights: The digest of each fold's checkpoint.
        stride: Grid frames from one computed row to the next.
        precision: The precision that was asked for.
    """
    plain = json.loads(experiment.to_json())
    usual = json.loads(value_to_json(InputConfig()))
    return {
        "version": _VERSION,
        "weights": {str(fold): weights[fold] for fold in sorted(weights)},
        "labels": list(experiment.task.labels.names),
        # What version 0.1 did not have is named where it is not as it was then.
        "input": {
            name: value
            for name, value in plain["input"].items()
            if name in _INPUT_OF_0_1 or value != usual[name]
        },
        "clip": plain["clip"],
        "flip_tta": plain["flip_tta"],
        "stride": stride,
        "precision": precision,
    }


def peak_settings(experiment: Experiment) -> dict[str, Any]:
    """Return, as plain data, the settings that decide which spots or intervals a score curve gives."""
    name = "intervals" if experiment.kind == "interval" else "peaks"
    rules: dict[str, Any] = json.loads(experiment.to_json())[name]
    return rules


def record_converter() -> cattrs.Converter:
    """Return the converter between records and plain data, where a fingerprint has the name `glance`."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    renamed = override(rename="glance")
    converter.register_structure_hook(Fingerprint, lambda content, _: fingerprint_of_json(content))
    converter.register_structure_hook(
        VideoRecord,
        make_dict_structure_fn(VideoRecord, converter, _cattrs_forbid_extra_keys=True, fingerprint=renamed),
    )
    converter.register_unstructure_hook(Fingerprint, fingerprint_to_json)
    converter.register_unstructure_hook(
        VideoRecord, make_dict_unstructure_fn(VideoRecord, converter, fingerprint=renamed)
    )
    return converter


def fingerprint_of_json(content: Mapping[str, Any]) -> Fingerprint:
    """Return a fingerprint of plain data; version 0.1 wrote a hash beside it, which is ignored.

    Raises:
        KeyError, TypeError, ValueError: the data has another form.
    """
    etag = str(content.get("etag", ""))
    return Fingerprint(size=int(content["size"]), mtime_ns=int(content["mtime_ns"]), etag=etag)


def fingerprint_to_json(fingerprint: Fingerprint) -> dict[str, Any]:
    """Return plain data, for `fingerprint_of_json`; only a remote file has an etag."""
    return {name: value for name, value in asdict(fingerprint).items() if name != "etag" or value}
