"""Matches and samples of a `dataset.json`, and what must hold among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bvas.data.json_object import Place
from bvas.data.raw_annotations import AnnotationList, Fault
from bvas.data.splits import SplitName
from bvas.video.index.remote_file import RemoteFile


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetMatch:
    """One match or sample of a `dataset.json`."""

    name: str
    place: str
    """Its place in the file, for messages."""
    group: str
    """What no split may cut; its own name where the file names none."""
    fold: int | None = None
    """None where the file leaves it open, and for challenge matches."""
    split: SplitName | None = None
    """None likewise, and where the file divides by folds."""
    is_challenge: bool = False
    is_test: bool = False
    is_sample: bool = False
    """Whether it is one of `samples`: one video, whose one annotation is a range."""
    videos: tuple[Path | RemoteFile, ...]
    """Its parts in order."""
    annotations: AnnotationList | Path | None
    """The list, or the file that holds it, or None for a match without annotations."""
    declared: tuple[str, ...]
    """Labels that the annotations may have."""
    version: int = 1
    """Version of the format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Contents of a `dataset.json`."""

    labels: tuple[str, ...] = ()
    matches: tuple[DatasetMatch, ...] = ()
    """Matches, then samples."""
    num_folds: int = 0
    """Folds to draw by group; 0: none."""
    shares: Mapping[SplitName, float] = field(default_factory=dict)
    """Shares of the splits to draw by group; empty: none."""
    seed: int = 0
    """Of the draw."""


def check_repetitions(file: Place, matches: Sequence[DatasetMatch]) -> None:
    """Note each repeated match and video: training data would be tested on."""
    names: dict[str, DatasetMatch] = {}
    videos: dict[Path | RemoteFile, DatasetMatch] = {}
    for match in matches:
        place = file.inner(match.place)
        if match.name in names:
            same = names[match.name]
            folds = f", in folds {same.fold} and {match.fold}" if match.fold != same.fold else ""
            place.fault(f"stands twice{folds}: {same.place} has the same name")
        names.setdefault(match.name, match)
        for video in match.videos:
            known = video.resolve() if isinstance(video, Path) else video
            other = videos.get(known)
            if other is not None and not (match.is_sample and other.is_sample):
                place.fault(f"{video} is also a video of {other.place}")
            elif other is not None and match.group != other.group:
                place.fault(f"is of the same video as {other.place}; give both one 'group'")
            videos.setdefault(known, match)
        stems = [video.stem for video in match.videos]
        if len(set(stems)) < len(set(match.videos)):
            place.fault(f"two videos are called alike ({stems}); score curves go by the name")


def check_sides(file: Place, matches: Sequence[DatasetMatch]) -> None:
    """Note matches without a fold or split among others that have one, and folds and splits that are empty."""
    labelled = [match for match in matches if not match.is_challenge]
    for key in ("fold", "split"):
        if any(getattr(match, key) is not None for match in labelled):
            for match in labelled:
                if getattr(match, key) is None:
                    file.inner(match.place).fault(
                        f"has no {key!r} while other matches have one; give all or none"
                    )
    folds = {match.fold for match in labelled if match.fold is not None}
    last = max(folds, default=0)
    for fold in sorted(set(range(last)) - folds):
        file.fault(f"fold {fold} has no match; folds are counted from 0 up to {last} without a gap")
    splits = {match.split for match in labelled} - {None}
    for split in ("train", "valid"):
        if splits and split not in splits:
            file.fault(f"split {split!r} has no match; training learns from 'train' and validates on 'valid'")


def group_faults(path: Path, sides: Sequence[tuple[DatasetMatch, str]]) -> list[Fault]:
    """Return a fault for each match whose group lies on another side too.

    Args:
        path: The file.
        sides: Labelled matches, each with the name of its fold or split.
    """
    first: dict[str, tuple[DatasetMatch, str]] = {}
    faults = []
    for match, side in sides:
        other, other_side = first.setdefault(match.group, (match, side))
        if side != other_side:
            message = (
                f"is in {side}, and {other.place} of the same group {match.group!r} is in {other_side}; no split may "
                "cut a group: put both on one side"
            )
            faults.append(Fault(path, match.place, message))
    return faults
