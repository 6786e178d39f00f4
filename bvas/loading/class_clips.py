"""Clips of samples: short videos or ranges of videos, each with one class.

`ClassTrainingClips` are drawn again in each epoch, at most so many of a class; `ClassTestClips` are the same in each
epoch. A clip never leaves its sample: frames before its first or after its last are that frame again.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.experiment.class_config import ClassConfig, FrameOrder
from bvas.loading.clip_requests import ClipRequest, Clips
from bvas.loading.labelled_video import LabelledVideo
from bvas.loading.sampling import sample_seed, sample_stream
from bvas.values.clip_config import ClipConfig
from bvas.values.input_format import Cut

# Kinds of draws that have a random stream of their own, as keys of `SeedSequence`.
_OF_EPOCH, _OF_STARTS, _OF_FRAMES = 11, 12, 13


def possible_centers(start: int, stop: int, clip: ClipConfig, spacing: int = 1) -> NDArray[np.int64]:
    """Return the centers of the clips that fit into frames [start, stop); one in the middle where none fits.

    Args:
        start: First grid frame.
        stop: Grid frame behind the last.
        clip: The clips.
        spacing: Frames from one clip's start to the next.
    """
    if stop - start < clip.span:
        return spread_centers(start, stop, 1, clip)
    return np.arange(start, stop - clip.span + 1, spacing) + clip.frames_before


def spread_centers(start: int, stop: int, num_clips: int, clip: ClipConfig) -> NDArray[np.int64]:
    """Return the centers of evenly spaced clips in frames [start, stop): one in the middle, or from end to end.

    They are distinct, and fewer than `num_clips` where the frames have no room for so many.
    """
    room = stop - start - clip.span
    if room <= 0 or num_clips == 1:
        places = np.array([room // 2])
    else:
        places = np.unique(np.linspace(0, room, num_clips).round().astype(np.int64))
    return start + places + clip.frames_before


class SampleClips(Clips):
    """What clips of samples share."""

    def __init__(
        self,
        videos: Sequence[LabelledVideo],
        clip: ClipConfig,
        config: ClassConfig,
        labels: Sequence[str],
        weights: Sequence[float] | None = None,
    ) -> None:
        """Take the samples.

        Args:
            videos: At least one; the only range of each is the sample.
            clip: Number and spacing of a clip's frames.
            config: Order of frames, and more.
            labels: Names of the classes.
            weights: Weight of each class in the loss; None: 1.

        Raises:
            ConfigError: no videos.
        """
        super().__init__(videos, clip, None)
        assert all(video.ranges.shape == (1, 3) for video in videos), "a sample has one range"
        self.ranges = np.concatenate([video.ranges for video in videos])
        """[S, 3]: first frame, frame behind the last, and class of each sample."""
        self.labels = tuple(labels)
        self._config = config
        self._weights = (
            np.ones(len(labels), np.float32) if weights is None else np.asarray(weights, np.float32)
        )

    def frames_at(self, video_id: int, center: int) -> NDArray[np.int64]:
        """Return the grid frames [T] of a clip, in order, within the sample."""
        start, stop, _ = self.ranges[video_id].tolist()
        first = center - self.clip.frames_before
        return np.clip(first + np.arange(self.clip.num_frames) * self.clip.frame_step, start, stop - 1)

    def _sample_request(
        self, video_id: int, center: int, random_seed: int, frame_draw: np.random.Generator | None
    ) -> ClipRequest:
        """Return the request of a clip; without a draw a single frame is the middle one."""
        frames = _ordered(self.frames_at(video_id, center), self._config.frame_order, frame_draw)
        label = int(self.ranges[video_id, 2])
        targets = np.zeros(len(self.labels), np.float32)
        targets[label] = self._weights[label]
        video = self.videos[video_id]
        return ClipRequest(video_id, center, video.grid.indices[frames], targets, random_seed)


class ClassTrainingClips(SampleClips):
    """Clips of samples for training: at most so many of each class, others in each epoch."""

    sequential = False

    def __init__(
        self,
        videos: Sequence[LabelledVideo],
        clip: ClipConfig,
        config: ClassConfig,
        labels: Sequence[str],
        *,
        random_crop: bool = False,
    ) -> None:
        """Prepare the draws; the arguments are those of `SampleClips`.

        Args:
            random_crop: Draw the place where `crop` and `stretch` cut out the frame, one for each clip.
        """
        super().__init__(videos, clip, config, labels)
        self._random_crop = random_crop
        self._centers = [
            possible_centers(start, stop, clip, config.spacing_frames)
            for start, stop, _ in self.ranges.tolist()
        ]
        most = config.clips_per_sample
        slots = [len(centers) if most is None else min(most, len(centers)) for centers in self._centers]
        entries = [(video_id, slot) for video_id, number in enumerate(slots) for slot in range(number)]
        self._pools: list[list[tuple[int, int]]] = [[] for _ in labels]
        for entry in entries:
            self._pools[int(self.ranges[entry[0], 2])].append(entry)
        self.counts = dict(zip(labels, map(len, self._pools), strict=True))
        """Possible clips of an epoch by class."""
        self.drawn = config.balanced_counts(self.counts)
        """Clips of an epoch by class."""
        self.num_clips = sum(self.drawn.values())
        weights = config.weights(self.drawn)
        self._weights = np.array([weights[name] for name in labels], np.float32)
        self._epoch: tuple[int, int] | None = None
        self._chosen: list[tuple[int, int]] = []

    def request(self, sample: int, *, epoch: int, seed: int, attempt: int = 0) -> ClipRequest:
        """Return clip `sample`, or for further attempts a random clip of the same class: see `Clips.request`."""
        video_id, slot = self._drawn_in(epoch, seed)[sample]
        random = sample_stream(seed, epoch, sample)
        pool = self._pools[int(self.ranges[video_id, 2])]
        for _ in range(attempt):
            video_id, slot = pool[int(random.integers(len(pool)))]
        center = int(self._centers[video_id][self._place(video_id, slot, epoch, seed)])
        request = self._sample_request(
            video_id, center, sample_seed(seed, epoch, sample), _stream(_OF_FRAMES, seed, epoch, sample)
        )
        if not self._random_crop:
            return request
        down, right = random.random(2).tolist()
        return replace(request, cuts=(Cut(place=(down, right)),) * self.clip.num_frames)

    def _drawn_in(self, epoch: int, seed: int) -> list[tuple[int, int]]:
        """Return the clips of an epoch as samples and their slots, in random order."""
        if self._epoch != (epoch, seed):
            random = _stream(_OF_EPOCH, seed, epoch)
            drawn = []
            for name, pool in zip(self.labels, self._pools, strict=True):
                drawn += [pool[place] for place in random.permutation(len(pool))[: self.drawn[name]]]
            self._chosen = [drawn[place] for place in random.permutation(len(drawn))]
            self._epoch = (epoch, seed)
        return self._chosen

    def _place(self, video_id: int, slot: int, epoch: int, seed: int) -> int:
        """Return which of a sample's possible clips a slot is; slots of an epoch are distinct clips."""
        if self._config.choice == "first":
            return slot
        order = _stream(_OF_STARTS, seed, epoch, video_id).permutation(len(self._centers[video_id]))
        return int(order[slot])


class ClassTestClips(SampleClips):
    """Evenly spaced clips of samples, sample by sample."""

    sequential = True

    def __init__(
        self, videos: Sequence[LabelledVideo], clip: ClipConfig, config: ClassConfig, labels: Sequence[str]
    ) -> None:
        """Place the clips; the arguments are those of `SampleClips`."""
        super().__init__(videos, clip, config, labels)
        self._places = [
            (video_id, center)
            for video_id, (start, stop, _) in enumerate(self.ranges.tolist())
            for center in spread_centers(start, stop, config.test_clips, clip).tolist()
        ]
        self.num_clips = len(self._places)

    def request(self, sample: int, *, epoch: int, seed: int, attempt: int = 0) -> ClipRequest | None:
        """Return the clip, or None for a second attempt: it has no replacement."""
        if attempt:
            return None
        video_id, center = self._places[sample]
        shuffling = _stream(_OF_FRAMES, seed, 0, sample) if self._config.frame_order == "shuffled" else None
        return self._sample_request(video_id, center, sample_seed(seed, epoch, sample), shuffling)


def count_classes(videos: Sequence[LabelledVideo], labels: Sequence[str]) -> dict[str, int]:
    """Return the number of samples of each class."""
    counts = Counter(int(video.ranges[0, 2]) for video in videos)
    return {name: counts[number] for number, name in enumerate(labels)}


def check_classes(videos: Sequence[LabelledVideo], labels: Sequence[str]) -> list[str]:
    """Return the classes without a sample.

    Raises:
        ConfigError: fewer than two classes have samples.
    """
    counts = count_classes(videos, labels)
    there = [name for name, count in counts.items() if count]
    if len(there) < 2:
        raise ConfigError(
            f"samples of {there[0] if there else 'no class'} alone, and a classifier needs two classes at least: "
            f"{', '.join(labels)}; add samples of others"
        )
    return [name for name, count in counts.items() if not count]


def _ordered(
    frames: NDArray[np.int64], order: FrameOrder, random: np.random.Generator | None
) -> NDArray[np.int64]:
    if order == "ordered":
        return frames
    if order == "single":
        place = len(frames) // 2 if random is None else int(random.integers(len(frames)))
        return np.full_like(frames, frames[place])
    assert random is not None
    return frames[random.permutation(len(frames))]


def _stream(purpose: int, *numbers: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(numbers, spawn_key=(purpose,)))
