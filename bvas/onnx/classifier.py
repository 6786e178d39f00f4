"""Classifier of an exported model, without PyTorch."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bvas.experiment.experiment import Experiment
from bvas.onnx.model_folder import CLASSIFIER_NAMES, check_files, read_settings
from bvas.onnx.session import OnnxPart


@dataclass(frozen=True, slots=True)
class OnnxClassifier:
    """An exported classifier: see `VideoClassifier`."""

    experiment: Experiment
    """Settings of the export; training settings are defaults."""
    part: OnnxPart
    device: str = "cpu"
    """Device that decodes; ONNX Runtime takes clips from the CPU's memory."""
    takes_arrays: ClassVar[bool] = True

    def probabilities(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of each class: see `VideoClassifier`."""
        return self.part(np.ascontiguousarray(frames))


def load_onnx_classifier(folder: Path | str, *, device: str = "auto") -> OnnxClassifier:
    """Return an exported classifier for `classify_clip`, `classify_video` and `track_players`, without PyTorch.

    Arguments and errors as of `load_onnx_spotter`.
    """
    folder = Path(folder)
    check_files(folder, CLASSIFIER_NAMES)
    part = OnnxPart(folder / CLASSIFIER_NAMES["classifier"], device)
    return OnnxClassifier(read_settings(part, "classifier").experiment(), part)
