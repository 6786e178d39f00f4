"""Import of folders of classes: `train|valid|test/CLASS/*.mp4`, or `CLASS/*.mp4` without splits."""

import logging
from collections.abc import Sequence
from pathlib import Path

from bvas.data.importing.clip_drafts import (
    CLIP_SUFFIXES,
    SPLIT_NAMES,
    clip_draft,
    drawn_splits,
    is_video_name,
    with_valid,
)
from bvas.data.importing.draft import Import, MatchDraft, labels_in
from bvas.data.raw_annotations import Fault
from bvas.data.soccernet_files import rendition_of
from bvas.data.splits import SplitName
from bvas.errors import DataError
from bvas.system.file_names import shown_name, shown_text
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)


def is_class_folders(source: Path) -> bool:
    """Return whether folders below a folder, or below its splits, hold videos that are not SoccerNet's halves."""
    splits = _split_folders(source)
    return any(
        is_video_name(path) and rendition_of(path) is None
        for folder in (splits or [source])
        for below in _folders(folder)
        for path in below.iterdir()
    )


def read_class_folders(source: Path, *, shares: Sequence[float] | None = None, seed: int = 0) -> Import:
    """Read a folder of classes; the names of the folders are the labels.

    A split is a folder called train, valid, val, validation or test. Where train is there and valid is not, valid is
    drawn out of train. Without splits they are drawn by `shares`.

    Args:
        source: The folder.
        shares: Of train, valid and test; None: 70, 20, 10, and 90, 10 of train where only valid is drawn.
        seed: Of the draw.

    Raises:
        DataError: it is not a folder, or holds no folder.
    """
    folders = _folders(source) if source.is_dir() else []
    if not folders:
        raise DataError(
            f"{source} holds no folder; videos lie in CLASS/*.mp4, or train/CLASS/*.mp4, valid/CLASS/*.mp4"
        )
    faults: list[Fault] = []
    splits = _split_folders(source)
    if not splits:
        drafts = _classes(source, source, None, faults)
        return Import(
            labels=labels_in(drafts, ()),
            matches=tuple(drafts),
            faults=tuple(faults),
            drawn=drawn_splits(shares, seed),
        )
    others = [folder.name for folder in folders if folder not in splits]
    if others:
        logger.warning(
            "%s: %s beside the splits left out: %s",
            *(source, count_text(len(others), "folder"), ", ".join(others)),
        )
    drafts = []
    seen: dict[SplitName, Path] = {}
    for folder in splits:
        split = SPLIT_NAMES[folder.name.casefold()]
        if split in seen:
            message = f"and {seen[split].name} are both the split {split!r}; join them"
            faults.append(Fault(folder, "", message))
        seen.setdefault(split, folder)
        drafts += _classes(folder, source, split, faults)
    if "train" not in seen:
        faults.append(Fault(source, "", f"has {', '.join(seen)} and no folder 'train'; training needs one"))
    drafts = with_valid(drafts, shares, seed, source)
    return Import(labels=labels_in(drafts, ()), matches=tuple(drafts), faults=tuple(faults))


def _classes(folder: Path, source: Path, split: SplitName | None, faults: list[Fault]) -> list[MatchDraft]:
    loose = sum(is_video_name(path) for path in folder.iterdir() if path.is_file())
    if loose:
        videos = count_text(loose, "video")
        faults.append(
            Fault(folder, "", f"holds {videos} in no class; move them into a folder of their class")
        )
    classes = _folders(folder)
    if not classes:
        faults.append(Fault(folder, "", "holds no folder of a class; fill or remove it"))
    drafts: list[MatchDraft] = []
    for place in classes:
        if shown_text(place.name) != place.name:
            message = f"has a folder {shown_name(place.name)}, whose name is not UTF-8; rename it"
            faults.append(Fault(folder, "", message))
            continue
        videos_of: dict[str, Path] = {}
        for video in sorted(path for path in place.iterdir() if is_video_name(path) and path.is_file()):
            other = videos_of.setdefault(video.stem, video)
            if other != video:
                faults.append(Fault(video, "", f"has the name of {other.name}; keep one, or rename it"))
                continue
            name = video.relative_to(source).with_suffix("").as_posix()
            drafts.append(clip_draft(name, video, place.name, split=split))
        if not videos_of:
            kinds = ", ".join(CLIP_SUFFIXES)
            faults.append(Fault(place, "", f"holds no video ({kinds}); fill or remove the folder"))
    return drafts


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _split_folders(source: Path) -> list[Path]:
    return [folder for folder in _folders(source) if folder.name.casefold() in SPLIT_NAMES]
