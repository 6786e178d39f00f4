"""Merge of corrected matches into an existing data root."""

from dataclasses import replace
from pathlib import Path

from bvas.data.dataset_json import DATASET_NAME, DatasetMatch, read_annotations, read_dataset
from bvas.data.importing.draft import Import, MatchDraft
from bvas.data.importing.from_soccernet import read_soccernet
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
    return Import(labels=dataset.labels, matches=tuple(matches), faults=tuple(faults))


def _draft(match: DatasetMatch, faults: list[Fault]) -> MatchDraft:
    draft = MatchDraft(name=match.name, videos=list(match.videos), fold=match.fold, is_test=match.is_test)
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
        placed[match.name] = replace(match, fold=before.fold, is_test=before.is_test)
    labels = tuple(dict.fromkeys([*root.labels, *corrected.labels]))
    return Import(labels=labels, matches=tuple(placed.values()), faults=tuple(faults))
