"""Policy for damaged clips: raise an error, or skip them up to a limit."""

from dataclasses import dataclass
from typing import Literal

from bvas.errors import ConfigError, DecodeError

OnError = Literal["raise", "skip"]

ALWAYS_ALLOWED = 5
"""Skips that never end an epoch: in a small one, a single bad stretch of a video is more than 1 %."""
MAX_ATTEMPTS = 20
"""Damaged draws of one sample before it is an error."""


@dataclass(frozen=True, slots=True)
class SkipPolicy:
    """Decision of a loader about clips that cannot be decoded."""

    on_error: OnError
    """Raise an error for a damaged clip, or skip it."""
    max_share: float
    """Share of an epoch's clips that may be skipped, in [0, 1]; `ALWAYS_ALLOWED` always may."""

    def __post_init__(self) -> None:
        if self.on_error not in ("raise", "skip"):
            raise ConfigError(f"on_error must be 'raise' or 'skip', got {self.on_error!r}")

    def check(self, num_skipped: int, num_clips: int, error: DecodeError) -> None:
        """Refuse more skips than are allowed in an epoch.

        Args:
            num_skipped: Clips skipped so far, the last one included.
            num_clips: Clips of the epoch.
            error: Reason for the last one.

        Raises:
            DecodeError: the limit is exceeded; `error` is its cause.
        """
        allowed = max(ALWAYS_ALLOWED, int(self.max_share * num_clips))
        if num_skipped > allowed:
            raise DecodeError(
                f"{num_skipped} damaged clips in an epoch of {num_clips} are more than the {allowed} that "
                f"loading.max_skip_share={self.max_share:g} allows, the last one in {error.path}; repair or remove "
                "the files that the log names, or raise it in the config",
                path=error.path,
                lost=error.lost,
            ) from error
