"""Settings of the tracker."""

import math
from dataclasses import dataclass

from bvas.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerConfig:
    """How boxes are joined to tracks; all times in seconds, so that one setting serves every frame rate."""

    max_players: int | None = None
    """Most tracks of a video; None: as many as are found."""
    min_score: float = 0.1
    """Detections below are ignored."""
    sure_score: float = 0.5
    """Detections below continue tracks and begin none."""
    step_seconds: float = 1 / 30
    """Frames nearer to the one before are not searched, and boxes there are interpolated: what a detector misses in a
    frame it mostly misses in the next one too, so that more frames a second say little more. 0: all are searched."""
    coast_seconds: float = 0.6
    """A player unseen for longer is looked for again only by the linking of tracklets."""
    link_seconds: float = 30.0
    """Longest absence after which a player keeps his number; with `max_players` any."""
    least_seconds: float = 0.25
    """Tracks with fewer detections than this time holds are false ones, and dropped."""
    fill_seconds: float = 0.3
    """Longest gap between detections that is filled with boxes; 0: none."""

    def __post_init__(self) -> None:
        if self.max_players is not None and self.max_players < 1:
            raise ConfigError(
                f"max_players must be at least 1, got {self.max_players}; leave it out for no limit"
            )
        for name in ("min_score", "sure_score"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"{name} must be from 0 to 1, got {value!r}")
        for name in ("step_seconds", "coast_seconds", "link_seconds", "least_seconds", "fill_seconds"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{name} must be a number of seconds of at least 0, got {value!r}")
