"""Which frames an epoch's training clips are about, and how their frames are shaken.

Each sample has a random stream of its own, made from (seed, epoch, sample): what a sample
is depends neither on the other samples nor on who reads it, or when.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading.labelled_video import LabelledVideo


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
