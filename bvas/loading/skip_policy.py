"""When a clip that cannot be decoded is passed over, and when there are too many of them."""

import logging
from typing import Literal

from bvas.errors import ConfigError, DecodeError

logger = logging.getLogger(__name__)

OnError = Literal["raise", "skip"]

ALWAYS_ALLOWED = 5
"""Skips that no epoch is ended for: one bad stretch of a video is more than 1 % of a small epoch."""
MAX_ATTEMPTS = 20
"""Draws of one sample that may be damaged."""


class SkipPolicy:
    """What a loader does about frames that are not to be had."""

    def __init__(self, on_error: OnError, max_share: float) -> None:
        """Keep the policy.

        Args:
            on_error: Whether a damaged clip is an error or is passed over.
            max_share: Share of an epoch's clips that may be, `ALWAYS_ALLOWED` at least.

        Raises:
            ConfigError: another policy, or a share outside [0, 1].
        """
        if on_error not in ("raise", "skip"):
            raise ConfigError(f"on_error must be 'raise' or 'skip', got {on_error!r}")
        if not 0.0 <= max_share <= 1.0:
            raise ConfigError(f"max_skip_share must lie in [0, 1], got {max_share}")
        self.skips_damage = on_error == "skip"
        self._max_share = max_share

    def check(self, num_skipped: int, num_clips: int, error: DecodeError) -> None:
        """Refuse more skips than are allowed in an epoch.

        Args:
            num_skipped: Clips passed over so far, the last one included.
            num_clips: Clips of the epoch.
            error: Why the last one was.

        Raises:
            DecodeError: there are too many; `error` is its cause.
        """
        allowed = max(ALWAYS_ALLOWED, int(self._max_share * num_clips))
        if num_skipped > allowed:
            raise DecodeError(
                f"{num_skipped} damaged clips in an epoch of {num_clips} are more than the {allowed} that "
                f"max_skip_share={self._max_share:g} allows, the last one in {error.path}; repair or leave out "
                "the files that the log names, or allow more",
                path=error.path,
                lost=error.lost,
            ) from error
