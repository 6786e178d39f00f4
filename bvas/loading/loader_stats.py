"""What a loader has done, for logs and for finding out who waits for whom."""

from dataclasses import dataclass, field, replace

from bvas.loading.read_jobs import ReadAnswer
from bvas.values.plural import count_text


@dataclass(slots=True, kw_only=True)
class WorkerStats:
    """What was done under one worker's name, by all processes that had it."""

    clips: int = 0
    """Clips read; some of them may not have been handed out."""
    busy_seconds: float = 0.0
    """Time from taking up jobs to being done with them."""
    frames_decoded: int = 0
    """Pictures that decoders output, those on the way to wanted ones included."""

    @property
    def clips_per_second(self) -> float:
        """Clips in a second of work; 0 before any."""
        return self.clips / self.busy_seconds if self.busy_seconds else 0.0

    def add(self, answer: ReadAnswer, num_clips: int) -> None:
        """Count a job that is over."""
        if answer.failure is None:
            self.clips += num_clips
        self.busy_seconds += answer.busy_seconds
        self.frames_decoded += answer.num_decoded

    def copy(self) -> "WorkerStats":
        """Return a copy."""
        return replace(self)

    def since(self, before: "WorkerStats") -> "WorkerStats":
        """Return what was done since an earlier copy."""
        return WorkerStats(
            clips=self.clips - before.clips,
            busy_seconds=self.busy_seconds - before.busy_seconds,
            frames_decoded=self.frames_decoded - before.frames_decoded,
        )


@dataclass(slots=True, kw_only=True)
class LoaderStats:
    """What a loader has done since it was made."""

    clips: int = 0
    """Clips handed out."""
    frames: int = 0
    """Frames in them."""
    bytes: int = 0
    """Bytes of these frames."""
    waiting_seconds: float = 0.0
    """Time that the caller waited for batches."""
    skips: int = 0
    """Clips that could not be decoded and were passed over."""
    restarts: int = 0
    """Workers that took the place of ones that died or hung."""
    moved: int = 0
    """Reads that one backend failed at and another did, such as a GPU's without memory."""
    workers: dict[str, WorkerStats] = field(default_factory=dict)
    """By the worker's name."""

    @property
    def frames_decoded(self) -> int:
        """Pictures that decoders output."""
        return sum(worker.frames_decoded for worker in self.workers.values())

    @property
    def decoded_per_clip(self) -> float:
        """Pictures that decoders output for each clip read; 0 before any."""
        clips = sum(worker.clips for worker in self.workers.values())
        return self.frames_decoded / clips if clips else 0.0

    @property
    def clips_per_worker(self) -> dict[str, int]:
        """Clips read under each worker's name."""
        return {name: worker.clips for name, worker in self.workers.items()}

    def since(self, before: "LoaderStats") -> "LoaderStats":
        """Return what was done since an earlier copy."""
        return LoaderStats(
            clips=self.clips - before.clips,
            frames=self.frames - before.frames,
            bytes=self.bytes - before.bytes,
            waiting_seconds=self.waiting_seconds - before.waiting_seconds,
            skips=self.skips - before.skips,
            restarts=self.restarts - before.restarts,
            moved=self.moved - before.moved,
            workers={
                name: worker.since(before.workers.get(name, WorkerStats()))
                for name, worker in self.workers.items()
            },
        )

    def __str__(self) -> str:
        """Return one line."""
        shares = ", ".join(
            f"{name} {worker.clips} at {worker.clips_per_second:.1f}/s"
            for name, worker in self.workers.items()
        )
        return (
            f"{count_text(self.clips, 'clip')}, {self.bytes / 1e6:.0f} MB ({shares}), decoded "
            f"{self.decoded_per_clip:.0f} "
            f"frames a clip, waited {self.waiting_seconds:.1f} s, skipped {self.skips}, moved {self.moved}, "
            f"restarts {self.restarts}"
        )
