"""Division of labelled matches into folds or splits: as the task or the data names them, else drawn by group."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bvas.data.dataset_match import Dataset, DatasetMatch
from bvas.data.raw_annotations import Fault
from bvas.data.splits import SplitName, draw_folds, draw_splits
from bvas.data.spotting_task import SpottingTask
from bvas.values.plural import count_text


def splits_of(
    dataset: Dataset, labelled: Sequence[DatasetMatch], path: Path, faults: list[Fault]
) -> dict[str, SplitName]:
    """Return the split of each labelled match: as named, or drawn by the dataset's shares; none where it has folds."""
    named = {match.name: match.split for match in labelled if match.split is not None}
    if named or not dataset.shares or not labelled:
        return named
    groups = [match.group for match in labelled]
    num_groups = len(set(groups))
    if num_groups < len(dataset.shares):
        message = (
            f"has {count_text(num_groups, 'group')} of labelled matches, and 'splits' names "
            f"{', '.join(dataset.shares)}: each needs a group; add data, or name fewer splits"
        )
        faults.append(Fault(path, "", message))
        return {}
    drawn = draw_splits(groups, dataset.shares, dataset.seed)
    return {match.name: split for match, split in zip(labelled, drawn, strict=True)}


def fold_numbers(
    task: SpottingTask, groups: Mapping[str, str], own: Mapping[str, int], path: Path, num_folds: int = 0
) -> tuple[dict[str, int], list[Fault]]:
    """Return the fold of each labelled match, folds in order, and the faults of the folds.

    Args:
        task: May name the folds, or their number.
        groups: Group of each labelled match.
        own: Folds that the data names.
        path: The data.
        num_folds: Number of folds that the data names.
    """
    if task.folds:
        return {name: fold for fold, names in enumerate(task.folds) for name in names}, []
    if own:
        return dict(sorted(own.items(), key=lambda pair: pair[1])), []
    num_groups = len(set(groups.values()))
    num_folds = task.num_folds or num_folds or num_groups
    faults = []
    if 0 < num_groups < num_folds:
        is_grouped = num_groups < len(groups)
        there = f"{count_text(num_groups, 'group')} of labelled matches" if is_grouped else ""
        message = (
            f"the data has {there or count_text(num_groups, 'labelled match')}, and task {task.name} has "
            f"{count_text(num_folds, 'fold')}: fold {num_groups} has no match; complete the data, or take a config "
            "with fewer (num_folds)"
        )
        faults.append(Fault(path, "", message))
    drawn = draw_folds(list(groups.values()), min(num_folds, num_groups))
    numbered = dict(zip(groups, drawn, strict=True))
    return dict(sorted(numbered.items(), key=lambda pair: pair[1])), faults
