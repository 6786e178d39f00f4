"""Configuration of how training clips are read ahead and shuffled."""

from dataclasses import dataclass

from bvas.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadingConfig:
    """Shuffle buffer, prefetch, and limits of the clip loader."""

    shuffle_buffer_clips: int = 64
    """Clips that wait to be drawn into batches, at most (and at most 1 GB of them). Clips of one keyframe interval are
    read in one pass, and the buffer keeps them apart. 0: clips are read one by one, in the order in which they were
    drawn."""
    prefetch_batches: int = 2
    """Batches that are read ahead besides."""
    max_skip_share: float = 0.01
    """Share of an epoch's clips that `--on-error skip` may skip, in [0, 1]; five are always allowed."""
    timeout_seconds: float = 120.0
    """Longest time for one read of a worker; raise it for a slow or distant disk."""

    def __post_init__(self) -> None:
        for name, low in (("shuffle_buffer_clips", 0), ("prefetch_batches", 1)):
            if getattr(self, name) < low:
                raise ConfigError(f"{name} must be at least {low}, got {getattr(self, name)}")
        if not 0.0 <= self.max_skip_share <= 1.0:
            raise ConfigError(f"max_skip_share must lie in [0, 1], got {self.max_skip_share}")
        if not self.timeout_seconds > 0:
            raise ConfigError(f"timeout_seconds must be above 0, got {self.timeout_seconds}")
