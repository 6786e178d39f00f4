"""Actions of players: the class of each window of each player."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, DecodeError, ScoresError
from bvas.inference.class_rows import top_classes
from bvas.inference.class_windows import centers_every, check_spacing, default_batch
from bvas.inference.classifier import VideoClassifier
from bvas.players.player_crops import Crop, CropReader, window_crops
from bvas.players.player_windows import PlayerWindow, player_windows
from bvas.players.players_result import PlayerAction
from bvas.tracking.tracks import Track
from bvas.values.plural import count_text
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.decode.open_video import open_video
from bvas.video.index.frame_grid import Grid, make_grid
from bvas.video.index.frame_table import VideoIndex

logger = logging.getLogger(__name__)

_LARGEST_GAP_SHARE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlayerActions:
    """Actions of all players."""

    actions: tuple[tuple[PlayerAction, ...], ...]
    """Of each track, in order of time."""
    num_lost: int
    """Windows that could not be decoded; they have no action."""


def plan_players(
    index: VideoIndex, tracks: Sequence[Track], classifier: VideoClassifier, every: float
) -> list[PlayerWindow]:
    """Return the windows of all players: see `player_windows`.

    Args:
        index: The video.
        tracks: With a box in each frame in which the player is visible.
        classifier: Its experiment has the grid's rate and the clip.
        every: Seconds from one window to the next.

    Raises:
        ConfigError: `every` is not positive, or the experiment's frames are not in order.
    """
    check_spacing(every, None)
    experiment = classifier.experiment
    if experiment.classes.frame_order != "ordered":
        raise ConfigError(
            f"experiment {experiment.name} has frame_order {experiment.classes.frame_order!r}, a control for whole "
            "samples; take one whose frames are in order"
        )
    grid = make_grid(index, experiment.input.rate)
    centers = centers_every(grid, index.duration_seconds, every)
    return player_windows(tracks, grid, centers, experiment.clip)


def classify_players(
    index: VideoIndex,
    tracks: Sequence[Track],
    windows: Sequence[PlayerWindow],
    classifier: VideoClassifier,
    *,
    reading: ReadOptions = DEFAULT_READING,
    batch_size: int | None = None,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> PlayerActions:
    """Return the actions of all players, in one pass over the video.

    Memory holds the crops of one window of each player, however long the video is.

    Args:
        index: The video.
        tracks: The players.
        windows: Of `plan_players`.
        classifier: The networks.
        reading: Stream, rate and tone.
        batch_size: Clips computed at once; None chooses by device and size. Results do not depend on it beyond the
            rounding of float32.
        strict: Raise where a window cannot be decoded.
        progress: Called with the windows done and all there are.

    Raises:
        DecodeError: more than a fifth of the windows cannot be decoded, or `strict` and one cannot.
        ScoresError: the networks give NaN or infinity.
    """
    experiment = classifier.experiment
    grid = make_grid(index, experiment.input.rate)
    with open_video(
        index.path,
        **experiment.input.form.reading,
        device=str(classifier.device),
        stream=reading.stream,
        rate=reading.rate,
        tone=reading.tone,
    ) as reader:
        device = None if classifier.takes_arrays else classifier.device
        crops = CropReader(reader, experiment.input, grid, device)
        batches = _Batches(classifier, crops, grid, index, len(tracks), batch_size)
        num_lost = _run(windows, tracks, crops, batches, strict=strict, progress=progress)
    if num_lost > _LARGEST_GAP_SHARE * len(windows):
        raise DecodeError(
            f"{index.path}: {num_lost} of {count_text(len(windows), 'window')} cannot be decoded, more than "
            f"{_LARGEST_GAP_SHARE:.0%}; repair or re-encode the file",
            path=index.path,
        )
    return PlayerActions(
        actions=tuple(tuple(sorted(one, key=lambda action: action.seconds)) for one in batches.actions),
        num_lost=num_lost,
    )


def _run(
    windows: Sequence[PlayerWindow],
    tracks: Sequence[Track],
    crops: CropReader,
    batches: "_Batches",
    *,
    strict: bool,
    progress: Callable[[int, int], None] | None,
) -> int:
    """Give each window to the batches as soon as its frames are read; return how many could not be decoded."""
    num_lost = 0
    for done, (window, clip, error) in enumerate(window_crops(crops, windows, tracks), start=1):
        if error is None:
            batches.add(window, clip)
        elif strict:
            raise error
        else:
            num_lost += 1
        if progress is not None:
            progress(done, len(windows))
    batches.compute()
    return num_lost


class _Batches:
    """Collects clips of windows, and computes them batch by batch."""

    def __init__(
        self,
        classifier: VideoClassifier,
        crops: CropReader,
        grid: Grid,
        index: VideoIndex,
        num_tracks: int,
        batch_size: int | None,
    ) -> None:
        experiment = classifier.experiment
        # In float32, as the networks take them.
        clip_bytes = 4 * experiment.clip.num_frames * math.prod(experiment.input.form.unit_shape)
        self._size = batch_size or default_batch(classifier.device, clip_bytes, experiment)
        self._classifier, self._crops, self._grid, self._index = classifier, crops, grid, index
        self._waiting: list[tuple[PlayerWindow, list[Crop]]] = []
        self.actions: list[list[PlayerAction]] = [[] for _ in range(num_tracks)]
        """Of each track."""

    def add(self, window: PlayerWindow, clip: list[Crop]) -> None:
        self._waiting.append((window, clip))
        if len(self._waiting) == self._size:
            self.compute()

    def compute(self) -> None:
        """Compute what waits."""
        if not self._waiting:
            return
        clips = self._crops.unit([clip for _, clip in self._waiting])
        rows = _checked(self._classifier.probabilities(clips), self._index)
        labels = self._classifier.experiment.task.labels.names
        for (window, _), scores in zip(self._waiting, rows, strict=True):
            label, confidence = top_classes(scores, labels, 1)[0]
            center = float(self._grid.seconds[window.center])
            self.actions[window.place].append(
                PlayerAction(seconds=center, label=label, confidence=confidence)
            )
        self._waiting.clear()


def _checked(scores: NDArray[np.float32], index: VideoIndex) -> NDArray[np.float32]:
    if not np.isfinite(scores).all():
        raise ScoresError(
            f"{index.path}: the model gives probabilities that are NaN or infinite; try --precision float32, or other "
            "weights"
        )
    return scores
