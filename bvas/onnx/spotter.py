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
    share_repeats: bool = True
    """Rows of byte-equal frames are computed once."""

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
        return StreamingPredictor(engine, stride=self.stride, share_repeats=self.share_repeats)


def load_onnx_spotter(
    folder: Path | str,
    *,
    device: str = "auto",
    stride: int = 1,
    share_repeats: bool = True,
    engine: EngineName = "auto",
) -> OnnxSpotter:
    """Return an exported model for `spot_video` and `LiveSpots`, without PyTorch.

    Args:
        folder: What `bvas weights export` wrote.
        device: `auto` (CUDA where this ONNX Runtime has it, else the CPU), `cpu`, `cuda` or `cuda:N`.
        stride: A row is computed for one of so many grid frames; the others are interpolated.
        share_repeats: As in `load_spotter`.
        engine: `onnxruntime` (what `auto` takes) or `openvino`.

    Raises:
        DataError: the folder or one of its files is missing.
        CheckpointError: a file is not an ONNX file, not written by bvas, of another version, or of another export.
        ConfigError: the device is unavailable.
    """
    model = load_exported(Path(folder), device, engine)
    if model.settings.int8 is not None:
        logger.warning("%s", model.settings.int8)
    return OnnxSpotter(model.settings.experiment(), model, stride=stride, share_repeats=share_repeats)
