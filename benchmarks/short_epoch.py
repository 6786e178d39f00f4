"""An epoch as dense as the real one, over halves short enough to be made by a script.

The real one draws 6000 clips from the 12 halves of six matches, 67,500 frames each: 1.85 clips for every 250
frames. Fewer frames get fewer clips in the same proportion; the resolution, the coding and the rule by which
clips are drawn stay.
"""

import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from videos import Codec, kept_video

from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading.clip_requests import ClipRequest, TrainingClips
from bvas.loading.labelled_video import LabelledVideo, label_video
from bvas.system.cpu_cores import num_cpus
from bvas.values.annotations import Annotation, LabelSet
from bvas.values.clip_config import ClipConfig
from bvas.video.decode.open_video import open_video

REAL_HALVES = 12
REAL_FRAMES = 67_500
REAL_CLIPS = 6000
REAL_VALIDATION_CLIPS = 2600
RATE = 25
LABELS = LabelSet(("PASS", "DRIVE"))

# Of 12,357 annotations of seven matches: (percentile, frames from one to the next).
_GAPS = ((0, 2), (1, 7), (5, 15), (25, 26), (50, 39), (75, 65))
# Above the last: what makes the mean 76 frames, so that 14 halves have as many.
_MEAN_TAIL = 138
# Of these labels.
_SHARE = (4955 + 4274) / 12_357

# Rows and columns between the pixels that stand for a frame.
_SPACING = 16


class Contender(Protocol):
    """A way to load an epoch."""

    def clips(self, epoch: int) -> Iterator[tuple[Sequence[int], Any]]:
        """Yield batches: the samples of the epoch [B], and their frames, a uint8 tensor [B, T, H, W]."""
        ...


def real_share(num_frames: int, of: int = REAL_CLIPS) -> int:
    """Return how many clips of the real epoch belong to as many frames; at least one."""
    return max(round(of * num_frames / (REAL_HALVES * REAL_FRAMES)), 1)


def annotation_frames(random: np.random.Generator, num_frames: int) -> NDArray[np.int64]:
    """Return frames of passes and drives, as far apart as those of real matches; ascending."""
    percents, frames = np.array(_GAPS, dtype=float).T
    draws = random.uniform(0, 100, size=num_frames // 10 + 10)
    gaps = np.interp(draws, percents, frames)
    in_tail = draws > percents[-1]
    gaps[in_tail] += random.exponential(_MEAN_TAIL, size=int(in_tail.sum()))
    times = np.cumsum(gaps).astype(np.int64)
    times = times[random.uniform(size=len(times)) < _SHARE]
    return times[times < num_frames]


def make_halves(
    folder: Path,
    *,
    num_halves: int,
    num_frames: int,
    size: tuple[int, int],
    keyframe_interval: int,
    codec: Codec = "h264",
) -> list[LabelledVideo]:
    """Return labelled videos, each of its own picture; those that the folder holds are not made again."""
    make = partial(
        kept_video,
        folder,
        size=size,
        num_frames=num_frames,
        keyframe_interval=keyframe_interval,
        codec=codec,
    )
    videos = []
    with ProcessPoolExecutor(num_cpus(), mp_context=get_context("spawn")) as pool:
        made = [pool.submit(make, seed=number) for number in range(num_halves)]
        for number, path in enumerate(made):
            frames = annotation_frames(np.random.default_rng(number), num_frames)
            annotations = [
                Annotation(LABELS.names[place % 2], frame / RATE) for place, frame in enumerate(frames)
            ]
            videos.append(label_video(path.result(), annotations, LABELS, RATE))
    return videos


def short_epoch(videos: Sequence[LabelledVideo], *, repeat: int = 1) -> TrainingClips:
    """Return clips as dense as the real ones, drawn as the seed system draws them.

    Args:
        videos: What to draw from.
        repeat: Times that many.
    """
    num_clips = repeat * real_share(sum(video.num_frames for video in videos))
    return TrainingClips(videos, ClipConfig(), sampling=SamplingConfig(clips_per_epoch=num_clips))


@dataclass(frozen=True, slots=True)
class Expected:
    """The frames of an epoch as the reference reads them, clip by clip."""

    requests: list[ClipRequest]
    checksums: list[int]
    samples: list[NDArray[np.uint8]]
    """Some pixels of each frame [T, h, w]."""

    @classmethod
    def read(cls, clips: TrainingClips, epoch: int) -> "Expected":
        """Read each clip with `pyav`, one by one."""
        requests = clips.requests(epoch)
        found = cls(requests, [0] * len(requests), [np.empty(0, np.uint8)] * len(requests))
        for video_id, video in enumerate(clips.videos):
            with open_video(video.path, "pyav") as reader:
                for number, request in enumerate(requests):
                    if request.video_id == video_id:
                        frames = reader.read(request.indices).numpy()
                        found.checksums[number] = zlib.crc32(frames)
                        found.samples[number] = frames[:, ::_SPACING, ::_SPACING].copy()
        return found

    def check(self, name: str, contender: Contender, epoch: int, *, stretched: bool = False) -> None:
        """End the program unless an epoch is each sample once, with the right frames.

        Args:
            name: For the message.
            contender: What loads it.
            epoch: The epoch that was read.
            stretched: It delivers full-range gray made from color, whose pixels are equal within rounding.
        """
        seen = []
        for numbers, frames in contender.clips(epoch):
            for number, clip in zip(numbers, frames.cpu().numpy(), strict=True):
                seen.append(number)
                if stretched:
                    wanted = np.clip((self.samples[number].astype(np.float32) - 16) * (255 / 219), 0, 255)
                    pixels = clip[:, ::_SPACING, ::_SPACING]
                    sound = (
                        pixels.shape == wanted.shape and np.abs(pixels - wanted).mean(axis=(1, 2)).max() < 2
                    )
                else:
                    sound = zlib.crc32(np.ascontiguousarray(clip)) == self.checksums[number]
                if not sound:
                    request = self.requests[number]
                    raise SystemExit(
                        f"{name}: the clip at frame {request.center} of video {request.video_id} is wrong"
                    )
        if sorted(seen) != list(range(len(self.requests))):
            raise SystemExit(f"{name} delivers {len(seen)} clips, and not each of {len(self.requests)} once")
