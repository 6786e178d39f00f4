"""Classes of one video file: windows of a clip each, their probabilities, and one answer or a curve of them.

Clips are loaded as in training and validation, by `ClipLoader`: the same frames, the same geometry, the same repeated
edges. One answer for a video is that of its `ClassTestClips`, as when a sample is tested. A few batches are in memory
at a time, however long the video is.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from bvas.errors import ConfigError, DataError, DecodeError, ScoresError
from bvas.experiment.experiment import Experiment
from bvas.experiment.loading_config import LoadingConfig
from bvas.inference.classifier import VideoClassifier
from bvas.inference.video_remarks import log_adaptation
from bvas.loading.class_clips import ClassTestClips, spread_centers
from bvas.loading.clip_requests import Clips, FixedClips
from bvas.loading.labelled_video import LabelledVideo, label_video
from bvas.loading.loader import ClipLoader, shape_of_clips
from bvas.system.cpu_cores import CoreWatch
from bvas.tasks.class_runs import class_runs
from bvas.values.annotations import Gap, Interval
from bvas.values.color import to_unit_frames
from bvas.values.frame_boundaries import on_frames
from bvas.values.plural import count_text
from bvas.values.score_curve import ScoreCurve
from bvas.video.index.frame_grid import Grid
from bvas.video.index.frame_table import VideoIndex
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

DEFAULT_EVERY = 0.8
"""Seconds from one window of a long video to the next."""
SHORT_SECONDS = 10.0
"""A video of at most this length gets one answer by default; clips of Kinetics are as long."""
_LARGEST_GAP_SHARE = 0.2
# Values of a batch of clips: four of 16 frames of 112x112 on a CPU, which gains nothing from more.
_CPU_VALUES = 1 << 20
_CPU_CLIPS = 8
_CUDA_CLIPS = 16
_MOST_BYTES = 256 * 10**6
# Processes that read take longer to start than so many clips to be read.
_FEW_CLIPS = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """Windows of a video to be classified."""

    clips: Clips
    """Clips around them, in the same order."""
    centers: NDArray[np.int64]
    """Grid frames at their centers, ascending, each once."""
    is_one_answer: bool
    """Their mean is the answer for the whole video; else each has its own."""
    index: VideoIndex
    """Of the video."""

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Times of the centers."""
        return self.video.grid.seconds[self.centers]

    @property
    def video(self) -> LabelledVideo:
        """The video on the grid."""
        return self.clips.videos[0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VideoClasses:
    """Classes of one video."""

    path: Path
    curve: ScoreCurve
    """A row of probabilities for each window, NaN where it could not be decoded; of one answer a single row, at the
    middle of the video."""
    intervals: tuple[Interval, ...]
    """Stretches with the same most probable label."""
    gaps: tuple[Gap, ...]
    """Windows that could not be decoded."""
    duration_seconds: float
    failure: KeyboardInterrupt | None = None
    """Reason for an early end; the rows are of the windows before."""


def plan_windows(
    path: Path | str, experiment: Experiment, *, every: float | None = None, clips: int | None = None
) -> Windows:
    """Index a video, and choose its windows.

    Args:
        path: The video file.
        experiment: Clip, input and labels, of kind clip.
        every: Seconds from one window to the next: a row for each. Windows lie in the middle of their share of the
            video, so that the first is centered at half of it.
        clips: Evenly spaced windows whose mean is one answer for the whole video; fewer where it has no room for so
            many. None for both: one answer for a video of at most `SHORT_SECONDS`, by as many clips as samples are
            tested with; else a row every `DEFAULT_EVERY` seconds.

    Raises:
        ConfigError: `every` or `clips` is not positive, or both are given.
        DataError: the file is missing.
        DecodeError: it is not a video that can be read.
    """
    check_spacing(every, clips)
    path = Path(path)
    if not path.is_file():
        raise DataError(f"no file {path}")
    settings, labels = experiment.input, experiment.task.labels
    index, info = build_index(path)
    log_adaptation(path.name, info, settings)
    length = info.duration_seconds
    # The whole video is the sample.
    sample = Interval(labels.names[0], 0.0, length)
    video = label_video(path, (), labels, settings.rate, ranges=[sample], form=settings.form)
    if every is None and clips is None:
        clips = experiment.classes.test_clips if length <= SHORT_SECONDS else None
        every = DEFAULT_EVERY if clips is None else None
    if clips is not None:
        rules = replace(experiment.classes, test_clips=clips)
        return Windows(
            clips=ClassTestClips([video], experiment.clip, rules, labels.names),
            centers=spread_centers(0, video.num_frames, clips, experiment.clip),
            is_one_answer=True,
            index=index,
        )
    assert every is not None
    if experiment.classes.frame_order != "ordered":
        raise ConfigError(
            f"experiment {experiment.name} has frame_order {experiment.classes.frame_order!r}, a control that answers "
            "for whole samples; take one answer for the video (--clips 1)"
        )
    centers = centers_every(video.grid, length, every)
    return Windows(
        clips=FixedClips([video], experiment.clip, [centers]),
        centers=centers,
        is_one_answer=False,
        index=index,
    )


def check_spacing(every: float | None, clips: int | None) -> None:
    """Check how windows are to be spaced; arguments as of `plan_windows`.

    Raises:
        ConfigError: one of the two is not positive, or both are given.
    """
    if every is not None and not 0 < every < math.inf:
        raise ConfigError(f"every must be a positive number of seconds between windows, got {every:g}")
    if clips is not None and clips < 1:
        raise ConfigError(f"clips must be at least 1, got {clips}: their mean is the answer")
    if every is not None and clips is not None:
        raise ConfigError(
            f"every ({every:g} s) gives a row for each window, and clips ({clips}) one answer; take one of the two"
        )


def centers_every(grid: Grid, duration_seconds: float, every: float) -> NDArray[np.int64]:
    """Return the grid frames at `every / 2`, `3 * every / 2`, ... seconds, each once; at least one.

    A rest of less than half of `every` at the end of the video belongs to the last one.
    """
    number = max(1, math.floor(duration_seconds / every + 0.5 + 1e-9))
    wanted = (np.arange(number) + 0.5) * every if number > 1 else [min(every, duration_seconds) / 2]
    return np.unique([grid.nearest(float(seconds)) for seconds in wanted]).astype(np.int64)


def classify_windows(
    windows: Windows,
    classifier: VideoClassifier,
    *,
    strict: bool = False,
    workers: Mapping[str, int] | Literal["auto", 0] = "auto",
    batch_size: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    in_part: bool = False,
) -> VideoClasses:
    """Return the classes of a video's windows.

    Args:
        windows: From `plan_windows`, with the classifier's experiment.
        classifier: The networks.
        strict: Raise where a window cannot be decoded, instead of leaving a gap.
        workers: As `ClipLoader` takes it; "auto" reads a few clips in this process.
        batch_size: Clips computed at once; None chooses by device and size. Results do not depend on it beyond the
            rounding of float32.
        progress: Called with (windows done, windows in all).
        in_part: Where Ctrl-C is pressed, return the result of the windows before, with the `failure`.

    Raises:
        DecodeError: more than a fifth of the windows cannot be decoded, or `strict` and one cannot.
        ScoresError: the networks give NaN or infinity.
        WorkerError: as `ClipLoader`.
    """
    experiment, centers = classifier.experiment, windows.centers
    labels, form = experiment.task.labels, experiment.input.form
    clips = windows.clips
    if batch_size is None:
        batch_size = default_batch(classifier.device, math.prod(shape_of_clips(form, clips)), experiment)
    if workers == "auto" and len(centers) <= _FEW_CLIPS:
        workers = 0
    scores = np.full((len(centers), len(labels)), np.nan, np.float32)
    num_done = 0
    failure: KeyboardInterrupt | None = None
    loading = ClipLoader(
        clips,
        batch_size,
        size=form,
        workers=workers,
        device=classifier.device,
        loading=LoadingConfig(prefetch_batches=1, max_skip_share=1.0),
        on_error="raise" if strict else "skip",
        luma_scaling=experiment.input.luma_scaling,
    )
    with CoreWatch() as cores, loading as loader:
        try:
            for batch in loader.epoch(0):
                frames = to_unit_frames(batch.frames, batch.forms, experiment.input.luma_scaling)
                rows = np.searchsorted(centers, batch.centers.numpy())
                scores[rows] = _checked(classifier.probabilities(frames), windows.video.path)
                num_done = int(rows[-1]) + 1
                cores.follow()
                if progress is not None:
                    progress(num_done, len(centers))
        except KeyboardInterrupt as error:
            if not in_part or windows.is_one_answer or not num_done:
                raise
            scores, failure = scores[:num_done], error
    if failure is None:
        _check_gaps(windows, scores)
    seconds = windows.seconds[: len(scores)]
    if windows.is_one_answer:
        mean = np.asarray(np.nanmean(scores, axis=0, dtype=np.float64, keepdims=True), np.float32)
        middle = windows.video.grid.seconds[[windows.video.num_frames // 2]]
        curve = ScoreCurve(mean, middle, labels.names)
    else:
        curve = ScoreCurve(scores, seconds, labels.names)
    index = windows.index
    # Behind the last window that is done nothing is known.
    runs = class_runs(curve, index.duration_seconds if failure is None else None)
    return VideoClasses(
        path=windows.video.path,
        curve=curve,
        intervals=on_frames(runs, index.seconds, index.duration_seconds),
        gaps=tuple(replace(gap, reason="not decoded") for gap in curve.gaps()),
        duration_seconds=index.duration_seconds,
        failure=failure,
    )


def default_batch(device: torch.device, clip_bytes: int, experiment: Experiment) -> int:
    """Return how many clips are computed at once.

    Args:
        device: Device that computes.
        clip_bytes: Bytes of a clip as it is read: of the source's size where the device scales.
        experiment: Its clips and their size.
    """
    most = _CUDA_CLIPS
    if device.type == "cpu":
        most = min(_CPU_CLIPS, _CPU_VALUES // (experiment.clip.num_frames * math.prod(experiment.input.size)))
    return max(1, min(most, _MOST_BYTES // clip_bytes))


def clip_seconds(classifier: VideoClassifier) -> float:
    """Return how long the networks take for one clip, in seconds: the shorter of two trials."""
    experiment = classifier.experiment
    shape = (1, experiment.clip.num_frames, *experiment.input.form.unit_shape)
    black = torch.zeros(shape, device=classifier.device)
    trials = []
    for _ in range(2):
        start = time.perf_counter()
        classifier.probabilities(black)
        trials.append(time.perf_counter() - start)
    return min(trials)


def _checked(scores: NDArray[np.float32], path: Path) -> NDArray[np.float32]:
    if not np.isfinite(scores).all():
        raise ScoresError(
            f"{path}: the model gives probabilities that are NaN or infinite; try --precision float32, or other weights"
        )
    return scores


def _check_gaps(windows: Windows, scores: NDArray[np.float32]) -> None:
    """Warn of windows that could not be decoded; refuse a video with more than a fifth of them."""
    num_lost, path = int(np.isnan(scores).any(axis=1).sum()), windows.video.path
    lost = f"{path}: {num_lost} of {count_text(len(scores), 'window')} cannot be decoded"
    if num_lost > _LARGEST_GAP_SHARE * len(scores):
        raise DecodeError(
            f"{lost}, more than {_LARGEST_GAP_SHARE:.0%}; repair or re-encode the file", path=path
        )
    if num_lost:
        logger.warning("%s; the answer is that of the others", lost)
