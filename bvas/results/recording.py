"""`recording.json`: which videos the results of `bvas spot` are about, and what they were made with."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from bvas.errors import ConfigError, DataError
from bvas.experiment.peak_config import PeakConfig
from bvas.system.atomic_files import write_json
from bvas.system.dataclass_json import value_from_json, value_to_json
from bvas.system.file_names import shown_name
from bvas.system.text_files import read_json
from bvas.values.annotations import LabelSet
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.index.file_identity import Glance

RECORDING_NAME = "recording.json"
_FORMAT = "bvas-recording-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedPart:
    """One video file of a recording."""

    number: int
    """1 for the first; results call it a half."""
    name: str
    """What files about it begin with, as `<name>_scores.npz`."""
    path: Path
    begin_seconds: float
    """Where it begins on the timeline of all parts."""
    address: str = ""
    """Of a part that is not a file: its address without secrets, or `-` for standard input."""
    reading: ReadOptions = DEFAULT_READING
    """Which stream of the file was read, and how."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedFile:
    """A file that a recording was made of, so that another one of its name is recognized."""

    path: str
    """As `place_of` gives it."""
    glance: Glance
    sha256: str
    """Of its content; empty where it was not read to its end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """What a folder of results is about."""

    experiment: str
    labels: LabelSet
    peaks: PeakConfig
    """How spots were found in the score curves, and from which confidence they are shown."""
    kickoff_seconds: float
    """When the match clock starts, on the timeline of all parts."""
    parts: tuple[RecordedPart, ...]
    made_from: tuple[RecordedFile, ...] = ()
    """All files of the recording, in order, also those that a range left out; none of a stream."""
    in_part: str = ""
    """Why results are of a part of the recording only; empty where they are complete."""

    def write(self, folder: Path) -> None:
        """Write the file into a folder of results.

        Raises:
            DataError: it cannot be written.
        """
        write_json(
            folder / RECORDING_NAME,
            {
                "format": _FORMAT,
                "experiment": self.experiment,
                "labels": list(self.labels.names),
                "merged": dict(self.labels.merged),
                "peaks": json.loads(value_to_json(self.peaks)),
                "kickoff_seconds": self.kickoff_seconds,
                **({"in_part": self.in_part} if self.in_part else {}),
                "parts": [
                    {
                        "number": part.number,
                        "name": part.name,
                        **_path_fields(part),
                        "begin_seconds": part.begin_seconds,
                        **_read_otherwise(part.reading),
                    }
                    for part in self.parts
                ],
                "made_from": [asdict(file) for file in self.made_from],
            },
        )


def read_recording(folder: Path) -> Recording | None:
    """Return what `Recording.write` wrote into a folder; None if nothing did.

    Raises:
        DataError: the file is damaged or of another version.
    """
    path = folder / RECORDING_NAME
    if not path.is_file():
        return None
    content = read_json(path)
    try:
        if content["format"] != _FORMAT:
            raise ValueError(f"its format is {content['format']!r}, not {_FORMAT!r}")
        labels, merged = content["labels"], content["merged"]
        if not isinstance(labels, list) or not isinstance(merged, dict):
            raise TypeError("'labels' must be a list and 'merged' an object")
        if not all(isinstance(label, str) for label in (*labels, *merged.values())):
            raise TypeError("labels must be texts")
        return Recording(
            experiment=str(content["experiment"]),
            labels=LabelSet(tuple(labels), merged),
            peaks=value_from_json(json.dumps(content["peaks"]), PeakConfig, "peaks"),
            kickoff_seconds=_finite(content["kickoff_seconds"]),
            parts=tuple(_part(part) for part in content["parts"]),
            made_from=tuple(
                RecordedFile(
                    path=str(file["path"]), glance=Glance(**file["glance"]), sha256=str(file["sha256"])
                )
                for file in content.get("made_from", ())
            ),
            in_part=str(content.get("in_part", "")),
        )
    except (ConfigError, KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise DataError(
            f"{path} is not of this version ({error}); spot the recording again, or remove the file and name "
            f"the videos with --video"
        ) from error


def _part(content: Mapping[str, Any]) -> RecordedPart:
    text = str(content["path"])
    if "path_quoted" in content:
        path = Path(os.fsdecode(unquote_to_bytes(content["path_quoted"])))
    else:
        path = Path(text)
    return RecordedPart(
        number=int(content["number"]),
        name=str(content["name"]),
        path=path,
        address=text if text == "-" or "://" in text else "",
        begin_seconds=_finite(content["begin_seconds"]),
        reading=ReadOptions.of(
            content.get("stream"),
            None if content.get("rate") is None else Fraction(content["rate"]),
            content.get("tone", DEFAULT_READING.tone),
        ),
    )


def _path_fields(part: RecordedPart) -> dict[str, str]:
    """Return the path as people read it, and where that leads to no file also as a program can."""
    path = part.address or str(part.path)
    shown = shown_name(path)
    return {"path": shown} if shown == path else {"path": shown, "path_quoted": quote(os.fsencode(path))}


def _read_otherwise(reading: ReadOptions) -> dict[str, Any]:
    """Return the choices that differ from the defaults."""
    chosen: dict[str, Any] = {}
    if reading.stream is not None:
        chosen["stream"] = reading.stream
    if reading.rate is not None:
        chosen["rate"] = str(reading.rate)
    if reading.tone != DEFAULT_READING.tone:
        chosen["tone"] = reading.tone
    return chosen


def _finite(value: Any) -> float:
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError(f"a time is {seconds}")
    return seconds
