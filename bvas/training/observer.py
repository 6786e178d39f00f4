"""What others may look at while a fold is trained: pictures, curves, figures of their own."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from bvas.experiment.experiment import Experiment
from bvas.loading.clip_requests import Clips
from bvas.models.clip_model import ClipModel

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RunView:
    """A fold that is trained."""

    experiment: Experiment
    fold: int
    folder: Path
    """Of the fold; files that are written there beside the run's own stay."""
    clips: Clips
    """What is trained on; its `videos` are labelled."""
    held_out: Clips | None
    """What is validated on; None where the experiment wants none."""
    device: torch.device
    board: "SummaryWriter"
    """TensorBoard; steps are epochs."""


class Observer(Protocol):
    """Called between steps. What it does must leave models and torch's random states as they are."""

    def begin(self, run: RunView, epoch: int) -> None:
        """Look at a fold before epoch `epoch` (from 0) is begun or gone on with; so once per start of the run."""
        ...

    def epoch_done(
        self, run: RunView, epoch: int, model: ClipModel, autocast_dtype: torch.dtype | None
    ) -> None:
        """Look at the averaged weights after an epoch; before its state is saved, so again if that is lost.

        Args:
            run: The fold.
            epoch: From 0.
            model: The averaged weights, in evaluation mode, on the device.
            autocast_dtype: What to compute in; None: float32.
        """
        ...
