"""Spotter of an exported model, without PyTorch."""

import logging
from dataclasses import dataclass
from pathlib import Path

from bvas.experiment.experiment import Experiment
from bvas.inference.streaming import StreamingPredictor
from bvas.onnx.model_folder import ExportedModel, load_exported
from bvas.onnx.onnx_engine import OnnxEngine
from bvas.system.devices import EngineName

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OnnxSpotter:
    """An exported model, ready to look at videos: for `spot_video` and `LiveSpots`."""

    experiment: Experiment
    """Settings of the export; training settings are defaults."""
    model: ExportedModel
    device: str = "cpu"
    """Device that decodes frames; ONNX Runtime takes them from the CPU's memory."""
    stride: int = 1
    """A row is computed for one of so many grid frames; the others are interpolated."""

    def predictor(self, *, num_rows: int = 0) -> StreamingPredictor:
        """Return a predictor, for one video after the other; `num_rows` changes nothing here."""
        engine = OnnxEngine(
            self.model.encoder,
            self.model.head,
            self.experiment.clip,
            len(self.experiment.task.labels),
            luma_scaling=self.experiment.input.luma_scaling,
            flip_tta=self.experiment.flip_tta,
        )
        return StreamingPredictor(engine, stride=self.stride)


def load_onnx_spotter(
    folder: Path, *, device: str = "auto", stride: int = 1, engine: EngineName = "auto"
) -> OnnxSpotter:
    """Return the model in a folder that `bvas weights export` wrote.

    The other arguments and the errors are those of `load_exported`.
    """
    model = load_exported(folder, device, engine)
    if model.settings.int8 is not None:
        logger.warning("%s", model.settings.int8)
    return OnnxSpotter(model.settings.experiment(), model, stride=stride)
