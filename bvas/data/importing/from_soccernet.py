"""Import of SoccerNet's layouts: two videos a match (2023, Action Spotting) or one (2024, 2025)."""

from dataclasses import replace
from pathlib import Path

from bvas.data.action import ACTION_LABELS
from bvas.data.ball import ball_task
from bvas.data.ball12 import BALL12_LABELS
from bvas.data.importing.draft import Import, MatchDraft, labels_in
from bvas.data.raw_annotations import Fault
from bvas.data.soccernet_files import (
    LABEL_FILES,
    best_renditions,
    label_files_in,
    match_folders,
    read_label_file,
)
from bvas.errors import DataError


def read_soccernet(source: Path, *, resolution: str = "720p", label_file: str | None = None) -> Import:
    """Read the matches found below a folder.

    Matches of the reference system's seven folds keep their folds, if all that are labelled are among them.

    Args:
        source: Folder with the matches, at any depth; or a data root with one folder like `spotting-ball-2023`.
        resolution: Preferred rendition of the videos; the tallest other one where it is absent.
        label_file: `Labels-ball.json` or `Labels-v2.json`; None takes the one found.

    Raises:
        DataError: no match was found, or several data sets, or label files of both kinds and none was chosen.
    """
    source = _dataset_folder(source)
    kinds = label_files_in(source)
    if label_file is None:
        if len(kinds) > 1:
            raise DataError(
                f"{source} holds {' and '.join(kinds)}; import a folder below it, or choose one with --label-file"
            )
        label_file = kinds[0] if kinds else LABEL_FILES[0]
    names, labels_only = match_folders(source, label_file)
    message = f"holds {label_file} and no video like 1_720p.mkv or 720p.mp4; add the video"
    faults = [Fault(source / name, "", message) for name in labels_only]
    if not names and not faults:
        raise DataError(f"no match in {source}: no folder there holds a video like 1_720p.mkv or 720p.mp4")
    matches = [_match(source, name, resolution, label_file, faults) for name in names]
    _add_folds(matches)
    order = (*BALL12_LABELS, *ACTION_LABELS)
    return Import(labels=labels_in(matches, order), matches=tuple(matches), faults=tuple(faults))


def _dataset_folder(source: Path) -> Path:
    folders = sorted(path for path in source.glob("*spotting*") if path.is_dir())
    if len(folders) > 1:
        raise DataError(
            f"{source} holds {len(folders)} data sets ({', '.join(path.name for path in folders)}); import one"
        )
    return folders[0] if folders else source


def _match(source: Path, name: str, resolution: str, label_file: str, faults: list[Fault]) -> MatchDraft:
    folder = source / name
    videos = best_renditions(folder, resolution)
    match = MatchDraft(name=folder.name if name == "." else name, videos=list(videos.values()))
    if (folder / label_file).is_file():
        raw, wrong = read_label_file(folder / label_file)
        faults += wrong + raw.half_faults(videos)
        part_of = {half: part for part, half in enumerate(videos, start=1)}
        match.annotations = [
            replace(item, part=part_of[item.part]) for item in raw.items if item.part in part_of
        ]
    return match


def _add_folds(matches: list[MatchDraft]) -> None:
    task = ball_task()
    folds = {name: fold for fold, names in enumerate(task.folds) for name in names}
    labelled = [match for match in matches if match.annotations is not None]
    if {match.name for match in labelled} == folds.keys():
        for match in labelled:
            match.fold = folds[match.name]
            match.is_test = match.name in task.test
