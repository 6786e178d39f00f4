"""The clips of one epoch as a loader works through them: what to read next, and what to hand out next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, groupby

import numpy as np
from numpy.typing import NDArray

from bvas.loading.plan import (
    PlanConfig,
    group_by_interval,
    intervals_of,
    kept_frames,
    mix,
    plan_random,
    shuffle_groups,
)
from bvas.loading.requests import ClipRequest, Clips


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
        first: int = 0,
    ) -> None:
        """Settle the order; draws all clips of the epoch if it is a mixed one, else each when it is its turn.

        Args:
            clips: What the epoch holds. `FixedClips` are always handed out in their own order.
            plan: Whether to read by keyframe interval.
            epoch: From 0 up.
            seed: The run's seed.
            buffer_clips: Clips that are mixed.
            job_clips: Clips in a part, at most.
            first: Clips that were handed out before: the order is settled with them, and they are not read again.
        """
        self._clips = clips
        self._epoch = epoch
        self._seed = seed
        self._job_clips = job_clips
        self._chains = count()
        self.handed: Sequence[int] = range(clips.num_clips)
        """Samples in the order in which they are handed out."""
        self.parts: Iterator[Part]
        """What to read, in this order."""
        if clips.sequential:
            self.parts = self._in_order(first)
        elif plan.enabled:
            self.parts = self._planned(buffer_clips, first)
        else:
            self.parts = (Part([clip], None, _NOTHING) for clip in map(self._draw, self.handed[first:]))

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

    def _in_order(self, first: int) -> Iterator[Part]:
        for _, group in groupby(map(self._draw, range(first, self._clips.num_clips)), key=self._interval):
            yield from self._passes(list(group))

    def _planned(self, buffer_clips: int, first: int) -> Iterator[Part]:
        drawn = [self._draw(sample) for sample in range(self._clips.num_clips)]
        places = np.array([self._interval(clip) for clip in drawn], dtype=np.int64)
        first_frames = np.array([clip.request.indices.min() for clip in drawn])
        random = plan_random(self._seed, self._epoch)
        groups = shuffle_groups(group_by_interval(places[:, 0], places[:, 1], first_frames), random)
        self.handed = mix(np.concatenate(groups), buffer_clips, random).tolist()
        # What waits to be handed out is at any time a part of what would wait without `first`, so it has room.
        done = set(self.handed[:first])
        left = ([drawn[sample] for sample in group if sample not in done] for group in groups)
        return (part for group in left if group for part in self._passes(group))

    def _passes(self, clips: list[Clip]) -> Iterator[Part]:
        passes = [clips[start : start + self._job_clips] for start in range(0, len(clips), self._job_clips)]
        if len(passes) == 1:
            yield Part(clips, None, _NOTHING)
            return
        chain = next(self._chains)
        frames = [np.concatenate([clip.request.indices for clip in part]) for part in passes]
        for part, keep in zip(passes, kept_frames(frames), strict=True):
            yield Part(part, chain, keep)


_NOTHING = np.empty(0, dtype=np.int64)
