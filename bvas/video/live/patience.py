"""Time limits of running sources."""

from dataclasses import dataclass

from bvas.errors import ConfigError
from bvas.values.checks import checked_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Time limits of a running source, in seconds, and its packet queue."""

    idle: float = 5.0
    """Silence after which a growing file counts as complete."""
    connect: float = 20.0
    """For opening a URL."""
    stall: float = 15.0
    """Silence after which the connection to a URL counts as broken."""
    num_ahead: int = 64
    """Packets in the queue ahead of the decoder."""
    is_resumed: bool = False
    """The source will be opened again where it breaks off: what may be cut off is dropped, see `GrowingVideo`."""

    def __post_init__(self) -> None:
        if not checked_seconds(self.idle, "idle_seconds") > 0:
            raise ConfigError(f"idle_seconds must be positive, got {self.idle}")
