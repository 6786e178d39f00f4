"""SoccerNet's files to our values and back; the only place with milliseconds, halves and game clocks.

`Labels-ball.json` and `Labels-v2.json` hold `{"annotations": [{"gameTime": "1 - 00:03", "label": "PASS",
"position": "3120", "team": "left", "visibility": "visible"}]}`, `position` in milliseconds from the start of
the half's own video file. `results_spotting.json` holds `{"UrlLocal": match, "predictions": [...]}`.
"""

import logging
import math
import os
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas.errors import DataError
from bvas.files import read_json, write_json
from bvas.spots import Annotation, LabelSet, Spot
from bvas.tasks.task import SpottingTask

logger = logging.getLogger(__name__)

RESULTS_NAME = "results_spotting.json"
_VIDEO_SUFFIXES = (".mkv", ".mp4", ".mov", ".avi", ".ts", ".webm", ".m4v", ".mpg")


@dataclass(frozen=True, slots=True)
class Match:
    """One game of a data root."""

    name: str
    """Path below the task's folder, with forward slashes; what submissions call `UrlLocal`."""
    folder: Path
    fold: int | None
    """Fold it belongs to; None for a challenge match."""


@dataclass(frozen=True, slots=True)
class Half:
    """One video file of a match."""

    number: int
    """1 or 2; 1 where one file holds the whole match."""
    path: Path


def find_matches(task: SpottingTask, root: Path) -> list[Match]:
    """Return the labelled and the challenge matches of a data root, folds in order.

    Raises:
        DataError: the folder or a match of the task is not there, or no match is.
    """
    base = root / task.folder
    if not base.is_dir():
        if task.made_by:
            raise DataError(
                f"no folder {base} for task {task.name}; point --data at the folder that holds {task.folder}, "
                f"or make it: {task.made_by.replace('{root}', shlex.quote(str(root)))}"
            )
        raise DataError(
            f"no folder {base} for task {task.name}; point --data at the folder that holds "
            f"{task.folder or 'the matches'}, or get one: 'bvas data download' for SoccerNet, "
            f"'bvas data synth --out {root}' for synthetic matches"
        )
    if task.folds:
        labelled = [(name, fold) for fold, names in enumerate(task.folds) for name in names]
        challenge = list(task.challenge)
        missing = [name for name, _ in labelled if not (base / name).is_dir()]
        if missing:
            raise DataError(
                f"{len(missing)} of {len(labelled)} labelled matches of task {task.name} are not in {base}, "
                f"the first is '{missing[0]}'; complete the download, or use an experiment over found matches"
            )
    else:
        found = _match_folders(base)
        with_labels = [name for name in found if (base / name / task.label_file).is_file()]
        num_folds = task.num_folds or len(with_labels)
        labelled = [(name, i % num_folds) for i, name in enumerate(with_labels)]
        challenge = list(task.challenge) or [name for name in found if name not in set(with_labels)]
        if not found:
            raise DataError(f"no match in {base}: no folder there holds a video like 1_720p.mkv or 720p.mp4")
    return [Match(name, base / name, fold) for name, fold in sorted(labelled, key=lambda pair: pair[1])] + [
        Match(name, base / name, None) for name in challenge
    ]


def _match_folders(base: Path) -> list[str]:
    # Matches are often linked in from other disks, and `rglob` does not follow links.
    folders = [Path(folder) for folder, _, names in os.walk(base, followlinks=True) if names]
    return sorted(folder.relative_to(base).as_posix() for folder in folders if _rendition_files(folder))


def _rendition_files(folder: Path) -> list[tuple[int, str, Path]]:
    """(half, resolution, file) of the videos named `1_720p.mkv`, `2_224p.mkv` or `720p.mp4`."""
    found = []
    for path in sorted(folder.iterdir()):
        name = re.fullmatch(r"(?:([12])_)?(\d+p|HQ)", path.stem)
        if name and path.suffix.lower() in _VIDEO_SUFFIXES:
            found.append((int(name[1] or 1), name[2], path))
    return found


def folds_of(matches: Sequence[Match]) -> list[int]:
    """Return the folds that labelled matches belong to, in order."""
    return sorted({match.fold for match in matches if match.fold is not None})


def match_halves(match: Match, resolution: str) -> list[Half]:
    """Return the video files of a match in order.

    Args:
        match: The match.
        resolution: Preferred rendition, e.g. `720p`; the tallest other one where it is absent.

    Raises:
        DataError: the folder holds no video under one of SoccerNet's names.
    """
    files = _rendition_files(match.folder) if match.folder.is_dir() else []
    if not files:
        raise DataError(f"no video like 1_{resolution}.mkv or {resolution}.mp4 in {match.folder}")

    def preference(file: tuple[int, str, Path]) -> tuple[bool, int]:
        digits = file[1].removesuffix("p")
        return file[1] == resolution, int(digits) if digits.isdigit() else 0

    best: dict[int, tuple[int, str, Path]] = {}
    for file in files:
        if file[0] not in best or preference(file) > preference(best[file[0]]):
            best[file[0]] = file
    return [Half(number, best[number][2]) for number in sorted(best)]


def annotated_halves(match: Match, task: SpottingTask) -> list[tuple[Half, list[Annotation]]]:
    """Return a match's videos in order, each with its annotations in time order.

    Raises:
        DataError: a file is missing or wrong, or a half has annotations and no video.
    """
    path = match.folder / task.label_file
    annotations = read_label_file(path, task.labels, visible_only=task.visible_only)
    halves = match_halves(match, task.resolution)
    for number in sorted(annotations.keys() - {half.number for half in halves}):
        if annotations[number]:
            raise DataError(
                f"{path} has {len(annotations[number])} annotations in half {number}, and there is no video of "
                f"that half; add it, or put them into half 1 if one file holds the whole match"
            )
    return [(half, annotations.get(half.number, [])) for half in halves]


def read_label_file(
    path: Path, labels: LabelSet, *, visible_only: bool = False
) -> dict[int, list[Annotation]]:
    """Return the annotations of one label file by half, in time order.

    Labels of other tasks are left out and counted in the log.

    Raises:
        DataError: the file is missing, no JSON, or not of SoccerNet's form; the message names the entry.
    """
    content = read_json(path)
    entries = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise DataError(f"{path} has no list 'annotations'; it is not a SoccerNet label file")
    by_half: dict[int, list[Annotation]] = {1: [], 2: []}
    unknown: Counter[str] = Counter()
    for number, entry in enumerate(entries):
        half, annotation = _parse_annotation(path, number, entry)
        if annotation.label not in labels:
            unknown[annotation.label] += 1
        elif annotation.visible or not visible_only:
            name = labels.names[labels.label_id(annotation.label)]
            by_half[half].append(
                Annotation(name, annotation.seconds, team=annotation.team, visible=annotation.visible)
            )
    if unknown:
        logger.info("%s: left out labels of other tasks: %s", path, dict(unknown))
    return {half: sorted(items, key=lambda item: item.seconds) for half, items in by_half.items()}


def _parse_annotation(path: Path, number: int, entry: Any) -> tuple[int, Annotation]:
    try:
        half = _half_of(entry["gameTime"])
        milliseconds = int(entry["position"])
        label = str(entry["label"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: annotation {number} is {entry!r}; it needs 'gameTime' like '1 - 00:03', "
            f"'position' in milliseconds and 'label'"
        ) from error
    if half not in (1, 2) or milliseconds < 0:
        raise DataError(
            f"{path}: annotation {number} has half {half} and position {milliseconds} ms; "
            f"halves are 1 or 2, positions are not negative"
        )
    team = entry.get("team")
    return half, Annotation(
        label=label,
        seconds=milliseconds / 1000,
        team=str(team) if team else None,
        visible=entry.get("visibility", "visible") == "visible",
    )


def _half_of(game_time: str) -> int:
    return int(str(game_time).split("-")[0])


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


def write_results(
    path: Path,
    match_name: str,
    spots: Mapping[int, Sequence[Spot]],
    *,
    rate: float,
    gaps: Sequence[Mapping[str, float | int | str]] = (),
) -> None:
    """Write `results_spotting.json`.

    Args:
        path: The file.
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
    write_json(path, content)


def read_results(path: Path) -> dict[int, list[Spot]]:
    """Return the spots of a `results_spotting.json` by half; numbers may be strings.

    Raises:
        DataError: the file is missing, no JSON, or an entry lacks a key.
    """
    content = read_json(path)
    entries = content.get("predictions") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise DataError(f"{path} has no list 'predictions'; it is no results file")
    spots: dict[int, list[Spot]] = {}
    for number, entry in enumerate(entries):
        try:
            half = int(entry.get("half") or _half_of(entry["gameTime"]))
            spot = Spot(str(entry["label"]), int(entry["position"]) / 1000, float(entry["confidence"]))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{path}: prediction {number} is {entry!r}; it needs label, position, confidence"
            ) from error
        spots.setdefault(half, []).append(spot)
    return spots
