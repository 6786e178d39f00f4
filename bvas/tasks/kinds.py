"""Protocol of a task kind: what training, prediction and pictures ask about the task.

A kind is one file. Whatever is above this room works with the protocol and never with a kind's own class:

    matches -> samples -> clips -> loader -> model -> loss          training
                                              model -> scores -> figures   validation
    video   -> score curve -> results                                      prediction
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bvas.data.matches import Match
from bvas.loading.clip_requests import Clips
from bvas.loading.labelled_video import LabelledVideo
from bvas.values.annotations import Interval, Spot
from bvas.values.score_curve import ScoreCurve

# For types only: results of curves are also made without PyTorch.
if TYPE_CHECKING:
    from torch import Tensor

    from bvas.models.clip_model import ClipModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a score curve becomes; a kind gives one of the two."""

    spots: tuple[Spot, ...] = ()
    """All candidates, those below the operating point included, in order of time."""
    intervals: tuple[Interval, ...] = ()
    """In order of their start."""


class TaskKind(Protocol):
    """One kind of task, for one experiment."""

    best_figure: str
    """Name of the figure that decides the best epoch; higher is better."""
    has_training_figures: bool
    """Whether `figures` and `tables` are also computed of the training clips, as augmented."""

    def samples(self, matches: Sequence[Match], fold: int) -> tuple[list[LabelledVideo], list[LabelledVideo]]:
        """Return the labelled videos to train on, and those of the held-out fold.

        Raises:
            ConfigError: the fold does not exist, or no match remains to train on.
            DataError: a label file or video is missing or wrong.
            DecodeError: a video cannot be indexed.
        """
        ...

    def training_clips(
        self, videos: Sequence[LabelledVideo], curves: Sequence[ScoreCurve] | None = None
    ) -> Clips:
        """Return the clips that are drawn for training.

        Args:
            videos: At least one.
            curves: An earlier experiment's out-of-fold curve of each video: its wrong answers are drawn more often.
        """
        ...

    def validation_clips(self, videos: Sequence[LabelledVideo]) -> Clips | None:
        """Return the clips to validate on, the same in each epoch; None where the experiment wants none."""
        ...

    def draw_summary(self, clips: Clips) -> tuple[str, ...]:
        """Return lines of text about what the first epoch of training clips holds."""
        ...

    def model(self, *, pretrained: bool = False) -> "ClipModel":
        """Return the experiment's network with random weights, on the CPU, in training mode.

        Args:
            pretrained: Load the published weights of its backbone.

        Raises:
            CheckpointError: the published weights are unavailable.
        """
        ...

    def loss(self, logits: "Tensor", targets: "Tensor") -> "Tensor":
        """Return the mean loss over the clips, a float32 scalar.

        Args:
            logits: float32 [B, K], before any sigmoid or softmax.
            targets: float32 [B, K].
        """
        ...

    def scores(self, logits: "Tensor") -> "Tensor":
        """Return the scores [B, K] in [0, 1] that logits stand for."""
        ...

    def figures(self, scores: NDArray[np.float32], targets: NDArray[np.float32]) -> Mapping[str, float]:
        """Return figures over validation clips by name, NaN where a score is NaN or infinite.

        Args:
            scores: [N, K].
            targets: [N, K].
        """
        ...

    def tables(self, scores: NDArray[np.float32], targets: NDArray[np.float32]) -> Mapping[str, Any]:
        """Return plain data about the clips of an epoch for the run's history; the arguments are those of `figures`."""
        ...

    def results(self, curve: ScoreCurve) -> Found:
        """Return what a score curve becomes."""
        ...
