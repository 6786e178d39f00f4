"""Classifier of an exported model: ONNX Runtime computes, PyTorch prepares the clips."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bvas.experiment.experiment import Experiment
from bvas.onnx.model_folder import CLASSIFIER_NAMES, check_files, read_settings
from bvas.onnx.session import OnnxPart

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class OnnxClassifier:
    """An exported classifier: see `VideoClassifier`."""

    experiment: Experiment
    """Settings of the export; training settings are defaults."""
    part: OnnxPart

    @property
    def device(self) -> "torch.device":
        """Device that clips are brought to; ONNX Runtime takes them from the CPU's memory."""
        import torch

        return torch.device("cpu")

    def probabilities(self, frames: "Tensor") -> NDArray[np.float32]:
        """Return the probability of each class: see `VideoClassifier`."""
        return self.part(frames.contiguous().numpy())


def load_onnx_classifier(folder: Path, *, device: str = "auto") -> OnnxClassifier:
    """Return the classifier in a folder that `bvas weights export` wrote.

    The arguments and errors are those of `load_exported`.
    """
    check_files(folder, CLASSIFIER_NAMES)
    part = OnnxPart(folder / CLASSIFIER_NAMES["classifier"], device)
    return OnnxClassifier(read_settings(part, "classifier").experiment(), part)
