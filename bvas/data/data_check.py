"""Faults of a data root, found in one pass over its files."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bvas.data.action import action_task
from bvas.data.ball12 import ball12_task
from bvas.data.dataset_json import DATASET_NAME, read_dataset
from bvas.data.labelled_ranges import ends_of, overlap_faults
from bvas.data.matches import Half, Match, frame_faults, look_for_matches, match_halves, raw_annotations_of
from bvas.data.raw_annotations import AnnotationList, Fault, Form, RawAnnotation
from bvas.data.soccernet_files import label_files_in, match_folders
from bvas.data.spotting_task import SpottingTask, dataset_task
from bvas.data.video_end import after_end
from bvas.errors import DataError, DecodeError
from bvas.system.scratch import Scratch
from bvas.values.annotations import LabelSet
from bvas.values.plural import count_text
from bvas.values.progress import Progress
from bvas.video.decode.damage_scan import find_damage, frames_text, ranges_of
from bvas.video.index.frame_folder import is_frame_folder
from bvas.video.index.frame_grid import Grid, make_grid
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.remote_file import FetchedInTurn, RemoteFile
from bvas.video.index.video_index import build_index


@dataclass(slots=True, kw_only=True)
class DataCheck:
    """Matches, videos and faults of a data root, as a task reads it."""

    task: SpottingTask
    source: Path
    """The `dataset.json`, or the folder of matches in SoccerNet's layout."""
    matches: Sequence[Match] = ()
    videos: list[tuple[Match, VideoInfo]] = field(default_factory=list)
    """Those that could be indexed."""
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Annotations by label and side (`fold 0`, `train`, `challenge`); ignored labels under the names in the files."""
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is worth knowing and no fault."""
    guessed: bool = False
    """The labels were not given by an experiment: labels that do not occur are not noted, and both forms are read."""
    form: Form = "moment"
    """Form of the annotations that the experiment reads."""


def tasks_in(root: Path) -> list[SpottingTask]:
    """Return the tasks as which a data root can be read where no experiment is given.

    Raises:
        DataError: the folder does not exist.
    """
    if not root.is_dir():
        raise DataError(f"no folder {root}")
    tasks = []
    folders = sorted(path for path in root.glob("*spotting*") if path.is_dir()) or [root]
    for folder in [root] if (root / DATASET_NAME).is_file() else folders:
        below = folder.relative_to(root).as_posix()
        if (folder / DATASET_NAME).is_file():
            # Wrong labels in the file are faults when it is read for its matches.
            labels = read_dataset(folder / DATASET_NAME)[0].labels or ("?",)
            tasks.append(dataset_task(labels, name="dataset", folder=below))
            continue
        kinds = label_files_in(folder)
        known = [task for task in (ball12_task(), action_task()) if task.label_file in kinds]
        tasks += [
            SpottingTask(name=task.name, labels=task.labels, folder=below, label_file=task.label_file)
            for task in known or [ball12_task()]
        ]
    return tasks


def check_data(
    task: SpottingTask,
    root: Path,
    *,
    rate: float = 25.0,
    decode: bool = False,
    guessed: bool = False,
    form: Form = "moment",
    progress: Progress | None = None,
    scratch: Scratch | None = None,
) -> DataCheck:
    """Read everything that training and scoring of a task would read, and note all that is wrong.

    Args:
        task: Labels, matches, folds.
        root: The data root.
        rate: Grid frames per second; two annotations of a label on one grid frame are doubled.
        decode: Decode every frame, to find those that are lost.
        guessed: The task is one of `tasks_in`.
        form: Form of the annotations that the task's experiment reads.
        progress: Called with the videos done and all there are.
        scratch: Where remote videos are copied to while they are checked; None: one of its own.
    """
    base = root / task.folder
    listed = base / DATASET_NAME
    check = DataCheck(task=task, source=listed if listed.is_file() else base, guessed=guessed, form=form)
    try:
        check.matches, check.faults = look_for_matches(task, root)
    except DataError as error:
        check.faults.append(Fault(base, "", str(error)))
        return check
    if not listed.is_file() and not task.folds:
        message = f"holds {task.label_file} and no video like 1_720p.mkv or 720p.mp4; add the video"
        check.faults += [Fault(base, name, message) for name in match_folders(base, task.label_file)[1]]
    halves_of = [_halves(check, match) for match in check.matches]
    remote = sum(isinstance(half.video, RemoteFile) for halves in halves_of for half in halves)
    if remote:
        check.notes.append(
            f"{count_text(remote, 'remote video')}: not compared with others, and to be copied before training"
        )
    videos = [half.video for halves in halves_of for half in halves]
    num_done = 0
    with scratch or Scratch() as folder:
        copies = FetchedInTurn(videos, folder)
        for match, halves in zip(check.matches, halves_of, strict=True):
            raw = _annotations(check, match, halves)
            for half in halves:
                _check_half(check, match, half, raw, copies, rate=rate, decode=decode)
                num_done += 1
                if progress is not None:
                    progress(num_done, len(videos))
    _add_notes(check)
    return check


def _halves(check: DataCheck, match: Match) -> list[Half]:
    """Return the existing videos of a match."""
    if match.listed is None:
        try:
            return match_halves(match, check.task.resolution)
        except DataError as error:
            check.faults.append(Fault(match.folder, "", str(error)))
            return []
    halves = [Half(number, path) for number, path in enumerate(match.listed.videos, start=1)]
    there = [
        half
        for half in halves
        if isinstance(half.video, RemoteFile) or half.path.is_file() or is_frame_folder(half.path)
    ]
    place, missing = match.listed.place, [half.path for half in halves if half not in there]
    check.faults += [Fault(check.source, place, f"no video {path}") for path in missing]
    return there


def _annotations(check: DataCheck, match: Match, halves: Sequence[Half]) -> AnnotationList | None:
    is_labelled = match.fold is not None
    if match.listed is not None:
        is_labelled = match.listed.annotations is not None
    if not is_labelled:
        return None
    raw, faults = raw_annotations_of(match, check.task)
    check.faults += faults
    declared = match.listed.declared if match.listed is not None else None
    if not check.guessed:
        raw = raw.of_form(check.form, check.task.labels)
    known = [item for item in raw.items if declared is None or item.label in declared]
    check.faults += AnnotationList(raw.path, raw.place, tuple(known)).label_faults(check.task.labels)
    if match.listed is None:
        check.faults += raw.half_faults(half.number for half in halves)
    if not check.guessed:
        check.faults += raw.form_faults(check.form)
    check.counts.update((_name(item.label, check.task.labels), match.side) for item in raw.items)
    return raw


def _check_half(
    check: DataCheck,
    match: Match,
    half: Half,
    raw: AnnotationList | None,
    copies: FetchedInTurn,
    *,
    rate: float,
    decode: bool,
) -> None:
    video = half.video
    try:
        with copies.open(half.video) as file:
            index, info = build_index(file)
            check.videos.append((match, replace(info, path=Path(str(video)))))
            damage = find_damage(index, info) if decode else None
    except (DecodeError, DataError) as error:
        check.faults.append(Fault(video, "", str(error).removeprefix(f"{video} ")))
        return
    if damage is not None and damage.lost:
        lost = f"{frames_text(damage.lost)} ({damage.num_lost} in all)"
        check.faults.append(Fault(video, "", f"lost frames: {lost}; get a whole copy"))
    if damage is not None and damage.damaged:
        frames, places = count_text(len(damage.damaged), "frame"), ranges_of(damage.damaged)
        check.notes.append(f"{video}: {frames} after a decoding error: {frames_text(places)}")
    if raw is not None:
        items = [item for item in raw.items if item.part == half.number]
        _check_moments(check, raw, items, index, make_grid(index, rate))


def _check_moments(
    check: DataCheck, raw: AnnotationList, items: Sequence[RawAnnotation], index: VideoIndex, grid: Grid
) -> None:
    latest = max((item.seconds for item in items if item.seconds is not None), default=0.0)
    seen: dict[tuple[str, int, int], RawAnnotation] = {}
    ranges = []
    for item in items:
        faults = frame_faults(raw, item, index)
        if item.seconds is not None:
            is_open = item.end_seconds in (None, math.inf)
            last = item.seconds if is_open else item.end_seconds
            late = after_end(last or 0.0, index, float(grid.rate), latest=latest)
            if late is not None:
                faults.append(raw.fault(item, late))
        check.faults += faults
        if faults:
            continue
        begin, end = ends_of(item, index)
        key = _name(item.label, check.task.labels), grid.nearest(begin), grid.nearest(end)
        if key in seen:
            message = f"{item.label!r} at {item.moment} repeats annotation {seen[key].number}; delete one"
            check.faults.append(raw.fault(item, message))
        elif item.number is not None:
            ranges.append(item)
        seen.setdefault(key, item)
    check.faults += overlap_faults(raw, ranges, index, check.task.labels.merged)


def _name(label: str, labels: LabelSet) -> str:
    return labels.names[labels.label_id(label)] if label in labels else label


def _add_notes(check: DataCheck) -> None:
    notes = check.notes
    rates = sorted({info.rate for _, info in check.videos})
    if len(rates) > 1:
        text = ", ".join(f"{float(rate):.6g}" for rate in rates)
        notes.append(f"videos of different rates ({text}) are put on one grid")
    variable = [info.path.name for _, info in check.videos if info.variable_rate]
    if variable:
        notes.append(f"{count_text(len(variable), 'video')} of varying rate, the first is {variable[0]}")
    labelled = {match.fold for match in check.matches if match.fold is not None}
    is_clips = bool(check.matches) and all(match.listed and match.listed.is_sample for match in check.matches)
    if not labelled:
        notes.append("no match has annotations: nothing to train on")
    elif len(labelled) == 1:
        what = "clips" if is_clips else "labelled matches"
        notes.append(f"all {what} are in one fold: nothing is left to train on when it is held out")
    totals = Counter[str]()
    for (label, _), count in check.counts.items():
        totals[label] += count
    unused = [label for label in check.task.labels if not totals[label]]
    if labelled and unused and not check.guessed:
        count_0 = "" if is_clips else ": such labels count 0 in the official score"
        notes.append(f"no {'clip' if is_clips else 'annotation'} of {', '.join(unused)}{count_0}")
    one_sided = _one_sided_labels(check.counts) if is_clips else []
    if one_sided:
        shown = ", ".join(f"{label} ({side})" for label, side in one_sided)
        notes.append(f"labels of which all clips are in one fold or split: {shown}")
    ignored = [f"{label} ({totals[label]})" for label in check.task.labels.ignored if totals[label]]
    if ignored:
        notes.append(f"annotations of ignored labels: {', '.join(ignored)}")


def _one_sided_labels(counts: Counter[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each label that only one of several folds or splits has, with that one."""
    sides: dict[str, set[str]] = {}
    for (label, side), count in counts.items():
        if count:
            sides.setdefault(label, set()).add(side)
    if len(set().union(*sides.values())) < 2:
        return []
    return sorted((label, min(there)) for label, there in sides.items() if len(there) == 1)
