"""Matches of a data root: from its `dataset.json`, or found in SoccerNet's layout."""

import logging
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bvas.data.dataset_json import DATASET_NAME, read_annotations, read_dataset
from bvas.data.dataset_match import DatasetMatch, group_faults
from bvas.data.division import fold_numbers, splits_of
from bvas.data.raw_annotations import AnnotationList, Fault, Form, RawAnnotation, raise_faults
from bvas.data.soccernet_files import best_renditions, match_folders, read_label_file
from bvas.data.splits import SplitName
from bvas.data.spotting_task import SpottingTask
from bvas.errors import DataError
from bvas.values.annotations import Annotation
from bvas.values.plural import count_text
from bvas.video.index.file_identity import Fingerprint, fingerprint_of, place_of
from bvas.video.index.frame_folder import is_frame_folder
from bvas.video.index.frame_table import VideoIndex
from bvas.video.index.remote_file import RemoteFile
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Match:
    """One game of a data root."""

    name: str
    """Its name in the dataset, or its path below the task's folder, with forward slashes; names its predictions."""
    folder: Path
    """Its folder in SoccerNet's layout; the files of a dataset may lie elsewhere."""
    fold: int | None
    """Fold it belongs to; None for a challenge match. Of splits, fold 0 holds `valid` and `test`; `train` is in 1."""
    listed: DatasetMatch | None = None
    """Its entry in a `dataset.json`; None in SoccerNet's layout."""
    is_test: bool = False
    """Whether it belongs to the official test split."""
    split: SplitName | None = None
    """Its split; None where the data has folds, and for a challenge match."""

    @property
    def group(self) -> str:
        """What no split may cut."""
        return self.name if self.listed is None else self.listed.group

    @property
    def side(self) -> str:
        """Its split or fold by name: `train`, `fold 2`, `challenge`."""
        return self.split or ("challenge" if self.fold is None else f"fold {self.fold}")


@dataclass(frozen=True, slots=True)
class Half:
    """One video file of a match."""

    number: int
    """Which part of the match, from 1; 1 where one file holds the whole match."""
    video: Path | RemoteFile

    @property
    def path(self) -> Path:
        """The file.

        Raises:
            DataError: it is remote.
        """
        if isinstance(self.video, RemoteFile):
            raise DataError(
                f"{self.video} is remote, and this reads videos at random or more than once: copy it to a local file "
                "first, and name that; `bvas predict` and `bvas data check` fetch remote videos themselves"
            )
        return self.video

    @property
    def stem(self) -> str:
        """Its name without the suffix."""
        return self.video.stem

    @property
    def place(self) -> str:
        """The path or address by which results name it."""
        return self.video.name if isinstance(self.video, RemoteFile) else place_of(self.video)

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint of the file; a server is asked for that of a remote one.

        Raises:
            DataError: it does not exist, or cannot be reached.
        """
        video = self.video
        return video.fingerprint() if isinstance(video, RemoteFile) else fingerprint_of(video)


def find_matches(task: SpottingTask, root: Path) -> list[Match]:
    """Return the labelled and the challenge matches of a data root, folds in order.

    Raises:
        DataError: the folder, a match of the task or all matches are missing, a fold has no match, or
            `dataset.json` is wrong; the message names the first fault.
    """
    matches, faults = look_for_matches(task, root)
    raise_faults(faults)
    return matches


def look_for_matches(task: SpottingTask, root: Path) -> tuple[list[Match], list[Fault]]:
    """Return the matches as `find_matches` does, and their faults instead of an error.

    Raises:
        DataError: the folder of the task does not exist.
    """
    base = root / task.folder
    if (base / DATASET_NAME).is_file():
        return _listed_matches(task, base)
    if not base.is_dir():
        way = f"get one: 'bvas data download' for SoccerNet, 'bvas data synth --out {root}' for synthetic matches"
        if task.made_by:
            way = f"make it: {task.made_by.replace('{root}', shlex.quote(str(root)))}"
        if (root / DATASET_NAME).is_file():
            way += f"; for the matches of {root / DATASET_NAME}, take a config with dataset_task() (docs/data.md)"
        raise DataError(
            f"no folder {base} for task {task.name}; point --data at the folder that holds "
            f"{task.folder or 'the matches'}, or {way}"
        )
    return _found_matches(task, base)


def _listed_matches(task: SpottingTask, base: Path) -> tuple[list[Match], list[Fault]]:
    path = base / DATASET_NAME
    dataset, faults = read_dataset(path)
    labelled = [match for match in dataset.matches if not match.is_challenge]
    splits = {} if task.folds else splits_of(dataset, labelled, path, faults)
    own = {match.name: match.fold for match in labelled if match.fold is not None}
    own = {name: int(split == "train") for name, split in splits.items()} or own
    if (own or dataset.num_folds) and task.num_folds:
        message = f"names folds, and task {task.name} wants {task.num_folds} by number; drop one"
        faults.append(Fault(path, "", message))
    groups = {match.name: match.group for match in labelled}
    folds, more = fold_numbers(task, groups, own, path, dataset.num_folds)
    faults += more
    challenge = task.challenge or [match.name for match in dataset.matches if match.is_challenge]
    there = {match.name for match in dataset.matches}
    missing = [name for name in (*folds, *challenge) if name not in there]
    faults += [Fault(path, "", f"has no match {name!r}, which task {task.name} names") for name in missing]
    matches = [
        Match(
            match.name,
            base / match.name,
            fold,
            match,
            match.is_test or match.name in task.test or splits.get(match.name) == "test",
            splits.get(match.name),
        )
        for match in dataset.matches
        for fold in [folds.get(match.name)]
        if fold is not None or match.name in challenge
    ]
    faults += group_faults(path, [(m.listed, m.side) for m in matches if m.listed and m.fold is not None])
    # Challenge matches last, and the sort is stable.
    return sorted(matches, key=lambda match: (match.fold is None, match.fold or 0)), faults


def _found_matches(task: SpottingTask, base: Path) -> tuple[list[Match], list[Fault]]:
    faults: list[Fault] = []
    found: list[str] = []
    if task.folds:
        folds, _ = fold_numbers(task, {}, {}, base)
        missing = [name for name in folds if not (base / name).is_dir()]
        message = (
            f"task {task.name} names this match, and it is missing; complete the download, or take a config over "
            "found matches"
        )
        faults += [Fault(base, name, message) for name in missing]
        folds = {name: fold for name, fold in folds.items() if name not in missing}
    else:
        found, labels_only = match_folders(base, task.label_file)
        if labels_only:
            logger.warning(
                "%s of %s left out, with %s and no video; the first is '%s'",
                *(count_text(len(labels_only), "folder"), base, task.label_file, labels_only[0]),
            )
        names = [name for name in found if (base / name / task.label_file).is_file()]
        folds, faults = fold_numbers(task, {name: name for name in names}, {}, base)
        if not found:
            message = "no match in it: no folder holds a video like 1_720p.mkv or 720p.mp4"
            faults.append(Fault(base, "", message))
    challenge = task.challenge or tuple(name for name in found if name not in folds)
    return [
        Match(name, base / name, fold, is_test=name in task.test)
        for name, fold in [*folds.items(), *dict.fromkeys(challenge).items()]
    ], faults


def folds_of(matches: Sequence[Match]) -> list[int]:
    """Return the folds that models hold out, in order; of splits, 0 alone."""
    return sorted({match.fold for match in matches if match.fold is not None and match.split != "train"})


def scored_matches(matches: Sequence[Match]) -> list[Match]:
    """Return the matches that figures are of: the test split where there is one, else all that a model holds out."""
    held_out = [match for match in matches if match.fold is not None and match.split != "train"]
    return [match for match in held_out if match.split == "test"] or held_out


def match_halves(match: Match, resolution: str) -> list[Half]:
    """Return the video files of a match in order.

    Args:
        match: The match.
        resolution: Preferred rendition, e.g. `720p`, where SoccerNet's names tell several apart; the tallest
            other one where it is absent.

    Raises:
        DataError: a listed file is missing, or the folder holds no video under one of SoccerNet's names.
    """
    if match.listed is None:
        return [Half(number, path) for number, path in best_renditions(match.folder, resolution).items()]
    for path in match.listed.videos:
        if isinstance(path, Path) and not path.is_file() and not is_frame_folder(path):
            raise DataError(f"no video {path}, which {match.listed.place} of {DATASET_NAME} names")
    return [Half(number, path) for number, path in enumerate(match.listed.videos, start=1)]


def annotated_halves(match: Match, task: SpottingTask) -> list[tuple[Half, list[Annotation]]]:
    """Return a match's videos in order, each with its annotations in time order.

    Annotations of labels that the task ignores are left out, and of merged labels have the label that they count as.
    Ranges of labels that the task does not have are left out: they belong to another experiment.

    Raises:
        DataError: a file is missing or wrong, a label is unknown, an annotation of one of the task's labels is a
            range, an annotation lies in a half without video or names a frame that its video does not have.
        DecodeError: a video whose annotations are given as frames cannot be indexed.
    """
    raw, halves = checked_annotations(match, task, "moment")
    return [(half, _placed(raw, half, task)) for half in halves]


def checked_annotations(match: Match, task: SpottingTask, form: Form) -> tuple[AnnotationList, list[Half]]:
    """Return a match's raw annotations of one form, and its videos; labels are known, and no video is missing.

    Raises:
        DataError: a file is missing or wrong, a label is unknown, an annotation of one of the task's labels has the
            other form, or an annotation lies in a half without video.
    """
    raw, faults = raw_annotations_of(match, task)
    raise_faults(faults)
    raw = raw.of_form(form, task.labels)
    raise_faults(raw.form_faults(form))
    raw.require_labels(task.labels)
    halves = match_halves(match, task.resolution)
    raise_faults(raw.half_faults(half.number for half in halves))
    return raw, halves


def raw_annotations_of(match: Match, task: SpottingTask) -> tuple[AnnotationList, list[Fault]]:
    """Return the raw annotations of a labelled match, and the faults of its file."""
    if match.listed is None:
        return read_label_file(match.folder / task.label_file)
    return read_annotations(match.listed)


def _placed(raw: AnnotationList, half: Half, task: SpottingTask) -> list[Annotation]:
    """Return the annotations of one half that a task knows, frames turned into times, in time order."""
    labels, placed = task.labels, []
    index: VideoIndex | None = None
    for item in raw.items:
        if item.part != half.number or item.label not in labels or (task.visible_only and not item.visible):
            continue
        seconds = item.seconds
        if item.frame is not None:
            index = index or build_index(half.path)[0]
            raise_faults(frame_faults(raw, item, index))
            seconds = index.seconds_of(item.frame)
        assert seconds is not None
        name = labels.names[labels.label_id(item.label)]
        placed.append(Annotation(name, seconds, team=item.team, visible=item.visible))
    return sorted(placed, key=lambda annotation: annotation.seconds)


def frame_faults(raw: AnnotationList, item: RawAnnotation, index: VideoIndex) -> list[Fault]:
    """Return a fault where an annotation names a frame that its video does not have."""
    last = item.frame if item.end_frame is None else item.end_frame - 1
    if last is None or last < index.num_frames:
        return []
    frames = count_text(index.num_frames, "frame")
    return [raw.fault(item, f"frame {last} is outside {index.path} ({frames}, from 0)")]
