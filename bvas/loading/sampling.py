"""Which frames an epoch's training clips are about, and how their frames are shaken.

Each sample has a random stream of its own, made from (seed, epoch, sample): what a sample
is depends neither on the other samples nor on who reads it, or when.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.loading.dataset import LabelledVideo


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


class FrameSampler(Protocol):
    """Draws center frames of one video; another rule is another class."""

    def draw(self, random: np.random.Generator) -> int:
        """Return a grid frame of the video."""
        ...


class ActionSampler:
    """With `action_probability` a frame near an annotation, else one of the others, uniformly in each part.

    A video without annotations, or with no other frames, draws from all it has.
    """

    def __init__(self, video: LabelledVideo, config: SamplingConfig) -> None:
        self._near = frames_near(video, config.action_window_frames)
        # Other frames that lie before each near one; the others are never listed.
        self._others_before = self._near - np.arange(len(self._near))
        self._num_others = video.num_frames - len(self._near)
        self._action_probability = config.action_probability

    def draw(self, random: np.random.Generator) -> int:
        """Return a grid frame of the video."""
        wants_action = random.random() < self._action_probability
        if len(self._near) and (wants_action or not self._num_others):
            return int(self._near[random.integers(len(self._near))])
        rank = int(random.integers(self._num_others))
        return rank + int(np.searchsorted(self._others_before, rank, side="right"))


def frames_near(video: LabelledVideo, window_frames: int) -> NDArray[np.int64]:
    """Return the grid frames in a window of that full width around any annotation, ascending."""
    reach = window_frames // 2
    near = (video.annotation_frames[:, None] + np.arange(-reach, reach + 1)).ravel()
    return np.unique(near[(near >= 0) & (near < video.num_frames)])


def shake(
    grid_frames: NDArray[np.int64], config: SamplingConfig, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return the clip's grid frames [T], in a shaken clip each moved by -1, 0 or +1. May leave the video."""
    if random.random() >= config.shake_probability:
        return grid_frames
    odds = np.asarray(config.shake_weights) / sum(config.shake_weights)
    shifts: NDArray[np.int64] = random.choice(np.array([-1, 0, 1]), size=len(grid_frames), p=odds)
    return grid_frames + shifts


def sample_stream(seed: int, epoch: int, sample: int) -> np.random.Generator:
    """Return the random stream that everything drawn for one sample comes from."""
    return np.random.default_rng(np.random.SeedSequence((seed, epoch, sample)))


def sample_seed(seed: int, epoch: int, sample: int) -> int:
    """Return a seed in [0, 2**63) for what is done to a clip later, apart from `sample_stream`."""
    sequence = np.random.SeedSequence((seed, epoch, sample), spawn_key=(1,))
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))
