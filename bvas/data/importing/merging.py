"""Merge of corrected matches into an existing data root."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from bvas.data.dataset_json import DATASET_NAME, read_annotations, read_dataset
from bvas.data.dataset_match import DatasetMatch
from bvas.data.importing.draft import Import, MatchDraft
from bvas.data.importing.from_soccernet import read_soccernet
from bvas.data.matches import Half
from bvas.data.raw_annotations import Fault


def read_root(folder: Path, *, resolution: str, label_file: str | None) -> Import:
    """Read a data root: one with a `dataset.json`, or in SoccerNet's layout.

    Raises:
        DataError: it holds no match.
    """
    if not (folder / DATASET_NAME).is_file():
        return read_soccernet(folder, resolution=resolution, label_file=label_file)
    dataset, faults = read_dataset(folder / DATASET_NAME)
    matches = [_draft(match, faults) for match in dataset.matches]
    drawn: dict[str, Any] = {"folds": dataset.num_folds} if dataset.num_folds else {}
    if dataset.shares:
        drawn = {"splits": dict(dataset.shares)}
        drawn |= {"seed": dataset.seed} if dataset.seed else {}
    return Import(labels=dataset.labels, matches=tuple(matches), faults=tuple(faults), drawn=drawn)


def _draft(match: DatasetMatch, faults: list[Fault]) -> MatchDraft:
    draft = MatchDraft(
        name=match.name,
        videos=[Half(number, video).path for number, video in enumerate(match.videos, start=1)],
        fold=match.fold,
        is_test=match.is_test,
        # A sample's group may be its video, which gets another name in a copy.
        group=match.group if match.is_sample or match.group != match.name else None,
        split=match.split,
        is_sample=match.is_sample,
    )
    if match.annotations is not None and not match.is_challenge:
        raw, wrong = read_annotations(match)
        faults += wrong
        draft.annotations = list(raw.items)
    return draft


def put_into(corrected: Import, root: Import, source: Path) -> Import:
    """Return a data root with corrected matches in the place of those of the same name, in their folds.

    Others come behind them, each in a fold of its own if the root names folds.

    Args:
        corrected: Whole matches.
        root: What they are put into.
        source: Where the corrections come from, for messages.
    """
    faults = [*corrected.faults, *root.faults]
    placed = {match.name: match for match in root.matches}
    folds = [match.fold for match in root.matches if match.fold is not None]
    for match in corrected.matches:
        before = placed.get(match.name)
        if before is None:
            fold = max(folds) + 1 if folds else None
            folds += [] if fold is None else [fold]
            placed[match.name] = replace(match, fold=fold)
            continue
        if len(match.videos) != len(before.videos):
            counts = f"{len(match.videos)} of its {len(before.videos)} videos"
            faults.append(Fault(source, match.name, f"is about {counts}; correct all, on one page"))
        if before.is_sample:
            faults.append(Fault(source, match.name, "is a sample with one label; change it in dataset.json"))
        placed[match.name] = replace(before, annotations=match.annotations, videos=match.videos)
    labels = tuple(dict.fromkeys([*root.labels, *corrected.labels]))
    return Import(labels=labels, matches=tuple(placed.values()), faults=tuple(faults), drawn=root.drawn)
