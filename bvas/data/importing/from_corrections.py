"""What a reader corrected on the page of `bvas report`: `corrections.json`, described in docs/report.md."""

import logging
from pathlib import Path
from typing import Any

from bvas.data.importing.draft import Import, MatchDraft
from bvas.data.json_object import Fields, read_filed_json
from bvas.data.raw_annotations import Fault, FiledAnnotation
from bvas.values.plural import count_text
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

FORMAT = "bvas-corrections-1"


def is_corrections(content: Any) -> bool:
    """Return whether a JSON value says that it is one of these, of whatever version."""
    return isinstance(content, dict) and str(content.get("format", "")).startswith("bvas-corrections-")


def read_corrections(source: Path, videos: Path) -> Import:
    """Read corrections.

    Videos that had no annotations and were not looked at are left out: that nothing was kept of them does not say
    that nothing happens in them.

    Args:
        source: The file.
        videos: Folder that the paths of the videos begin in; or where they lie by their names, or in a folder named
            as the match.
    """
    faults: list[Fault] = []
    content = Fields(read_filed_json(source, faults), source, "", (), faults)
    if faults:
        return Import(labels=(), matches=(), faults=tuple(faults))
    if content.get("format") != FORMAT:
        content.fault(f"its format is {content.get('format')!r}; this version reads {FORMAT}")
        return Import(labels=(), matches=(), faults=tuple(faults))
    labels = content.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) and label for label in labels):
        content.fault("needs 'labels', a list of names")
        labels = []
    matches: dict[str, MatchDraft] = {}
    for number, value in enumerate(content.items("videos")):
        fields = Fields(value, source, f"video {number}", (), faults)
        if fields.is_object:
            _read_video(fields, videos, labels, matches)
    if not matches and not faults:
        content.fault(
            "nothing in it was looked at: keep, delete or add something on the page, and save again"
        )
    return Import(labels=tuple(labels), matches=tuple(matches.values()), faults=tuple(faults))


def _read_video(fields: Fields, videos: Path, labels: list[str], matches: dict[str, MatchDraft]) -> None:
    name, file = fields.text("match"), fields.text("file")
    if not name or not file:
        return
    if fields.get("reviewed") is False:
        logger.warning("%s of %s is left out: nothing in it was looked at", file, name)
        return
    video = _find_video(videos, fields.optional_text("path"), name, file)
    if video is None:
        fields.fault(f"no video {file} of {name} in {videos}; say where with --videos")
        return
    num_frames = build_index(video)[0].num_frames
    if fields.whole("num_frames") != num_frames:
        fields.fault(
            f"{video} has {count_text(num_frames, 'frame')}, and the corrections are about one with "
            f"{fields.get('num_frames')}; "
            "name the folder of the right one with --videos"
        )
        return
    match = matches.setdefault(name, MatchDraft(name=name, annotations=[]))
    match.videos.append(video)
    assert match.annotations is not None
    for number, value in enumerate(fields.items("annotations")):
        annotation = _annotation(value, number, len(match.videos), num_frames, labels)
        if isinstance(annotation, str):
            fields.fault(f"annotation {number} {annotation}")
        else:
            match.annotations.append(annotation)


def _annotation(
    value: object, number: int, part: int, num_frames: int, labels: list[str]
) -> FiledAnnotation | str:
    """Return an annotation, or what is wrong with it."""
    if not isinstance(value, dict):
        return f"is {value!r}; it needs frame and label"
    frame, label, team = value.get("frame"), value.get("label"), value.get("team")
    if isinstance(frame, bool) or not isinstance(frame, int) or not 0 <= frame < num_frames:
        return f"has frame {frame!r}; the video has frames 0 to {num_frames - 1}"
    if label not in labels:
        return f"has label {label!r}, which is not among {', '.join(labels)}"
    return FiledAnnotation(
        number=number,
        part=part,
        label=label,
        seconds=None,
        frame=frame,
        team=str(team) if team else None,
        visible=value.get("visible", True) is not False,
    )


def _find_video(folder: Path, path: str | None, match: str, file: str) -> Path | None:
    places = [folder / match / file, folder / file]
    if path is not None:
        places.insert(0, folder / path)
    return next((place for place in places if place.is_file()), None)
