"""Recording: the video files of one `bvas spot`, on one timeline, and how they were read; its JSON form."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from bvas.errors import ConfigError, DataError
from bvas.experiment.peak_config import PeakConfig
from bvas.results.made_from import VideoRecord, fingerprint_of_json, fingerprint_to_json
from bvas.results.video_result import VideoFile
from bvas.system.dataclass_json import value_from_json, value_to_json
from bvas.system.file_names import shown_name
from bvas.values.annotations import LabelSet
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions

_FORMAT = "bvas-recording-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """Videos that a folder of results is about."""

    experiment: str
    labels: LabelSet
    peaks: PeakConfig
    """Rules by which spots were found in the score curves, with the operating points."""
    kickoff_seconds: float
    """Start of the match clock, on the timeline of all parts."""
    parts: tuple[VideoFile, ...]
    made_from: tuple[VideoRecord, ...] = ()
    """All files of the recording, in order, also those outside the range; empty for a stream."""
    in_part: str = ""
    """Reason why the results cover a part of the recording only; empty where they are complete."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data, for `from_json`."""
        return {
            "format": _FORMAT,
            "experiment": self.experiment,
            "labels": list(self.labels.names),
            "merged": dict(self.labels.merged),
            "peaks": json.loads(value_to_json(self.peaks)),
            "kickoff_seconds": self.kickoff_seconds,
            **({"in_part": self.in_part} if self.in_part else {}),
            "parts": [_part_json(part) for part in self.parts],
            "made_from": [
                {"path": file.path, "glance": fingerprint_to_json(file.fingerprint), "sha256": file.sha256}
                for file in self.made_from
            ],
        }

    @classmethod
    def from_json(cls, content: Any, path: Path) -> "Recording":
        """Return the recording of plain data; `path` names the file in messages.

        Raises:
            DataError: the file is damaged or of another version.
        """
        try:
            if content["format"] != _FORMAT:
                raise ValueError(f"its format is {content['format']!r}, not {_FORMAT!r}")
            labels, merged = content["labels"], content["merged"]
            if not isinstance(labels, list) or not isinstance(merged, dict):
                raise TypeError("'labels' must be a list and 'merged' an object")
            if not all(isinstance(label, str) for label in (*labels, *merged.values())):
                raise TypeError("labels must be texts")
            return cls(
                experiment=str(content["experiment"]),
                labels=LabelSet(tuple(labels), merged),
                peaks=value_from_json(json.dumps(content["peaks"]), PeakConfig, "peaks"),
                kickoff_seconds=_finite(content["kickoff_seconds"]),
                parts=tuple(_part(part, path.absolute().parent.name) for part in content["parts"]),
                made_from=tuple(
                    VideoRecord(
                        path=str(file["path"]),
                        fingerprint=fingerprint_of_json(file["glance"]),
                        sha256=str(file["sha256"]),
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


def _part_json(part: VideoFile) -> dict[str, Any]:
    """Return plain data of one video; the path is also given in a form for programs where it is not plain text."""
    return {
        "number": part.number,
        "name": part.name,
        **path_to_json(part.address or str(part.path)),
        "begin_seconds": part.begin_seconds,
        **reading_to_json(part.reading),
    }


def path_to_json(path: Path | str) -> dict[str, str]:
    """Return plain data of a path, for `path_from_json`; also in a form for programs where it is not plain text."""
    shown = shown_name(path)
    return {"path": shown, **({} if shown == str(path) else {"path_quoted": quote(os.fsencode(path))})}


def path_from_json(content: Mapping[str, Any]) -> Path:
    """Return the path of plain data that may hold more.

    Raises:
        KeyError, TypeError: it has none, or in another form.
    """
    if "path_quoted" in content:
        return Path(os.fsdecode(unquote_to_bytes(content["path_quoted"])))
    return Path(str(content["path"]))


def reading_to_json(reading: ReadOptions) -> dict[str, Any]:
    """Return the choices that differ from the defaults, for `reading_from_json`."""
    rate = None if reading.rate is None else str(reading.rate)
    tone = None if reading.tone == DEFAULT_READING.tone else reading.tone
    chosen = {"stream": reading.stream, "rate": rate, "tone": tone}
    return {name: value for name, value in chosen.items() if value is not None}


def reading_from_json(content: Mapping[str, Any]) -> ReadOptions:
    """Return the choices of plain data that may hold more.

    Raises:
        ConfigError, TypeError, ValueError: one of them is wrong.
    """
    rate = content.get("rate")
    return ReadOptions.of(
        content.get("stream"),
        None if rate is None else Fraction(rate),
        content.get("tone", DEFAULT_READING.tone),
    )


def _part(content: Mapping[str, Any], recording: str) -> VideoFile:
    text = str(content["path"])
    return VideoFile(
        number=int(content["number"]),
        name=str(content["name"]),
        match=recording,
        path=path_from_json(content),
        address=text if text == "-" or "://" in text else "",
        begin_seconds=_finite(content["begin_seconds"]),
        reading=reading_from_json(content),
    )


def _finite(value: Any) -> float:
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError(f"a time is {seconds}")
    return seconds
