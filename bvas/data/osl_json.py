"""OSL JSON, the annotation format of OpenSportsLib: samples with inputs and timed events, labels by head.

`{"version": "2.0", "task": "action_spotting", "labels": {"action": {"type": "single_label", "labels": ["pass"]}},
"data": [{"id": "a", "inputs": [{"type": "video", "path": "clips/a.mp4", "fps": 25.0}], "events": [{"head": "action",
"label": "pass", "position_ms": 1100, "confidence": 0.9}]}]}`; times count from the start of the sample's video. See
https://github.com/OpenSportsLab/opensportslib, docs/data/osl-json-format.md.
"""

import logging
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bvas.data.json_object import Items, Place, short_text
from bvas.data.raw_annotations import Fault, RawAnnotation
from bvas.data.soccernet_entries import check_unit
from bvas.data.soccernet_files import VIDEO_SUFFIXES, rendition_of
from bvas.data.soccernet_objects import NOT_SHOWN, clock_seconds
from bvas.errors import ConfigError, DataError
from bvas.values.annotations import LabelSet

logger = logging.getLogger(__name__)

DEFAULT_HEAD = "action"
"""Of events, in OpenSportsLib's own files."""
_Heads = Mapping[str, tuple[str, ...]]
"""The labels of each head."""


@dataclass(frozen=True, slots=True)
class _FileObject:
    data: Items = ()
    labels: Any = None
    task: Any = None


@dataclass(frozen=True, slots=True)
class _SampleObject:
    id: Any = None
    inputs: Any = None
    events: Items | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OslEvent(RawAnnotation):
    """One event of a sample, a video of one part; its time counts from the start of the video."""

    seconds: float
    confidence: float | None
    """None in annotations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OslSample:
    """One entry of `data`: a video and what happens in it."""

    place: str
    """Its place in the file, for messages."""
    id: str
    """Empty where the file has none."""
    path: str
    """Of the video, as the file has it, with forward slashes; empty without a video."""
    events: tuple[OslEvent, ...] | None
    """Of the chosen head, in the order of the file; None where the sample has no list of events."""

    @property
    def name(self) -> str:
        """Name of its match: the folder of a half like `1_720p.mkv`, else the video's path or id."""
        if not self.path:
            return self.id or self.place.replace(" ", "_")
        path = PurePosixPath(self.path)
        parts = [part for part in path.parts if part not in ("/", "..", ".") and ":" not in part]
        folders = parts[:-1]
        return "/".join(folders) if folders and rendition_of(path) else "/".join([*folders, path.stem])

    @property
    def half(self) -> int:
        """Half that its video is, by the file's name; 1 for any other video."""
        found = rendition_of(PurePosixPath(self.path))
        return found[0] if found else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OslFile:
    """Samples and labels of one head of an OSL JSON file."""

    head: str
    labels: tuple[str, ...]
    """Declared for the head, else those that occur."""
    samples: tuple[OslSample, ...]


def is_osl(content: Any) -> bool:
    """Return whether a JSON value has the form of such a file."""
    return isinstance(content, dict) and "data" in content and ("version" in content or "labels" in content)


def parse_osl(content: Any, path: Path, faults: list[Fault], *, head: str | None = None) -> OslFile:
    """Return samples and labels of one head; where there are several, a log line names it.

    Args:
        content: Its JSON value.
        path: The file.
        faults: Receives the faults; such samples and events are left out.
        head: None: `action` if it has events, else the head with the most.

    Raises:
        ConfigError: the file has no such head.
    """
    place = Place(path, "", faults)
    file = place.read(content, _FileObject, needs=("data",), others=True) or _FileObject()
    samples = []
    for number, value in enumerate(file.data):
        inner = place.inner(f"sample {number}")
        sample = inner.read(value, _SampleObject, others=True)
        if sample is not None:
            samples.append((inner, sample))
    events = [event for _, sample in samples for event in sample.events or () if isinstance(event, dict)]
    declared = declared_labels(file.labels, place)
    head = _chosen_head(events, declared, head, path)
    parsed = tuple(_sample(sample, inner, head) for inner, sample in samples)
    occurring = sorted({event.label for sample in parsed for event in sample.events or ()})
    if parsed and all(sample.events is None for sample in parsed) and not faults:
        task = f" (its task is {file.task})" if file.task else ""
        place.fault(f"no sample has 'events'{task}; bvas reads events with a time, or a label of each sample")
    clocks = [(clock_seconds(event.get("gameTime")), _number(event.get("position_ms"))) for event in events]
    pairs = [(clock, ms / 1000) for clock, ms in clocks if clock is not None and ms is not None]
    try:
        check_unit(pairs, str(path))
    except DataError as error:
        place.fault(str(error).removeprefix(f"{path}: "))
    return OslFile(head=head, labels=declared.get(head) or tuple(occurring), samples=parsed)


def with_other_spellings(labels: LabelSet) -> LabelSet:
    """Return labels that are also known in capitals, in small letters and with underscores.

    >>> sorted(with_other_spellings(LabelSet(("HIGH PASS",))).merged)
    ['HIGH_PASS', 'high pass', 'high_pass']
    """
    merged = dict(labels.merged)
    for name in labels.names:
        for spelled in (name, name.replace(" ", "_"), name.replace("_", " ")):
            for other in (spelled, spelled.upper(), spelled.lower()):
                if other not in labels.names and other not in labels.ignored:
                    merged.setdefault(other, name)
    return LabelSet(labels.names, merged, labels.ignored)


def declared_labels(value: Any, place: Place) -> _Heads:
    """Return the labels of each head; a mere list belongs to the default one."""
    if value is None:
        return {}
    heads = {DEFAULT_HEAD: value} if isinstance(value, list) else value
    if not isinstance(heads, dict):
        place.fault(f"'labels' must be an object of heads, or a list of names, got {short_text(value)}")
        return {}
    found = {}
    for head, definition in heads.items():
        listed = definition.get("labels", definition) if isinstance(definition, dict) else definition
        found[head] = _names(listed, place, head)
    return found


def _names(value: Any, place: Place, head: str) -> tuple[str, ...]:
    """Return the names of a list, or of an object of names and numbers either way around."""
    if isinstance(value, dict):
        if all(key.isdecimal() for key in value):
            value = [value[key] for key in sorted(value, key=lambda key: (len(key), key))]
        elif all(isinstance(number, int | float) for number in value.values()):
            value = sorted(value, key=lambda name: value[name])
        else:
            value = list(value)
    if not isinstance(value, list) or not all(isinstance(name, str) and name.strip() for name in value):
        place.fault(f"the labels of head {head!r} must be a list of names, got {short_text(value)}")
        return ()
    return tuple(dict.fromkeys(value))


def _chosen_head(
    events: Sequence[Mapping[str, Any]], declared: _Heads, wanted: str | None, path: Path
) -> str:
    counts = Counter(event["head"] for event in events if isinstance(event.get("head"), str))
    there = dict.fromkeys([*counts, *declared])
    if wanted is not None:
        if there and wanted not in there:
            raise ConfigError(f"{path} has no head {wanted!r}; known are {', '.join(there)}")
        return wanted
    if not counts:
        return DEFAULT_HEAD if DEFAULT_HEAD in there or not there else next(iter(there))
    chosen = DEFAULT_HEAD if DEFAULT_HEAD in counts else counts.most_common(1)[0][0]
    others = [f"{head} ({count})" for head, count in counts.items() if head != chosen]
    if others:
        logger.warning(
            "%s: events of head %s are read (%d); other heads are ignored: %s",
            *(path, chosen, counts[chosen], ", ".join(others)),
        )
    return chosen


def _sample(sample: _SampleObject, place: Place, head: str) -> OslSample:
    parsed: list[OslEvent] = []
    for number, value in enumerate(sample.events or ()):
        inner = place.inner(f"event {number}")
        if not isinstance(value, dict):
            inner.fault(f"must be an object, got {short_text(value)}")
        elif value.get("head") in (None, head):
            parsed += _events(value, inner, number)
    return OslSample(
        place=place.place,
        id=str(sample.id) if isinstance(sample.id, str | int) else "",
        path=video_path(sample.inputs, place),
        events=None if sample.events is None else tuple(parsed),
    )


def video_path(inputs: Any, place: Place) -> str:
    """Return the path of a sample's first video; a line in the log names further ones."""
    listed = [] if inputs is None else [inputs] if isinstance(inputs, dict | str) else inputs
    if not isinstance(listed, list):
        place.fault(f"'inputs' must be a list of objects with type and path, got {short_text(inputs)}")
        return ""
    videos: list[str] = []
    others: list[str] = []
    for value in listed:
        entry = {"path": value} if isinstance(value, str) else value
        path = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(path, str) or not path:
            place.fault(f"an input is {short_text(value)}; it needs 'path', a text")
            continue
        path = path.replace("\\", "/")
        kind = entry.get("type")
        is_video = kind == "video" or (kind is None and PurePosixPath(path).suffix.lower() in VIDEO_SUFFIXES)
        (videos if is_video else others).append(path)
    if len(videos) > 1:
        logger.warning(
            "%s: %s: the first of %d videos is read, %s; others are %s",
            *(place.path, place.place, len(videos), videos[0], ", ".join(videos[1:])),
        )
    return (videos or others or [""])[0]


def _events(event: Mapping[str, Any], place: Place, number: int) -> list[OslEvent]:
    """Return an event, one for each of its labels."""
    label, several = event.get("label"), event.get("labels")
    given = several if isinstance(several, list) and label is None else [label]
    labels = [name for name in given if isinstance(name, str) and name.strip()]
    if not labels or len(labels) < len(given):
        place.fault(f"needs 'label', a name, got {short_text(several if label is None else label)}")
        return []
    seconds, confidence, team = _seconds(event, place), _confidence(event, place), event.get("team")
    if seconds is None:
        return []
    team = team if isinstance(team, str) and team else None
    is_visible = event.get("visibility") != NOT_SHOWN
    return [
        OslEvent(number, 1, name, team=team, visible=is_visible, seconds=seconds, confidence=confidence)
        for name in labels
    ]


def _seconds(event: Mapping[str, Any], place: Place) -> float | None:
    for key in ("position_ms", "position"):
        if event.get(key) is not None:
            milliseconds = _number(event[key])
            if milliseconds is None or milliseconds < 0:
                place.fault(f"{key!r} must be milliseconds from 0 up, got {short_text(event[key])}")
                return None
            return round(milliseconds) / 1000
    seconds = clock_seconds(event.get("gameTime"))
    if seconds is None:
        place.fault(
            "needs 'position_ms', milliseconds from the start of the video, or 'gameTime' like '1 - 00:03'"
        )
    return seconds


def _confidence(event: Mapping[str, Any], place: Place) -> float | None:
    value = event.get("confidence")
    value = event.get("confidence_score") if value is None else value
    number = _number(value)
    if number is None and value is not None:
        place.fault(f"'confidence' must be a finite number, got {short_text(value)}")
    return number


def _number(value: Any) -> float | None:
    """Return a finite number, which may stand in quotes."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?[\d.]+(?:[eE][+-]?\d+)?\s*", value, re.ASCII):
        try:
            value = float(value)
        except ValueError:
            return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None
