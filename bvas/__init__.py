"""bvas: video files in, spotted actions out.

The public names load when they are first used, so `import bvas` costs no torch.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "BvasError": "bvas.errors",
    "ConfigError": "bvas.errors",
    "DataError": "bvas.errors",
    "DecodeError": "bvas.errors",
    "WorkerError": "bvas.errors",
    "CheckpointError": "bvas.errors",
    "ScoresError": "bvas.errors",
    "TrainingError": "bvas.errors",
    "ClipConfig": "bvas.clips",
    "Annotation": "bvas.spots",
    "Spot": "bvas.spots",
    "LabelSet": "bvas.spots",
    "FrameDecoder": "bvas.video.protocol",
    "VideoInfo": "bvas.video.protocol",
    "VideoIndex": "bvas.video.index",
    "open_video": "bvas.video.open",
    "SpottingTask": "bvas.tasks.task",
    "ClipLoader": "bvas.loading.loader",
    "SpottingModel": "bvas.models.spotting",
    "build_model": "bvas.models.spotting",
    "StreamingPredictor": "bvas.inference.streaming",
    "spot_video": "bvas.spotting.one_video",
    "find_spots": "bvas.postprocess",
    "average_precision": "bvas.metrics.average_precision",
    "mean_average_precision": "bvas.metrics.average_precision",
    "Experiment": "bvas.experiment",
    "load_experiment": "bvas.experiment",
    "load_checkpoint": "bvas.checkpoint",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bvas' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
