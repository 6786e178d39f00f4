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
    "ClipConfig": "bvas.values.clip_config",
    "Annotation": "bvas.values.annotations",
    "Spot": "bvas.values.annotations",
    "Interval": "bvas.values.annotations",
    "LabelSet": "bvas.values.annotations",
    "FrameReader": "bvas.video.decode.video_reader",
    "FrameStream": "bvas.video.live.open_stream",
    "VideoInfo": "bvas.video.index.frame_table",
    "VideoIndex": "bvas.video.index.frame_table",
    "open_video": "bvas.video.decode.open_video",
    "open_stream": "bvas.video.live.open_stream",
    "read_video": "bvas.video.decode.read_video",
    "cut": "bvas.cutting.cut_video",
    "box_cuts": "bvas.values.input_format",
    "to_rgb": "bvas.values.color",
    "SpottingTask": "bvas.data.spotting_task",
    "ClipLoader": "bvas.loading.loader",
    "SpottingModel": "bvas.models.spotting",
    "build_model": "bvas.models.spotting",
    "load_spotter": "bvas.inference.spotter",
    "spot_video": "bvas.inference.spot_video",
    "load_onnx_spotter": "bvas.onnx.spotter",
    "load_classifier": "bvas.inference.classifier",
    "published_classifier": "bvas.inference.classifier",
    "load_onnx_classifier": "bvas.onnx.classifier",
    "classify_clip": "bvas.inference.classify_video",
    "classify_video": "bvas.inference.classify_video",
    "track_players": "bvas.players.track_players",
    "track_boxes": "bvas.tracking.tracker",
    "FrameBoxes": "bvas.tracking.frame_boxes",
    "TrackerConfig": "bvas.tracking.tracker_config",
    "Roi": "bvas.players.rois",
    "LiveSpots": "bvas.inference.live_spots",
    "StreamingPredictor": "bvas.inference.streaming",
    "TorchEngine": "bvas.inference.torch_engine",
    "find_spots": "bvas.tasks.peaks",
    "find_intervals": "bvas.tasks.stretches",
    "average_precision": "bvas.metrics.average_precision",
    "mean_average_precision": "bvas.metrics.average_precision",
    "Experiment": "bvas.experiment.experiment",
    "load_experiment": "bvas.experiment.experiment",
    "load_checkpoint": "bvas.experiment.checkpoint",
}

__all__ = ["__version__", *_HOME]

# Names that need PyTorch, although their modules load without it.
_OF_TRAIN = frozenset(
    {"read_video", "to_rgb", "load_spotter", "load_classifier", "published_classifier", "load_checkpoint"}
)

# Names of earlier versions, for a message that says the present one.
_RENAMED = {"FrameDecoder": "FrameReader"}


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        raise AttributeError(f"bvas.{name} is called bvas.{_RENAMED[name]} now")
    if name not in _HOME:
        raise AttributeError(f"module 'bvas' has no attribute {name!r}")
    try:
        if name in _OF_TRAIN:
            import_module("torch")
        return getattr(import_module(_HOME[name]), name)
    except ModuleNotFoundError as error:
        from bvas.system.extras import missing_train

        if (message := missing_train(error)) is None:
            raise
        raise ImportError(f"bvas.{name}: {message}") from error


def __dir__() -> list[str]:
    return sorted(__all__)
