"""A tiny experiment with two folds, to export."""

from dataclasses import replace

from tiny import TINY_MODEL, tiny_experiment
from usable_models import textured_frames, usable_model

from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.video.encode.video_writer import VideoWriter

# timm's smallest networks are its own tests'; a graph of few nodes is exported in a second.
EXPERIMENT = replace(tiny_experiment(), model=replace(TINY_MODEL, encoder="test_resnet"))


def make_runs(runs):
    """Write two folds and the experiment, as training does."""
    for fold in range(2):
        save_checkpoint(
            fold_folder(runs, "tiny", fold) / FILE_NAME, _model(fold).state_dict(), EXPERIMENT, {"epoch": "3"}
        )
    (runs / "tiny" / "experiment.json").write_text(EXPERIMENT.to_json())


def _model(seed):
    clip = EXPERIMENT.clip
    frames = textured_frames(16 * clip.num_frames, cell=16)
    return usable_model(EXPERIMENT.model, clip, frames, seed=seed, eps=None, weight=1.0)


def write_video(path, num_frames):
    with VideoWriter(path, size=(64, 96), rate=25, keyframe_interval=10) as writer:
        for frame in textured_frames(num_frames, seed=5, cell=16):
            writer.write(frame)
    return path
