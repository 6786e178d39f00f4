"""Import of E2E-Spot's files (https://github.com/jhong93/spot): `{train,val,test}.json` and `class.txt`.

A file is a list of videos `{"video": id, "num_frames", "events": [{"frame", "label", "comment"}], "fps"}`. Frames
count pictures that were extracted at `fps`, which may be every n-th of the video.
"""

import logging
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from bvas.data.importing.draft import Import, MatchDraft, labels_in
from bvas.data.json_object import Count, Items, Moment, Name, Place, read_json_file
from bvas.data.raw_annotations import Fault, RawAnnotation
from bvas.data.soccernet_files import VIDEO_SUFFIXES, best_renditions
from bvas.errors import DataError, DecodeError
from bvas.system.text_files import read_text, text_lines
from bvas.values.plural import count_text
from bvas.video.index.frame_folder import is_frame_folder
from bvas.video.index.frame_table import VideoIndex
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

_SPLITS = ("train", "val", "test", "challenge")
# What their SoccerNet converter writes into `comment`.
_COMMENT = re.compile(r"(home|away|left|right|not applicable); (visible|not shown)")


@dataclass(frozen=True, slots=True)
class _VideoObject:
    video: Name = ""
    fps: Moment = 0.0
    num_frames: Count | None = None
    events: Items = ()


@dataclass(frozen=True, slots=True)
class _EventObject:
    frame: Count | None = None
    label: Name = ""
    comment: Any = None


def read_e2e_spot(source: Path, videos: Path) -> Import:
    """Read one file of videos, or a folder of splits.

    In a folder each split is a fold, in the order train, val, test; the videos of test are marked as the test split,
    those of challenge have no annotations. Ids like `league/match/1` and `league/match/2` are halves of one match.

    Args:
        source: The JSON file, or the folder.
        videos: Folder in which `ID.mp4` (or another container) lies for the id of each video.

    Raises:
        DataError: the folder holds no split.
    """
    faults: list[Fault] = []
    matches: dict[str, MatchDraft] = {}
    if source.is_dir():
        files = [source / f"{split}.json" for split in _SPLITS if (source / f"{split}.json").is_file()]
        if not files:
            raise DataError(f"{source} holds none of train.json, val.json, test.json, challenge.json")
        for fold, path in enumerate(files):
            _read_file(path, videos, matches, faults, split=path.stem, fold=fold)
    else:
        _read_file(source, videos, matches, faults, split="", fold=None)
    classes = (source if source.is_dir() else source.parent) / "class.txt"
    order = text_lines(read_text(classes)) if classes.is_file() else []
    drafts = list(matches.values())
    labels = labels_in(drafts, [label.strip() for label in order])
    return Import(labels=labels, matches=tuple(drafts), faults=tuple(faults))


def _read_file(
    path: Path,
    folder: Path,
    matches: dict[str, MatchDraft],
    faults: list[Fault],
    *,
    split: str,
    fold: int | None,
) -> None:
    content = read_json_file(path, faults)
    if not isinstance(content, list):
        message = "is neither a list of videos, as E2E-Spot's files, nor OSL JSON, nor corrections"
        if isinstance(content, dict) and "annotations" in content:
            message = "holds SoccerNet's labels of one match; import the folder of the match, with its videos"
        if content is not None:
            faults.append(Fault(path, "", message))
        return
    challenge = split == "challenge"
    for number, value in enumerate(content):
        place = Place(path, f"video {number}", faults)
        entry = place.read(value, _VideoObject, needs=("video", "fps", "events"), others=True)
        if entry is None:
            continue
        name, fps = entry.video, entry.fps
        video = _find_video(folder, name) if name else None
        if name and video is None:
            suffixes = ", ".join(VIDEO_SUFFIXES)
            place.fault(f"no video {folder / name} with one of {suffixes}; say where with --videos")
        if value.get("fps") == 0:
            place.fault("'fps' is 0; it must be the rate at which its frames were counted")
        if video is None or not fps:
            continue
        halves = re.fullmatch(r"(.+)/[12]", name)
        match_name = halves[1] if halves else name
        draft = MatchDraft(name=match_name, fold=None if challenge else fold)
        match = matches.setdefault(match_name, draft)
        if video in match.videos:
            place.fault(f"video {name!r} stands twice")
            continue
        match.videos.append(video)
        match.is_test = split == "test"
        if not challenge:
            items = _annotations(entry, place, video, len(match.videos))
            match.annotations = [*(match.annotations or ()), *items]


def _annotations(entry: _VideoObject, place: Place, video: Path, part: int) -> list[RawAnnotation]:
    try:
        index, _ = build_index(video)
    except DecodeError as error:
        place.faults.append(Fault(video, "", str(error).removeprefix(f"{video} ")))
        return []
    fps, counted = entry.fps, entry.num_frames
    stride = _stride(index, fps)
    if stride is not None and counted is not None and abs(counted * stride - index.num_frames) > stride:
        logger.warning(
            "%s: counted as %s at %g; it has %d", video, count_text(counted, "frame"), fps, index.num_frames
        )
    items = []
    for number, value in enumerate(entry.events):
        inner = place.inner(f"event {number}")
        event = inner.read(value, _EventObject, needs=("frame", "label"), others=True, whole=True)
        if event is None or event.frame is None:
            continue
        known = _COMMENT.fullmatch(event.comment) if isinstance(event.comment, str) else None
        team, is_visible = (known[1], known[2] == "visible") if known else (None, True)
        seconds, frame = (event.frame / fps, None) if stride is None else (None, event.frame * stride)
        items.append(RawAnnotation(number, part, event.label, seconds, frame, team, is_visible))
    return items


def _stride(index: VideoIndex, fps: float) -> int | None:
    """Return how many frames of the video lie between two that were counted; None if that is not a whole number."""
    ratio = index.rate / Fraction(fps)
    stride = round(ratio)
    return stride if stride and abs(float(ratio / stride) - 1.0) < 1e-3 and not index.variable_rate else None


def _find_video(folder: Path, name: str) -> Path | None:
    for path in (folder / name, *(folder / f"{name}{suffix}" for suffix in VIDEO_SUFFIXES)):
        if path.is_file() or is_frame_folder(path):
            return path
    # Ids of their SoccerNet converter end in the half, whose file is called 1_720p.mkv.
    half = re.fullmatch(r"(.+)/([12])", name)
    if half and (folder / half[1]).is_dir():
        try:
            return best_renditions(folder / half[1], "720p").get(int(half[2]))
        except DataError:
            return None
    return None
