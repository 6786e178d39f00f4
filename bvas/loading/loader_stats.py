"""Statistics of a loader: clips, decoded frames, waiting time, restarts."""

from dataclasses import dataclass, field, fields
from typing import Any

from bvas.loading.read_jobs import ReadResult
from bvas.values.plural import count_text


@dataclass(slots=True, kw_only=True)
class WorkerStats:
    """Work done under one worker's name, by all processes that had it."""

    clips: int = 0
    """Clips read; some of them may not have been handed out."""
    busy_seconds: float = 0.0
    """Time spent on jobs."""
    frames_decoded: int = 0
    """Pictures that decoders output, those before the wanted ones included."""

    @property
    def clips_per_second(self) -> float:
        """Clips in a second of work; 0 before any."""
        return self.clips / self.busy_seconds if self.busy_seconds else 0.0

    def add(self, result: ReadResult, num_clips: int) -> None:
        """Count a finished job."""
        if result.failure is None:
            self.clips += num_clips
        self.busy_seconds += result.busy_seconds
        self.frames_decoded += result.num_decoded

    def since(self, before: "WorkerStats") -> "WorkerStats":
        """Return the difference to an earlier copy."""
        return WorkerStats(**_differences(self, before))


@dataclass(slots=True, kw_only=True)
class LoaderStats:
    """Statistics of a loader since it was made."""

    clips: int = 0
    """Clips handed out."""
    frames: int = 0
    """Frames in them."""
    bytes: int = 0
    """Bytes of these frames."""
    waiting_seconds: float = 0.0
    """Time that the caller waited for batches."""
    skips: int = 0
    """Damaged clips that were skipped."""
    restarts: int = 0
    """Workers that replaced dead or hanging ones."""
    moved: int = 0
    """Reads that went to another backend, as from a GPU without memory."""
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

    def since(self, before: "LoaderStats") -> "LoaderStats":
        """Return the difference to an earlier copy."""
        workers = {
            name: worker.since(before.workers.get(name, WorkerStats()))
            for name, worker in self.workers.items()
        }
        return LoaderStats(**_differences(self, before), workers=workers)

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


def _differences(now: WorkerStats | LoaderStats, before: WorkerStats | LoaderStats) -> dict[str, Any]:
    """Return the difference of each number by its name."""
    names = [one.name for one in fields(now) if one.name != "workers"]
    return {name: getattr(now, name) - getattr(before, name) for name in names}
