"""Random draws of training clips: center frames, frame shake, and the random stream of each sample.

Each sample has a random stream of its own, made from (seed, epoch, sample). So a sample depends neither on other
samples nor on the worker that reads it.
"""

import numpy as np
from numpy.typing import NDArray

from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading.labelled_video import LabelledVideo


class ActionSampler:
    """Draws a frame near an annotation or in a range with `action_probability`, else one of the others.

    Each is drawn uniformly.

    In a video without annotations, or without other frames, all frames are alike.
    """

    def __init__(self, video: LabelledVideo, config: SamplingConfig) -> None:
        self._near = frames_near(video, config.action_window_frames)
        # Number of other frames before each near one: the others are found by search instead of listed.
        self._others_before = self._near - np.arange(len(self._near))
        self._num_others = video.num_frames - len(self._near)
        self._action_probability = config.action_probability

    def draw(self, random: np.random.Generator) -> int:
        """Return a grid frame of the video."""
        wants_action = random.random() < self._action_probability
        if len(self._near) and (wants_action or not self._num_others):
            return int(self._near[self._place_near(random)])
        rank = self._place_among_others(random)
        return rank + int(np.searchsorted(self._others_before, rank, side="right"))

    def _place_near(self, random: np.random.Generator) -> int:
        return int(random.integers(len(self._near)))

    def _place_among_others(self, random: np.random.Generator) -> int:
        return int(random.integers(self._num_others))


def frames_near(video: LabelledVideo, window_frames: int) -> NDArray[np.int64]:
    """Return the grid frames within a window of this full width around any annotation or frame of a range, ascending.

    A window of 1 holds the annotations and ranges themselves.
    """
    reach = window_frames // 2
    near = (video.annotation_frames[:, None] + np.arange(-reach, reach + 1)).ravel()
    stretches = [np.arange(start - reach, stop + reach) for start, stop, _ in video.ranges.tolist()]
    near = np.concatenate([near, *stretches])
    return np.unique(near[(near >= 0) & (near < video.num_frames)])


def shake(
    grid_frames: NDArray[np.int64], config: SamplingConfig, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return the clip's grid frames [T], each moved by -1, 0 or +1 if the clip is shaken; may leave the video."""
    if random.random() >= config.shake_probability:
        return grid_frames
    odds = np.asarray(config.shake_weights) / sum(config.shake_weights)
    shifts: NDArray[np.int64] = random.choice(np.array([-1, 0, 1]), size=len(grid_frames), p=odds)
    return grid_frames + shifts


def sample_stream(seed: int, epoch: int, sample: int) -> np.random.Generator:
    """Return the random stream of everything that is drawn for one sample."""
    return np.random.default_rng(np.random.SeedSequence((seed, epoch, sample)))


def sample_seed(seed: int, epoch: int, sample: int) -> int:
    """Return a random seed in [0, 2**63) for a clip's augmentation, independent of `sample_stream`."""
    sequence = np.random.SeedSequence((seed, epoch, sample), spawn_key=(1,))
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))
