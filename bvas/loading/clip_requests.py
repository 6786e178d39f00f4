"""Clip requests of an epoch: frame indices plus targets, as plain data.

`TrainingClips` are drawn at random in each epoch; `FixedClips` are the same in each epoch, in order.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.experiment.sampling_config import SamplingConfig, TargetConfig
from bvas.loading.labelled_video import LabelledVideo
from bvas.loading.sampling import ActionSampler, sample_seed, sample_stream, shake
from bvas.loading.targets import targets_at
from bvas.values.clip_config import ClipConfig, clamp_indices
from bvas.values.input_format import Cut


@dataclass(frozen=True, slots=True, eq=False)
class ClipRequest:
    """One clip to be read."""

    video_id: int
    """Index into the list of videos."""
    center: int
    """Grid frame at the clip's center."""
    indices: NDArray[np.int64]
    """Source frames [T] of the clip, in clip order."""
    targets: NDArray[np.float32]
    """[K]: in [0, 1]; of kind clip the class's weight in the loss, and 0 for all others."""
    seed: int
    """Random seed of the augmentation, derived from (seed, epoch, sample)."""
    cuts: tuple[Cut, ...] | None = None
    """Part of each picture [T] that fills the frame, such as a box per frame; None: by the input's `fit`."""


class Clips(ABC):
    """Clips that a `ClipLoader` can load."""

    sequential: ClassVar[bool]
    """Whether neighbors in the epoch are neighbors in the video, so that one pass may read several."""
    num_clips: int
    """Clips in an epoch."""

    def __init__(
        self, videos: Sequence[LabelledVideo], clip: ClipConfig, targets: TargetConfig | None
    ) -> None:
        """Take what all clips share.

        Args:
            videos: At least one, all of one label set; a request's `video_id` is an index into them.
            clip: Number and spacing of a clip's frames.
            targets: The window of the target; the reference system's by default.

        Raises:
            ConfigError: no videos, or videos of different label sets.
        """
        if not videos:
            raise ConfigError("no videos to take clips from; give at least one")
        numbers = sorted({video.num_labels for video in videos})
        if len(numbers) > 1:
            raise ConfigError(f"videos of one loader must share one label set, got sets of {numbers} labels")
        self.videos = tuple(videos)
        self.clip = clip
        self.targets = targets or TargetConfig()

    @abstractmethod
    def request(self, sample: int, *, epoch: int, seed: int, attempt: int = 0) -> ClipRequest | None:
        """Return clip `sample` of an epoch.

        Args:
            sample: In [0, num_clips).
            epoch: From 0 up.
            seed: The run's seed, from 0 up.
            attempt: Draws of this sample that could not be decoded. None is returned when no draw is left; for a first
                attempt there always is one.
        """

    def requests(self, epoch: int, *, seed: int = 0) -> list[ClipRequest]:
        """Return all clips of an epoch, in order."""
        found = (self.request(sample, epoch=epoch, seed=seed) for sample in range(self.num_clips))
        return [request for request in found if request is not None]

    def frames_at(self, video_id: int, center: int) -> NDArray[np.int64]:
        """Return the grid frames [T] of a clip, in order."""
        return self.clip.indices(center, self.videos[video_id].num_frames)

    def _request_at(
        self, video_id: int, center: int, frames: NDArray[np.int64], random_seed: int
    ) -> ClipRequest:
        """Return the request of a clip of these grid frames."""
        video = self.videos[video_id]
        targets = targets_at(center, video, self.targets)
        return ClipRequest(video_id, center, video.grid.indices[frames], targets, random_seed)


class TrainingClips(Clips):
    """Clips drawn at random: a video uniformly, then a frame of it."""

    sequential = False

    def __init__(
        self,
        videos: Sequence[LabelledVideo],
        clip: ClipConfig,
        *,
        sampling: SamplingConfig | None = None,
        targets: TargetConfig | None = None,
        samplers: Sequence[ActionSampler] | None = None,
        random_crop: bool = False,
    ) -> None:
        """Prepare the draws.

        Args:
            videos: At least one, all of one label set.
            clip: Number and spacing of a clip's frames.
            sampling: How clips are drawn and shaken; the reference system's values by default.
            targets: The window of the target; the reference system's by default.
            samplers: Sampler of center frames, one per video; `ActionSampler` by default.
            random_crop: Draw the place where `crop` and `stretch` cut out the frame, one for each clip.

        Raises:
            ConfigError: no videos, videos of different label sets, or a wrong number of samplers.
        """
        super().__init__(videos, clip, targets)
        self.sampling = sampling or SamplingConfig()
        self.num_clips = self.sampling.clips_per_epoch
        if samplers is None:
            samplers = [ActionSampler(video, self.sampling) for video in videos]
        self._samplers = samplers
        self._random_crop = random_crop
        if len(self._samplers) != len(self.videos):
            raise ConfigError(f"{len(self.videos)} videos need as many samplers, got {len(self._samplers)}")

    def request(self, sample: int, *, epoch: int, seed: int, attempt: int = 0) -> ClipRequest:
        """Return draw number `attempt` of the sample's own stream: see `Clips.request`."""
        random = sample_stream(seed, epoch, sample)
        for _ in range(attempt + 1):
            video_id = int(random.integers(len(self.videos)))
            video = self.videos[video_id]
            center = self._samplers[video_id].draw(random)
            # Shaken before they are clamped to the video: at an edge, too, each frame moves by itself.
            frames = center - self.clip.frames_before + np.arange(self.clip.num_frames) * self.clip.frame_step
            frames = clamp_indices(shake(frames, self.sampling, random), video.num_frames)
        request = self._request_at(video_id, center, frames, sample_seed(seed, epoch, sample))
        if not self._random_crop:
            return request
        down, right = random.random(2).tolist()
        return replace(request, cuts=(Cut(place=(down, right)),) * self.clip.num_frames)


class FixedClips(Clips):
    """Clips at given centers, video by video in ascending order, as for validation."""

    sequential = True

    def __init__(
        self,
        videos: Sequence[LabelledVideo],
        clip: ClipConfig,
        centers: Sequence[Sequence[int] | NDArray[np.int64]],
        *,
        targets: TargetConfig | None = None,
    ) -> None:
        """Keep the centers.

        Args:
            videos: At least one, all of one label set.
            clip: Number and spacing of a clip's frames.
            centers: For each video the grid frames at the centers of clips; sorted here.
            targets: The window of the target; the reference system's by default.

        Raises:
            ConfigError: no videos or no centers, videos of different label sets, or a center
                outside its video.
        """
        super().__init__(videos, clip, targets)
        if len(centers) != len(videos):
            raise ConfigError(f"{len(videos)} videos need as many lists of centers, got {len(centers)}")
        self._centers = [np.sort(np.asarray(frames, dtype=np.int64)) for frames in centers]
        for video, frames in zip(self.videos, self._centers, strict=True):
            if len(frames) and not (0 <= frames[0] and frames[-1] < video.num_frames):
                raise ConfigError(
                    f"centers {frames[0]} to {frames[-1]} leave {video.path.name}, which has grid frames "
                    f"0 to {video.num_frames - 1}"
                )
        self._stops = np.cumsum([len(frames) for frames in self._centers])
        self.num_clips = int(self._stops[-1])
        if not self.num_clips:
            raise ConfigError("no centers, so there is no clip to load; give at least one")

    def request(self, sample: int, *, epoch: int, seed: int, attempt: int = 0) -> ClipRequest | None:
        """Return the clip, or None for a second attempt: a fixed clip has no replacement."""
        if attempt:
            return None
        video_id = int(np.searchsorted(self._stops, sample, side="right"))
        # A negative index, counted from the end of the video's list.
        center = int(self._centers[video_id][sample - self._stops[video_id]])
        frames = self.frames_at(video_id, center)
        return self._request_at(video_id, center, frames, sample_seed(seed, epoch, sample))
