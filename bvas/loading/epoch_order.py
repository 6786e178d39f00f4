"""The clips of one epoch as a loader works through them: what to read next, and what to hand out next."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count, groupby

import numpy as np
from numpy.typing import NDArray

from bvas.loading.clip_requests import ClipRequest, Clips
from bvas.loading.rank_shards import WHOLE, Batches, Shard, cut, share_out
from bvas.loading.read_plan import (
    PlanConfig,
    group_by_interval,
    intervals_of,
    kept_frames,
    mix,
    plan_random,
    shuffle_groups,
)


@dataclass(slots=True, eq=False)
class Clip:
    """A clip on its way."""

    sample: int
    request: ClipRequest
    slot: int = -1
    """Where it is read into, once it has a place."""
    attempt: int = 0
    """Draws of the sample that could not be decoded."""
    is_done: bool = False
    """It is in its slot, or was passed over."""
    is_lost: bool = False
    """It was passed over, and nothing came in its place."""
    on_device: bool = False
    """It is in the slot's device memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Clips of one video that are read in one pass."""

    clips: list[Clip]
    chain: int | None
    """The number of the keyframe interval's chain, where its clips are more than one pass."""
    keep: NDArray[np.int64]
    """Source frames that the next parts of the chain want again."""

    @property
    def indices(self) -> NDArray[np.int64]:
        """Source frames of all clips, one after the other."""
        return np.concatenate([clip.request.indices for clip in self.clips])


class EpochOrder:
    """What is read and handed out in an epoch, each in its order."""

    def __init__(
        self,
        clips: Clips,
        plan: PlanConfig,
        *,
        epoch: int,
        seed: int,
        buffer_clips: int,
        job_clips: int,
        batch_size: int,
        shard: Shard = WHOLE,
        first_batch: int = 0,
    ) -> None:
        """Settle the order; draws all clips of the epoch if it is a mixed one, else each when it is its turn.

        Args:
            clips: What the epoch holds. `FixedClips` are always handed out in their own order.
            plan: Whether to read by keyframe interval.
            epoch: From 0 up.
            seed: The run's seed.
            buffer_clips: Clips that are mixed.
            job_clips: Clips in a part, at most.
            batch_size: Clips in a batch of all ranks.
            shard: Whose share is read. Each rank has its share of each batch; of `FixedClips` a stretch
                of the epoch, in batches of its own.
            first_batch: Batches that were handed out before: the order is settled with them, and they are not
                read again.
        """
        self._clips = clips
        self._epoch = epoch
        self._seed = seed
        self._job_clips = job_clips
        self._shard = shard
        samples = range(clips.num_clips)
        self.batches: Batches
        """Samples in the order in which they are handed out; those of the shard."""
        self.parts: Iterator[Part]
        """What to read, in this order."""
        if clips.sequential:
            self.batches = cut(shard.stretch(len(samples)), max(shard.sizes(batch_size)))
            self.parts = self._in_order(chain.from_iterable(self.batches[first_batch:]))
        elif plan.enabled:
            self.batches, self.parts = self._planned(buffer_clips, batch_size, first_batch)
        else:
            self.batches = share_out(cut(samples, batch_size), samples, shard)
            drawn = map(self._draw, chain.from_iterable(self.batches[first_batch:]))
            self.parts = (Part([clip], None, _NOTHING) for clip in drawn)

    def redraw(self, clip: Clip) -> bool:
        """Put the next draw of the sample in place of a clip; return whether there is one."""
        clip.attempt += 1
        request = self._clips.request(clip.sample, epoch=self._epoch, seed=self._seed, attempt=clip.attempt)
        if request is None:
            return False
        clip.request = request
        return True

    def _draw(self, sample: int) -> Clip:
        request = self._clips.request(sample, epoch=self._epoch, seed=self._seed)
        assert request is not None, "a first attempt always has a clip"
        return Clip(sample, request)

    def _interval(self, clip: Clip) -> tuple[int, int]:
        video_id = clip.request.video_id
        first = clip.request.indices.min(keepdims=True)
        return video_id, int(intervals_of(first, self._clips.videos[video_id].keyframes)[0])

    def _in_order(self, samples: Iterable[int]) -> Iterator[Part]:
        for _, group in groupby(map(self._draw, samples), key=self._interval):
            yield from self._passes(list(group))

    def _planned(
        self, buffer_clips: int, batch_size: int, first_batch: int
    ) -> tuple[Batches, Iterator[Part]]:
        drawn = [self._draw(sample) for sample in range(self._clips.num_clips)]
        places = np.array([self._interval(clip) for clip in drawn], dtype=np.int64)
        first_frames = np.array([clip.request.indices.min() for clip in drawn])
        random = plan_random(self._seed, self._epoch)
        groups = shuffle_groups(group_by_interval(places[:, 0], places[:, 1], first_frames), random)
        handed = mix(np.concatenate(groups), buffer_clips, random).tolist()
        homes = np.empty(len(drawn), dtype=np.int64)
        for number, group in enumerate(groups):
            homes[group] = number
        batches = share_out(cut(handed, batch_size), homes.tolist(), self._shard)
        # What waits to be handed out is at any time a part of what would wait in a whole epoch, so it has room.
        wanted = set(chain.from_iterable(batches[first_batch:]))
        shares = ([drawn[sample] for sample in group.tolist() if sample in wanted] for group in groups)
        return batches, (part for share in shares if share for part in self._passes(share))

    def _passes(self, clips: list[Clip]) -> Iterator[Part]:
        passes = [clips[start : start + self._job_clips] for start in range(0, len(clips), self._job_clips)]
        if len(passes) == 1:
            yield Part(clips, None, _NOTHING)
            return
        number = next(_CHAINS)
        frames = [np.concatenate([clip.request.indices for clip in part]) for part in passes]
        for part, keep in zip(passes, kept_frames(frames), strict=True):
            yield Part(part, number, keep)


_NOTHING = np.empty(0, dtype=np.int64)
# Of all epochs and loaders of this process: a reader that keeps frames of one chain takes no other for it.
_CHAINS = count()
