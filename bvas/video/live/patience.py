"""Time limits of running sources."""

from dataclasses import dataclass

from bvas.errors import ConfigError
from bvas.values.checks import checked_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a source may be silent, in seconds."""

    idle: float = 5.0
    """A growing file; then it counts as complete."""
    connect: float = 20.0
    """A URL, until it is open."""
    stall: float = 15.0
    """A URL, from one packet to the next; then it counts as lost."""
    num_ahead: int = 64
    """Packets fetched ahead of the decoder."""
    is_resumed: bool = False
    """Where the source breaks off, it will be opened again: what may be cut off is left out, see `GrowingVideo`."""

    def __post_init__(self) -> None:
        if not checked_seconds(self.idle, "idle_seconds") > 0:
            raise ConfigError(f"idle_seconds must be positive, got {self.idle}")
