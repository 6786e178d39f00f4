"""SoccerNet's files: names of videos, label files read, results files written and read.

`Labels-ball.json` and `Labels-v2.json` hold `{"annotations": [{"gameTime": "1 - 00:03", "label": "PASS",
"position": "3120", "team": "left", "visibility": "visible"}]}`, `position` in milliseconds from the start of
the half's own video file. `results_spotting.json` holds `{"UrlLocal": match, "predictions": [...]}`.
"""

import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from bvas.data.json_object import Place, read_json_file
from bvas.data.raw_annotations import AnnotationList, Fault, RawAnnotation
from bvas.data.soccernet_objects import read_label
from bvas.errors import DataError
from bvas.values.annotations import Spot

LABEL_FILES = ("Labels-ball.json", "Labels-v2.json")
"""Of Ball Action Spotting and of Action Spotting."""
VIDEO_SUFFIXES = (".mkv", ".mp4", ".mov", ".avi", ".ts", ".webm", ".m4v", ".mpg")


def label_files_in(folder: Path) -> list[str]:
    """Return which of the two label files occur anywhere below a folder."""
    there = {name for _, _, names in os.walk(folder, followlinks=True) for name in names}
    return [name for name in LABEL_FILES if name in there]


def match_folders(base: Path, label_file: str) -> tuple[list[str], list[str]]:
    """Return (folders below `base` that hold a video, those that hold labels and no video), in order of name."""
    # Matches are often linked in from other disks, and `rglob` does not follow links.
    folders = [(Path(folder), names) for folder, _, names in os.walk(base, followlinks=True) if names]
    names_of = {folder.relative_to(base).as_posix(): names for folder, names in folders}
    with_videos = sorted(name for name in names_of if rendition_files(base / name))
    labels_only = sorted(names_of.keys() - set(with_videos))
    return with_videos, [name for name in labels_only if label_file in names_of[name]]


def rendition_files(folder: Path) -> list[tuple[int, str, Path]]:
    """Return (half, resolution, file) of the videos named `1_720p.mkv`, `2_224p.mkv` or `720p.mp4`."""
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in VIDEO_SUFFIXES]
    return [(*name, path) for path in paths if (name := rendition_of(path)) is not None]


def rendition_of(path: PurePath) -> tuple[int, str] | None:
    """Return (half, resolution) of a file named as SoccerNet's videos are; None for any other name.

    >>> rendition_of(PurePath("league/match/2_720p.mkv"))
    (2, '720p')
    """
    name = re.fullmatch(r"(?:([12])_)?(\d+p|HQ)", path.stem)
    return (int(name[1] or 1), name[2]) if name else None


def best_renditions(folder: Path, resolution: str) -> dict[int, Path]:
    """Return the existing video file of each half, in order.

    Args:
        folder: The match.
        resolution: Preferred rendition, e.g. `720p`; the tallest other one where it is absent.

    Raises:
        DataError: the folder holds no video under one of SoccerNet's names.
    """
    files = rendition_files(folder) if folder.is_dir() else []
    if not files:
        raise DataError(f"no video like 1_{resolution}.mkv or {resolution}.mp4 in {folder}")

    def preference(file: tuple[int, str, Path]) -> tuple[bool, int]:
        digits = file[1].removesuffix("p")
        return file[1] == resolution, int(digits) if digits.isdigit() else 0

    best: dict[int, Path] = {}
    for number, _, path in sorted(files, key=preference, reverse=True):
        best.setdefault(number, path)
    return dict(sorted(best.items()))


def read_label_file(path: Path) -> tuple[AnnotationList, list[Fault]]:
    """Return the raw annotations of one label file, and all faults of the file."""
    faults: list[Fault] = []
    content = read_json_file(path, faults)
    if faults:
        return AnnotationList(path, "", ()), faults
    entries = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        fault = Fault(path, "", "has no list 'annotations'; it is not a SoccerNet label file")
        return AnnotationList(path, "", ()), [fault]
    items = []
    for number, value in enumerate(entries):
        place = Place(path, f"annotation {number}", faults)
        entry = read_label(value, place)
        if entry is None:
            continue
        half, position = entry.gameTime.half, entry.position
        if position is None:
            place.fault("needs 'position', milliseconds, a whole number, got nothing")
        elif half not in (1, 2) or position < 0:
            found = f"half {half} and position {position * 1000:.0f} ms"
            place.fault(f"has {found}; halves are 1 or 2, positions are not negative")
        else:
            items.append(
                RawAnnotation(number, half, entry.label, position, None, entry.team, entry.visibility)
            )
    return AnnotationList(path, "", tuple(items)), faults


def position_ms(seconds: float, rate: float) -> int:
    """Return the milliseconds to write for a moment, such that `int(rate * position / 1000)` is its frame.

    The official reader truncates; a rounded-down millisecond would put a frame of 29.97 fps one too early.
    """
    frame = round(seconds * rate)
    position = math.ceil(frame * 1000 / rate - 1e-6)
    return position if int(rate * (position / 1000)) >= frame else position + 1


def game_time(half: int, seconds: float) -> str:
    """Return SoccerNet's clock, e.g. `1 - 03:05`."""
    return f"{half} - {int(seconds // 60):02d}:{int(seconds % 60):02d}"


def results_json(
    match_name: str,
    spots: Mapping[int, Sequence[Spot]],
    *,
    rate: float,
    gaps: Sequence[Mapping[str, float | int | str]] = (),
) -> dict[str, Any]:
    """Return what `results_spotting.json` holds.

    Args:
        match_name: What the file calls `UrlLocal`.
        spots: Candidates by half (or part) number, times in seconds of that half's video.
        rate: Frames per second of the grid the spots lie on.
        gaps: Stretches that could not be decoded, if any; a key the official reader ignores.
    """
    predictions = [
        {
            "gameTime": game_time(half, spot.seconds),
            "label": spot.label,
            "position": str(position_ms(spot.seconds, rate)),
            "half": str(half),
            "confidence": f"{spot.confidence:.6f}",
        }
        for half in sorted(spots)
        for spot in sorted(spots[half], key=lambda spot: (spot.seconds, spot.label))
    ]
    content: dict[str, Any] = {"UrlLocal": match_name, "predictions": predictions}
    if gaps:
        content["gaps"] = [dict(gap) for gap in gaps]
    return content
