"""Order of an epoch: the jobs that read its clips, and the batches that they are handed out in."""

from collections.abc import Iterable, Iterator
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


class EpochOrder:
    """Jobs and batches of an epoch, each in their order."""

    def __init__(
        self,
        clips: Clips,
        *,
        epoch: int,
        seed: int,
        buffer_clips: int,
        job_clips: int,
        batch_size: int,
        shard: Shard = WHOLE,
        first_batch: int = 0,
    ) -> None:
        """Fix the order. All clips of a shuffled epoch are drawn now, those of any other when they are due.

        Args:
            clips: The clips of the epoch. Sequential ones are always handed out in their own order.
            epoch: From 0 up.
            seed: The run's seed.
            buffer_clips: Size of the shuffle buffer; 0 reads clips one by one, as they were drawn.
            job_clips: Clips in a job, at most.
            batch_size: Clips in a batch of all ranks.
            shard: The share to read. Each rank has its share of each batch; of sequential clips a stretch of the
                epoch, in batches of its own.
            first_batch: Batches that were handed out before: the order includes them, and they are not read again.
        """
        self._clips = clips
        self._epoch = epoch
        self._seed = seed
        self._job_clips = job_clips
        self._shard = shard
        samples = range(clips.num_clips)
        self.batches: Batches
        """Samples of the shard in the order in which they are handed out."""
        self.jobs: Iterator[ReadJob]
        """Jobs in the order in which they are read; their clips have no slots yet."""
        if clips.sequential:
            self.batches = cut(shard.stretch(len(samples)), max(shard.sizes(batch_size)))
            self.jobs = self._in_order(chain.from_iterable(self.batches[first_batch:]))
        elif buffer_clips:
            self.batches, self.jobs = self._shuffled(buffer_clips, batch_size, first_batch)
        else:
            self.batches = share_out(cut(samples, batch_size), samples, shard)
            drawn = map(self._draw, chain.from_iterable(self.batches[first_batch:]))
            self.jobs = map(self.job_of, drawn)

    def job_of(self, clip: Clip) -> ReadJob:
        """Return the job that reads a clip by itself."""
        return ReadJob(self._clips.videos[clip.request.video_id].path, (clip,))

    def redraw(self, clip: Clip) -> bool:
        """Replace a clip by the next draw of its sample; return whether there is one."""
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

    def _in_order(self, samples: Iterable[int]) -> Iterator[ReadJob]:
        for _, group in groupby(map(self._draw, samples), key=self._interval):
            yield from self._jobs_of(list(group))

    def _shuffled(
        self, buffer_clips: int, batch_size: int, first_batch: int
    ) -> tuple[Batches, Iterator[ReadJob]]:
        drawn = [self._draw(sample) for sample in range(self._clips.num_clips)]
        places = np.array([self._interval(clip) for clip in drawn], dtype=np.int64)
        first_frames = np.array([clip.request.indices.min() for clip in drawn])
        random = plan_random(self._seed, self._epoch)
        groups = shuffle_groups(group_by_interval(places[:, 0], places[:, 1], first_frames), random)
        handed = shuffle(np.concatenate(groups), buffer_clips, random).tolist()
        homes = np.empty(len(drawn), dtype=np.int64)
        for number, group in enumerate(groups):
            homes[group] = number
        batches = share_out(cut(handed, batch_size), homes.tolist(), self._shard)
        # A rank's clips in the buffer are at any time a subset of a whole epoch's, so they fit.
        wanted = set(chain.from_iterable(batches[first_batch:]))
        shares = ([drawn[sample] for sample in group.tolist() if sample in wanted] for group in groups)
        return batches, (job for share in shares if share for job in self._jobs_of(share))

    def _jobs_of(self, clips: list[Clip]) -> Iterator[ReadJob]:
        """Yield the jobs that read clips of one keyframe interval; several make a chain."""
        starts = range(0, len(clips), self._job_clips)
        jobs = [tuple(clips[start : start + self._job_clips]) for start in starts]
        path = self._clips.videos[clips[0].request.video_id].path
        if len(jobs) == 1:
            yield ReadJob(path, jobs[0])
            return
        number = next(_CHAINS)
        frames = [np.concatenate([clip.request.indices for clip in job]) for job in jobs]
        for job, keep in zip(jobs, kept_frames(frames), strict=True):
            yield ReadJob(path, job, number, keep)
