"""Protocol of observers of a run, such as those that draw pictures for TensorBoard."""

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
    """A fold under training, for observers."""

    experiment: Experiment
    fold: int
    folder: Path
    """Folder of the fold; observers may write files there."""
    clips: Clips
    """Training clips; their `videos` are labelled."""
    held_out: Clips | None
    """Validation clips; None where the experiment wants none."""
    device: torch.device
    board: "SummaryWriter"
    """TensorBoard; steps are epochs."""


class Observer(Protocol):
    """Called between steps; must not change models or torch's random states."""

    def begin(self, run: RunView, epoch: int) -> None:
        """Called once per start of the run, before epoch `epoch` (from 0) is begun or resumed."""
        ...

    def epoch_done(
        self, run: RunView, epoch: int, model: ClipModel, autocast_dtype: torch.dtype | None
    ) -> None:
        """Called after an epoch, before its state is saved; so a resumed run may repeat the call.

        Args:
            run: The fold.
            epoch: From 0.
            model: The averaged weights, in evaluation mode, on the device.
            autocast_dtype: Precision to compute in; None: float32.
        """
        ...
