"""Order of an epoch: the jobs that read its clips, and the batches that they are handed out in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, count, groupby

import numpy as np

from bvas.loading.clip_requests import Clips
from bvas.loading.rank_shards import WHOLE, Batches, Shard, cut, share_out
from bvas.loading.read_jobs import Clip, ReadJob
from bvas.loading.read_plan import (
    group_by_interval,
    intervals_of,
    kept_frames,
    plan_random,
    shuffle,
    shuffle_groups,
)

# Shared by all loaders of this process: a worker that keeps frames of one chain mistakes no other for it.
_CHAINS = count()


@dataclass(slots=True, eq=False)
class EpochOrder:
    """Jobs and batches of an epoch, each in their order.

    All clips of a shuffled epoch are drawn when the order is made, those of any other when they are due.
    """

    clips: Clips
    """Clips of the epoch. Sequential ones are always handed out in their own order."""
    epoch: int
    """From 0 up."""
    seed: int
    """The run's seed."""
    buffer_clips: int
    """Size of the shuffle buffer; 0 reads clips one by one, as they were drawn."""
    job_clips: int
    """Clips in a job, at most."""
    batch_size: int
    """Clips in a batch of all ranks."""
    shard: Shard = WHOLE
    """The share to read. Each rank has its share of each batch; of sequential clips a stretch of the epoch, in batches
    of its own."""
    first_batch: int = 0
    """Batches that were handed out before: the order includes them, and they are not read again."""
    batches: Batches = field(init=False)
    """Samples of the shard in the order in which they are handed out."""
    jobs: Iterator[ReadJob] = field(init=False)
    """Jobs in the order in which they are read; their clips have no slots yet."""

    def __post_init__(self) -> None:
        samples = range(self.clips.num_clips)
        if self.clips.sequential:
            self.batches = cut(self.shard.stretch(len(samples)), max(self.shard.sizes(self.batch_size)))
            self.jobs = self._in_order(chain.from_iterable(self.batches[self.first_batch :]))
        elif self.buffer_clips:
            self.batches, self.jobs = self._shuffled()
        else:
            self.batches = share_out(cut(samples, self.batch_size), samples, self.shard)
            drawn = map(self._draw, chain.from_iterable(self.batches[self.first_batch :]))
            self.jobs = map(self.job_of, drawn)

    def job_of(self, clip: Clip) -> ReadJob:
        """Return the job that reads a clip by itself."""
        return ReadJob(self.clips.videos[clip.request.video_id].path, (clip,))

    def redraw(self, clip: Clip) -> bool:
        """Replace a clip by the next draw of its sample; return whether there is one."""
        clip.attempt += 1
        request = self.clips.request(clip.sample, epoch=self.epoch, seed=self.seed, attempt=clip.attempt)
        if request is None:
            return False
        clip.request = request
        return True

    def _draw(self, sample: int) -> Clip:
        request = self.clips.request(sample, epoch=self.epoch, seed=self.seed)
        assert request is not None, "a first attempt always has a clip"
        return Clip(sample, request)

    def _interval(self, clip: Clip) -> tuple[int, int]:
        video_id = clip.request.video_id
        first = clip.request.indices.min(keepdims=True)
        return video_id, int(intervals_of(first, self.clips.videos[video_id].keyframes)[0])

    def _in_order(self, samples: Iterable[int]) -> Iterator[ReadJob]:
        for _, group in groupby(map(self._draw, samples), key=self._interval):
            yield from self._jobs_of(list(group))

    def _shuffled(self) -> tuple[Batches, Iterator[ReadJob]]:
        drawn = [self._draw(sample) for sample in range(self.clips.num_clips)]
        places = np.array([self._interval(clip) for clip in drawn], dtype=np.int64)
        first_frames = np.array([clip.request.indices.min() for clip in drawn])
        random = plan_random(self.seed, self.epoch)
        groups = shuffle_groups(group_by_interval(places[:, 0], places[:, 1], first_frames), random)
        handed = shuffle(np.concatenate(groups), self.buffer_clips, random).tolist()
        homes = np.empty(len(drawn), dtype=np.int64)
        for number, group in enumerate(groups):
            homes[group] = number
        batches = share_out(cut(handed, self.batch_size), homes.tolist(), self.shard)
        # A rank's clips in the buffer are at any time a subset of a whole epoch's, so they fit.
        wanted = set(chain.from_iterable(batches[self.first_batch :]))
        shares = ([drawn[sample] for sample in group.tolist() if sample in wanted] for group in groups)
        return batches, (job for share in shares if share for job in self._jobs_of(share))

    def _jobs_of(self, clips: list[Clip]) -> Iterator[ReadJob]:
        """Yield the jobs that read clips of one keyframe interval; several make a chain."""
        starts = range(0, len(clips), self.job_clips)
        jobs = [tuple(clips[start : start + self.job_clips]) for start in starts]
        path = self.clips.videos[clips[0].request.video_id].path
        if len(jobs) == 1:
            yield ReadJob(path, jobs[0])
            return
        number = next(_CHAINS)
        frames = [np.concatenate([clip.request.indices for clip in job]) for job in jobs]
        for job, keep in zip(jobs, kept_frames(frames), strict=True):
            yield ReadJob(path, job, number, keep)
