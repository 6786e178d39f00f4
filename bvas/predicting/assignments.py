"""Assignment of matches and videos to the models that predict them, and to folders of results."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bvas.data.matches import Half, Match, folds_of, match_halves, raw_annotations_of
from bvas.data.raw_annotations import raise_faults
from bvas.data.spotting_task import SpottingTask
from bvas.errors import ConfigError, DataError
from bvas.experiment.seen_matches import check_unseen
from bvas.results.store import Split
from bvas.video.index.file_identity import place_of
from bvas.video.index.remote_file import RemoteFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A match, or a single video, with the models that predict it."""

    name: str
    """Name of the match, or path or address of the video."""
    folds: tuple[int, ...]
    """Folds whose models are averaged, in order."""
    out: Path
    """Folder with a folder for each match."""
    source: Match | Path | RemoteFile

    @property
    def folder(self) -> Path:
        """Folder of its results."""
        return self.out / self.name

    def is_of(self, other: "Assignment") -> bool:
        """Return whether both are of the same match or file."""
        mine, its = self.source, other.source
        if isinstance(mine, RemoteFile) and isinstance(its, RemoteFile):
            return mine.is_same(its)
        if not (isinstance(mine, Path) and isinstance(its, Path)):
            return mine == its
        if place_of(mine) == place_of(its):
            return True
        try:
            return mine.samefile(its)
        except OSError:
            return False

    @property
    def is_remote(self) -> bool:
        """Whether one of its videos is remote."""
        if not isinstance(self.source, Match):
            return isinstance(self.source, RemoteFile)
        listed = self.source.listed
        return listed is not None and any(isinstance(video, RemoteFile) for video in listed.videos)

    def halves(self, task: SpottingTask) -> list[Half]:
        """Return its video files in order.

        Raises:
            DataError: it has no video, a listed one does not exist, or a half with annotations has no video.
        """
        if not isinstance(self.source, Match):
            return [Half(1, self.source)]
        halves = match_halves(self.source, task.resolution)
        numbers = [half.number for half in halves]
        missing = sorted(set(range(1, max(numbers))) - set(numbers))
        if missing:
            raise DataError(
                f"no video of half {missing[0]} in {self.source.folder}, where half {max(numbers)} is; add it"
            )
        if self.source.fold is not None:
            # Other faults of labels matter to training and scoring only.
            raw, faults = raw_annotations_of(self.source, task)
            raise_faults([] if faults else raw.half_faults(numbers))
        return halves


def held_out(matches: Sequence[Match], folds: Sequence[int], predictions: Path) -> list[Assignment]:
    """Return the matches of some folds, each for the model that has not seen it; results go to `cv/`."""
    return [of_match(match, folds, predictions) for fold in folds for match in matches if match.fold == fold]


def challenge(matches: Sequence[Match], folds: Sequence[int], predictions: Path) -> list[Assignment]:
    """Return the challenge matches, for the mean of all models; results go to `challenge/`."""
    return [of_match(match, folds, predictions) for match in matches if match.fold is None]


def of_match(match: Match, folds: Sequence[int], predictions: Path) -> Assignment:
    """Return a labelled match for the model of its fold, another one for the mean of all models.

    Raises:
        ConfigError: the model of its fold does not exist, or was trained on it.
    """
    if match.split == "train":
        raise ConfigError(f"match {match.name!r} is in split 'train': all models were trained on it")
    if match.fold is not None and match.fold not in folds:
        raise ConfigError(
            f"match {match.name!r} is held out by fold {match.fold}, which is not trained or not among --folds; "
            f"trained are: {', '.join(map(str, folds))}"
        )
    split, own = (Split.CHALLENGE, tuple(folds)) if match.fold is None else (Split.CV, (match.fold,))
    if match.fold is not None:
        check_unseen(predictions.parent / f"fold_{match.fold}", [match.name])
    return Assignment(name=match.name, folds=own, out=predictions / split, source=match)


def of_video(path: Path | RemoteFile, folds: Sequence[int], predictions: Path) -> Assignment:
    """Return a single video, for the mean of all models; results go to `videos/` and its path or address."""
    if isinstance(path, RemoteFile):
        return Assignment(name=path.place, folds=tuple(folds), out=predictions / Split.VIDEOS, source=path)
    absolute = Path(os.path.normpath(path.absolute()))
    here = Path.cwd()
    # A path from here and one from the root name the same file.
    within = (
        absolute.relative_to(here) if absolute.is_relative_to(here) else absolute.relative_to(absolute.anchor)
    )
    name = within.as_posix()
    return Assignment(name=name, folds=tuple(folds), out=predictions / Split.VIDEOS, source=path)


def check_folds(matches: Sequence[Match], folds: Sequence[int], data: Path) -> None:
    """Check that each fold holds out a match.

    Raises:
        DataError: one does not.
    """
    unseen = sorted(set(folds) - set(folds_of(matches)))
    if unseen:
        raise DataError(f"no match of fold {unseen[0]} in {data}; the data has folds {folds_of(matches)}")


def share_of(assignments: Sequence[Assignment], shard: tuple[int, int]) -> list[Assignment]:
    """Return the share of shard (I, N), I from 1: every N-th from the I-th on.

    The share depends on the list alone. So all shares together are the list, whenever each is predicted.
    """
    number, count = shard
    return list(assignments[number - 1 :: count])
