"""Numbers of clips: in the shuffle buffer, in a job, and in slots.

A loader has a slot for each clip of the full buffer, for `prefetch_batches` batches, and for the clips by which the
last job exceeds them. So what is read ahead is bounded, and the next batch can always be completed.
"""

from dataclasses import dataclass, replace

from bvas.experiment.loading_config import LoadingConfig
from bvas.loading.clip_requests import Clips
from bvas.loading.rank_shards import WHOLE, Shard

_MAX_JOB_CLIPS = 16
_MAX_STRETCH_CLIPS = 64
_MAX_BUFFER_BYTES = 10**9
_MAX_SPARE_BYTES = 5 * 10**8


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotCounts:
    """Numbers of clips of one rank's loader."""

    buffer_clips: int
    """Size of the shuffle buffer; 0: clips are read as they are drawn, or are sequential."""
    job_clips: int
    """Clips in a job, at most."""
    ahead: int
    """Clips that may be read ahead of the next batch, at least 1: more workers would never work."""
    own_batch: int
    """Clips of a batch, at most."""
    num_own: int
    """Clips of an epoch, at most."""
    stretch_clips: int
    """Clips that workers may read ahead in stretches of their own; of sequential clips only."""

    @staticmethod
    def of(
        clips: Clips, batch_size: int, clip_bytes: int, loading: LoadingConfig, shard: Shard
    ) -> "SlotCounts":
        """Return the numbers for a loader.

        Args:
            clips: What the loader loads.
            batch_size: Clips in a batch of all ranks.
            clip_bytes: Bytes of a clip's frames.
            loading: Buffer and prefetch.
            shard: This rank's share.
        """
        own_batch = max(shard.sizes(batch_size))
        fitting = max(1, _MAX_BUFFER_BYTES // clip_bytes)
        # One rank may have all the clips of the buffer.
        buffer_clips = 0 if clips.sequential else min(loading.shuffle_buffer_clips, fitting)
        return SlotCounts(
            buffer_clips=buffer_clips,
            job_clips=min(_MAX_JOB_CLIPS, fitting if clips.sequential else max(1, buffer_clips)),
            ahead=own_batch * loading.prefetch_batches + max(0, buffer_clips - 1),
            own_batch=own_batch,
            num_own=len(shard.stretch(clips.num_clips)) if clips.sequential else clips.num_clips,
            stretch_clips=min(_MAX_STRETCH_CLIPS, fitting) if clips.sequential else 0,
        )

    def num_slots(self, num_workers: int) -> int:
        """Return how many slots so many workers need."""
        stretches = min(max(num_workers - 1, 0) * self.job_clips, self.stretch_clips)
        # A stretch may be empty; memory of no bytes cannot be reserved.
        return max(1, min(self.ahead + stretches + self.job_clips - 1, self.num_own))

    def within(self, num_slots: int) -> "SlotCounts":
        """Return the numbers for so many slots: jobs small enough that a batch can always be completed."""
        if num_slots >= self.num_own:
            return self
        assert num_slots >= self.own_batch, (num_slots, self.own_batch)
        return replace(self, job_clips=min(self.job_clips, num_slots - self.own_batch + 1))


def spare_clips_for(batch_size: int, clip_bytes: int, shard: Shard = WHOLE) -> int:
    """Return the slots that a second loader needs beside another: two batches and two jobs, within half a gigabyte."""
    own_batch = max(shard.sizes(batch_size))
    return max(own_batch, min(2 * (own_batch + _MAX_JOB_CLIPS), _MAX_SPARE_BYTES // clip_bytes))
