"""Division of an epoch among the ranks that train one model: arithmetic on sample numbers.

All ranks draw the same epoch, down to the order of its batches, and each reads its share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bvas.errors import ConfigError

Batches = list[Sequence[int]]
"""Samples of each batch, in the order in which they are handed out."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several shares of an epoch."""

    rank: int = 0
    """Number of this process, from 0."""
    num_ranks: int = 1
    """Processes that share an epoch."""

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.num_ranks:
            raise ConfigError(f"rank must lie in [0, num_ranks), got {self.rank} of {self.num_ranks}")

    def check_epoch(self, num_clips: int, batch_size: int) -> None:
        """Refuse an epoch in which a rank would have no clip of some batch.

        Raises:
            ConfigError: a batch, the last one included, has fewer clips than there are ranks.
        """
        last = num_clips % batch_size or batch_size
        if min(batch_size, last, num_clips) >= self.num_ranks:
            return
        what, remedy = f"batches of {batch_size}", "a larger batch_size"
        if batch_size >= self.num_ranks:
            what = f"an epoch of {num_clips} clips in batches of {batch_size} ends with one of {last}, which"
            remedy = "clips_per_epoch as a multiple of batch_size"
        raise ConfigError(
            f"{what} cannot be divided among {self.num_ranks} processes: each needs a clip of every batch; "
            f"start fewer, or choose {remedy}"
        )

    def sizes(self, num_clips: int) -> list[int]:
        """Return how many of a batch's clips each rank has; the numbers differ by one at most."""
        bounds = [rank * num_clips // self.num_ranks for rank in range(self.num_ranks + 1)]
        return [stop - start for start, stop in pairwise(bounds)]

    def stretch(self, num_clips: int) -> range:
        """Return the samples of this rank where each rank has one contiguous stretch."""
        return range(self.rank * num_clips // self.num_ranks, (self.rank + 1) * num_clips // self.num_ranks)


WHOLE = Shard()
"""Share of a single process."""


def cut(samples: Sequence[int], batch_size: int) -> Batches:
    """Return the samples in batches; the last may be smaller."""
    return [samples[start : start + batch_size] for start in range(0, len(samples), batch_size)]


def share_out(batches: Batches, homes: Sequence[int], shard: Shard) -> Batches:
    """Return one rank's share of each batch; the shares of all ranks are the batch.

    Clips of one keyframe interval go to the rank that had one of them before, while its share of the batch has
    room, so that few intervals are decoded by several ranks.

    Args:
        batches: Samples in the order in which they are handed out, which the shares keep.
        homes: The number of each sample's keyframe interval, by sample.
        shard: The share to return.
    """
    if shard.num_ranks == 1:
        return batches
    owners: dict[int, int] = {}
    return [_share(batch, homes, shard, owners) for batch in batches]


def _share(batch: Sequence[int], homes: Sequence[int], shard: Shard, owners: dict[int, int]) -> Sequence[int]:
    room = shard.sizes(len(batch))
    own = set()
    left = []
    for sample in batch:
        owner = owners.get(homes[sample])
        if owner is None or not room[owner]:
            left.append(sample)
            continue
        room[owner] -= 1
        if owner == shard.rank:
            own.add(sample)
    for sample in left:
        # The second clip of an interval that is new in this batch follows the first.
        rank = owners.get(homes[sample], -1)
        if rank < 0 or not room[rank]:
            rank = room.index(max(room))
        room[rank] -= 1
        owners.setdefault(homes[sample], rank)
        if rank == shard.rank:
            own.add(sample)
    return [sample for sample in batch if sample in own]
