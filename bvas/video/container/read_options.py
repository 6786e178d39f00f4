"""Options of reading: the video stream, the rate of frames without times, tone mapping."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, Self, get_args

from bvas.errors import ConfigError
from bvas.video.container.frame_rate import as_rate

Tone = Literal["sdr", "none"]
"""`sdr`: HDR is mapped to SDR. `none`: stored bits are shifted to 8. SDR sources are the same in both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What a caller decides about one source; the defaults are right for nearly all."""

    stream: int | None = None
    """Number of the video stream in the container, as ffprobe counts all its streams; None: the best one."""
    rate: Fraction | None = None
    """Frames per second of a source whose frames have no times of their own; None: what its headers say."""
    tone: Tone = "sdr"
    fit: tuple[int, int] | None = field(default=None, compare=False)
    """(H, W) that frames are fitted into, by which the variant of an adaptive stream (HLS, DASH) is chosen."""

    def __post_init__(self) -> None:
        if self.stream is not None and (isinstance(self.stream, bool) or self.stream < 0):
            raise ConfigError(
                f"stream must be a number from 0 on, as ffprobe counts them, got {self.stream!r}"
            )
        if self.tone not in get_args(Tone):
            raise ConfigError(f"unknown tone {self.tone!r}; known are {', '.join(get_args(Tone))}")

    @classmethod
    def of(cls, stream: int | None, rate: float | Fraction | None, tone: Tone) -> Self:
        """Return the options that a caller gave.

        Raises:
            ConfigError: a stream below 0, a rate that is not a positive number, or an unknown tone.
        """
        return cls(stream=stream, rate=None if rate is None else as_rate(rate), tone=tone)


DEFAULT_READING = ReadOptions()
"""Best stream, own times, tone mapping to SDR."""
