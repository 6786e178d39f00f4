"""Import of Label Studio's JSON export: annotations of `TimelineLabels` on videos (https://labelstud.io/guide/export).

`[{"data": {"video": address, "fps": 25.0}, "annotations": [{"result": [{"type": "timelinelabels", "value": {"ranges":
[{"start": 1, "end": 1}], "timelinelabels": ["PASS"]}}]}]}]`. Frames count from 1, and a range holds its last frame.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bvas.data.importing.clip_drafts import CLIP_SUFFIXES
from bvas.data.importing.draft import Import, MatchDraft, labels_in
from bvas.data.importing.frame_ranges import add_range, add_video, set_moments
from bvas.data.json_object import Items, Names, Place, read_json_file, short_text
from bvas.data.named_files import named_file
from bvas.data.raw_annotations import Fault
from bvas.errors import DecodeError
from bvas.values.plural import count_text
from bvas.video.container.frame_rate import same_rate
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

# What Label Studio puts before the name of a file that is uploaded.
_UPLOAD = re.compile(r"[0-9a-f]{8}-")


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists of a task, of its annotations and of the values of these."""

    annotations: Items = ()
    predictions: Items = ()
    result: Items = ()
    ranges: Items = ()
    timelinelabels: Names = ()


def is_label_studio(content: Any) -> bool:
    """Return whether a JSON value has the form of such a file."""
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(task, dict) and isinstance(task.get("data"), dict) for task in content)
    )


def read_label_studio(source: Path, videos: Path) -> Import:
    """Read an export, or tasks with predictions.

    Tasks of one `match` are its parts, in the order of `part`; without that, each is a match, named after its video. A
    task without annotations is a challenge match. Where no task has annotations, predictions are read, which a log line
    says. Labels whose ranges all have one frame are moments.

    Args:
        source: The file.
        videos: Folder that paths begin in; a video is also found there by its name alone.
    """
    faults: list[Fault] = []
    content = read_json_file(source, faults)
    if not faults and not is_label_studio(content):
        faults.append(Fault(source, "", "is not a JSON export of Label Studio: a list of tasks with 'data'"))
    if faults:
        return Import(labels=(), matches=(), faults=tuple(faults))
    key = "annotations" if any(task.get("annotations") for task in content) else "predictions"
    if key == "predictions":
        logger.warning("%s: no task has annotations, so its predictions are read as labels", source)
    if any(_rate_in(task["data"]) is None for task in content):
        logger.warning(
            "%s: tasks without 'fps'; their frames are those of the video only if frameRate of the labeling config was "
            "its rate (Label Studio assumes 24)",
            source,
        )
    matches: dict[str, MatchDraft] = {}
    places = [Place(source, f"task {task.get('id', number)}", faults) for number, task in enumerate(content)]
    # The newest task stands first.
    for place, task in sorted(zip(places, content, strict=True), key=lambda one: _part(one[1]["data"])):
        _add(task, key, place, videos, matches)
    set_moments(matches.values())
    drafts = tuple(matches.values())
    return Import(labels=labels_in(drafts, ()), matches=drafts, faults=tuple(faults))


def _part(data: Mapping[str, Any]) -> int:
    part = data.get("part")
    return part if isinstance(part, int) else 0


def _add(
    task: Mapping[str, Any], key: str, place: Place, videos: Path, matches: dict[str, MatchDraft]
) -> None:
    data = task["data"]
    video = _video(data, place, videos)
    if video is None:
        return
    name = data.get("match")
    match = add_video(matches, name if isinstance(name, str) and name else None, video, place)
    if match is None:
        return
    _check_rate(_rate_in(data), video, place)
    held = getattr(place.read(task, _Lists, others=True), key)
    lists = [one for one in held if not (isinstance(one, dict) and one.get("was_cancelled"))]
    if len(lists) > 1:
        place.fault(f"has {len(lists)} {key}; keep one of them, as bvas does not choose between annotators")
    elif lists:
        match.annotations = match.annotations or []
        found = place.read(lists[0], _Lists, needs=("result",), others=True)
        _add_results(() if found is None else found.result, place, match)


def _add_results(results: Items, place: Place, match: MatchDraft) -> None:
    num_others = 0
    for number, result in enumerate(results):
        value = result.get("value") if isinstance(result, dict) else None
        if not isinstance(value, dict) or "timelinelabels" not in value:
            num_others += 1
            continue
        inner = place.inner(f"result {number}")
        held = (
            inner.read(value, _Lists, needs=("ranges", "timelinelabels"), others=True, whole=True) or _Lists()
        )
        for span in held.ranges:
            start, end = (span.get(name) if isinstance(span, dict) else None for name in ("start", "end"))
            for label in held.timelinelabels:
                add_range(match, number, label, start, end, inner)
    if num_others:
        others = count_text(num_others, "result")
        logger.warning("%s: %s: %s not of TimelineLabels left out", place.path, place.place, others)


def _video(data: Mapping[str, Any], place: Place, videos: Path) -> Path | None:
    paths = [_path_in(text) for text in data.values() if isinstance(text, str)]
    found = [path for path in paths if PurePosixPath(path).suffix.lower() in CLIP_SUFFIXES]
    if len(found) != 1:
        place.fault(f"'data' must name one video, got {', '.join(map(short_text, found)) or 'none'}")
        return None
    name = PurePosixPath(found[0]).name
    # A document root may be the root of the file system.
    for text in (found[0], f"/{found[0]}", name, _UPLOAD.sub("", name, count=1)):
        video = named_file(videos, text)
        if video is not None:
            return video
    place.fault(f"no video {name} in {videos}; say where with --videos")
    return None


def _path_in(address: str) -> str:
    """Return the path of a video's address, without what may hold secrets."""
    parts = urlsplit(address)
    if parts.path.endswith("/data/local-files/"):
        return parse_qs(parts.query).get("d", [""])[-1]
    return unquote(parts.path)


def _rate_in(data: Mapping[str, Any]) -> Fraction | None:
    """Return the rate at which a task counts frames; None where it says none."""
    try:
        return Fraction(str(data.get("fps"))) or None
    except (ValueError, ZeroDivisionError):
        return None


def _check_rate(counted: Fraction | None, video: Path, place: Place) -> None:
    """Note a fault where frames were counted at another rate than the video has."""
    if counted is None:
        return
    try:
        rate = build_index(video)[0].rate
    except DecodeError as error:
        place.fault(str(error))
        return
    if not same_rate(counted, rate):
        place.fault(
            f"counts frames at {float(counted):g} per second, and {video.name} has {float(rate):g}; set 'fps' of the "
            "task to that, and label it again"
        )
