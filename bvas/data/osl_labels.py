"""Labels of whole samples in OSL JSON: `{"id", "inputs", "labels": {"action": {"label": "shot"}}}`.

A sample with one event that has no time counts as one with a label too.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bvas.data.json_object import Place, short_text
from bvas.data.osl_json import DEFAULT_HEAD, declared_labels, video_path
from bvas.data.raw_annotations import Fault
from bvas.errors import ConfigError

logger = logging.getLogger(__name__)

_TIMES = ("position_ms", "position", "gameTime")
_GROUPS = ("match_id", "game_id", "match", "game")


@dataclass(frozen=True, slots=True, kw_only=True)
class OslClip:
    """One entry of `data`: a video with one label."""

    place: str
    """Its place in the file, for messages."""
    path: str
    """Of the video, as the file has it, with forward slashes; empty without a video."""
    label: str | None
    """None where the sample has no label of the head."""
    group: str | None
    """Match or game that its `metadata` names."""

    @property
    def name(self) -> str:
        """The path of the video without its suffix, below any folder."""
        parts = PurePosixPath(self.path).with_suffix("").parts if self.path else ()
        return "/".join(part for part in parts if part not in ("/", "..", ".") and ":" not in part)


def has_sample_labels(content: Mapping[str, Any]) -> bool:
    """Return whether samples have labels, and no event has a time; a `task` about classes decides where both stand."""
    data = content.get("data")
    samples = [value for value in data if isinstance(value, dict)] if isinstance(data, list) else []
    is_labelled = any(_labels_of(sample) for sample in samples)
    events = [event for sample in samples for event in _events(sample)]
    is_timed = any(event.get(key) is not None for event in events for key in _TIMES)
    untimed = bool(events) and not is_timed and all(len(_events(sample)) <= 1 for sample in samples)
    if is_labelled and is_timed:
        return "classif" in str(content.get("task", "")).casefold()
    return is_labelled or untimed


def parse_osl_labels(
    content: Mapping[str, Any], path: Path, faults: list[Fault], *, head: str | None = None
) -> tuple[tuple[str, ...], list[OslClip]]:
    """Return the labels of one head, and the samples; a log line names heads that are not read.

    Args:
        content: The JSON value of the file.
        path: The file.
        faults: Receives the faults; such samples are left out.
        head: None: `action` if samples have it, else the head of most.

    Raises:
        ConfigError: the file has no such head.
    """
    file = Place(path, "", faults)
    declared = declared_labels(content.get("labels"), file)
    samples = [
        (file.inner(f"sample {number}"), value)
        for number, value in enumerate(content["data"])
        if isinstance(value, dict)
    ]
    for number, value in enumerate(content["data"]):
        if not isinstance(value, dict):
            file.inner(f"sample {number}").fault(f"must be an object, got {short_text(value)}")
    head = _chosen_head([value for _, value in samples], declared, head, path)
    clips = [
        OslClip(
            place=place.place,
            path=video_path(value.get("inputs"), place),
            label=_label(value, head, place, declared.get(head, ())),
            group=_group(value.get("metadata")),
        )
        for place, value in samples
    ]
    used = sorted({clip.label for clip in clips if clip.label is not None})
    return declared.get(head) or tuple(used), clips


def _events(sample: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    events = sample.get("events")
    return [event for event in events if isinstance(event, dict)] if isinstance(events, list) else []


def _labels_of(sample: Mapping[str, Any]) -> Mapping[str, Any]:
    labels = sample.get("labels")
    return labels if isinstance(labels, dict) else {}


def _chosen_head(
    samples: Sequence[Mapping[str, Any]],
    declared: Mapping[str, tuple[str, ...]],
    wanted: str | None,
    path: Path,
) -> str:
    counts = Counter(head for sample in samples for head in _labels_of(sample))
    counts.update(str(event.get("head") or DEFAULT_HEAD) for sample in samples for event in _events(sample))
    there = dict.fromkeys([*counts, *declared])
    if wanted is not None:
        if wanted not in there:
            raise ConfigError(f"{path} has no head {wanted!r}; known are {', '.join(there)}")
        return wanted
    chosen = DEFAULT_HEAD if DEFAULT_HEAD in counts else counts.most_common(1)[0][0]
    others = [f"{head} ({count})" for head, count in counts.items() if head != chosen]
    if others:
        logger.warning(
            "%s: labels of head %s are read (%d); other heads are ignored: %s",
            *(path, chosen, counts[chosen], ", ".join(others)),
        )
    return chosen


def _label(sample: Mapping[str, Any], head: str, place: Place, declared: Sequence[str]) -> str | None:
    """Return the one label of a sample; None where it has none of the head, or a wrong one."""
    value = _labels_of(sample).get(head)
    if value is None:
        value = next((event for event in _events(sample) if event.get("head") in (None, head)), None)
    if value is None:
        return None
    given = value.get("label", value.get("labels")) if isinstance(value, dict) else value
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    if not isinstance(given, str) or not given.strip():
        place.fault(f"the label of head {head!r} is {short_text(given)}; a clip has one label, a name")
        return None
    if declared and given not in declared:
        place.fault(f"label {given!r} is not declared for head {head!r}: {', '.join(declared)}")
        return None
    return given


def _group(metadata: Any) -> str | None:
    """Return the match or game of a sample."""
    if not isinstance(metadata, dict):
        return None
    found = (metadata.get(key) for key in _GROUPS)
    return next((str(name) for name in found if isinstance(name, str | int) and str(name).strip()), None)
