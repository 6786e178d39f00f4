"""Configuration of how training clips are drawn, and of what they are asked for."""

from dataclasses import dataclass

from bvas.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingConfig:
    """How training clips are drawn."""

    clips_per_epoch: int = 6000
    """Clips in one epoch."""
    action_window_frames: int = 9
    """Full width, in grid frames, of the stretch around an annotation that counts as action; odd."""
    action_probability: float = 0.5
    """Share of the clips that are centered on an action; the rest is drawn from all other frames."""
    shake_probability: float = 0.25
    """Share of the clips whose frames are shaken."""
    shake_weights: tuple[float, float, float] = (0.2, 0.6, 0.2)
    """In a shaken clip, the odds of each frame to be moved by -1, 0 and +1."""
    effective_number_beta: float = 0.0
    """Labels weigh by the inverse of their effective number of annotations (Cui et al. 2019), in [0, 1): 0 is all
    alike, near 1 is the inverse of their number. The weights change which actions are drawn, not how many."""
    hard_negative_window_frames: int = 27
    """Full width of the stretch around an annotation in which a score curve raises no odds; odd."""

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
    """How near an annotation must be to count for a clip."""

    window_frames: int = 15
    """Full width, in grid frames, of the window around the clip's center; odd. 15 is +-7."""

    def __post_init__(self) -> None:
        if self.window_frames < 1 or self.window_frames % 2 == 0:
            raise ConfigError(f"window_frames must be odd and at least 1, got {self.window_frames}")
