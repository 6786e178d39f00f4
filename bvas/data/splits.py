"""Folds and splits drawn by group: what belongs together lies on one side."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

SplitName = Literal["train", "valid", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)


def draw_folds(groups: Sequence[str], num_folds: int) -> list[int]:
    """Return the fold of each sample: groups go, in order of appearance, to the fold with the fewest samples.

    Groups of equal size are dealt in turn. A fold is empty if there are fewer groups than folds.

    Args:
        groups: Group of each sample.
        num_folds: At least 1.
    """
    filled = [(0, fold) for fold in range(num_folds)]
    fold_of: dict[str, int] = {}
    for group, size in Counter(groups).items():
        count, fold_of[group] = filled[0]
        heapq.heapreplace(filled, (count + size, fold_of[group]))
    return [fold_of[group] for group in groups]


def draw_splits(groups: Sequence[str], shares: Mapping[SplitName, float], seed: int = 0) -> list[SplitName]:
    """Return the split of each sample, so that the shares are met as near as the groups allow.

    Groups go, largest first and else in random order, to the split that lacks the most samples. No split stays empty.

    Args:
        groups: Group of each sample; at least as many groups as shares.
        shares: Positive, on any scale: 70, 20 and 10 are 0.7, 0.2 and 0.1.
        seed: Of the random order, which depends on nothing else but the groups' names.
    """
    sizes = Counter(groups)
    lacking = {split: share / sum(shares.values()) * len(groups) for split, share in shares.items()}
    empty = set(shares)
    split_of: dict[str, SplitName] = {}
    for number, group in enumerate(sorted(sizes, key=lambda group: (-sizes[group], _draw(seed, group)))):
        # The last groups are kept for splits without any.
        open_ = empty if len(sizes) - number <= len(empty) else lacking
        split = max((name for name in SPLITS if name in open_), key=lacking.__getitem__)
        split_of[group] = split
        lacking[split] -= sizes[group]
        empty.discard(split)
    return [split_of[group] for group in groups]


def _draw(seed: int, group: str) -> bytes:
    return hashlib.sha256(f"{seed}/{group}".encode(errors="surrogatepass")).digest()
