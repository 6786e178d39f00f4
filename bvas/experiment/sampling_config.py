"""Configuration of sampling and of the targets of training clips."""

from dataclasses import dataclass

from bvas.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingConfig:
    """Sampling of training clips."""

    clips_per_epoch: int = 6000
    """Clips in one epoch."""
    action_window_frames: int = 9
    """Full width, in grid frames, of the window around an annotation that counts as action; odd."""
    action_probability: float = 0.5
    """Share of clips centered on an action; the others are drawn from all other frames."""
    shake_probability: float = 0.25
    """Share of clips whose frames are shaken."""
    shake_weights: tuple[float, float, float] = (0.2, 0.6, 0.2)
    """Odds that a frame of a shaken clip moves by -1, 0 and +1."""
    effective_number_beta: float = 0.0
    """Labels weigh by the inverse of their effective number of annotations (Cui et al. 2019), in [0, 1): at 0 all
    are alike, near 1 they weigh by the inverse of their number. The share of actions stays."""
    hard_negative_window_frames: int = 27
    """Full width of the window around an annotation without hard negatives, in grid frames; odd."""

    def __post_init__(self) -> None:
        if self.clips_per_epoch < 1:
            raise ConfigError(f"clips_per_epoch must be at least 1, got {self.clips_per_epoch}")
        for name in ("action_window_frames", "hard_negative_window_frames"):
            if getattr(self, name) < 1 or getattr(self, name) % 2 == 0:
                raise ConfigError(f"{name} must be odd and at least 1, got {getattr(self, name)}")
        if not 0.0 <= self.effective_number_beta < 1.0:
            raise ConfigError(f"effective_number_beta must lie in [0, 1), got {self.effective_number_beta}")
        for name in ("action_probability", "shake_probability"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if len(self.shake_weights) != 3 or min(self.shake_weights) < 0 or sum(self.shake_weights) <= 0:
            raise ConfigError(
                f"shake_weights must be three odds from 0 up, one above 0, got {self.shake_weights}; "
                "shake_probability=0 turns the shake off"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetConfig:
    """Window in which an annotation counts for a clip."""

    window_frames: int = 15
    """Full width, in grid frames, of the window around the clip's center; odd. 15 is +-7."""

    def __post_init__(self) -> None:
        if self.window_frames < 1 or self.window_frames % 2 == 0:
            raise ConfigError(f"window_frames must be odd and at least 1, got {self.window_frames}")
