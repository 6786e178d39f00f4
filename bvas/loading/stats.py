"""What a loader has done, for logs and for finding out who waits for whom."""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class LoaderStats:
    """What a loader has done since it was made."""

    clips: int = 0
    """Clips handed out."""
    frames: int = 0
    """Frames in them."""
    waiting_seconds: float = 0.0
    """Time that the caller waited for batches."""
    skips: int = 0
    """Clips that could not be decoded and were passed over."""
    clips_per_worker: dict[str, int] = field(default_factory=dict)
    """Clips decoded by each worker; some of them may not have been handed out."""

    def since(self, before: "LoaderStats") -> str:
        """Return one line on what was done since an earlier copy."""
        shares = (
            f"{name} {clips - before.clips_per_worker.get(name, 0)}"
            for name, clips in self.clips_per_worker.items()
        )
        waited = self.waiting_seconds - before.waiting_seconds
        skipped = self.skips - before.skips
        clips = self.clips - before.clips
        return f"{clips} clips ({', '.join(shares)}), waited {waited:.1f} s, skipped {skipped}"
