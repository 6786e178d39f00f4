"""Presence at the size of a CPU: single color frames of synthetic recordings, in minutes."""

from dataclasses import replace

from bvas.augment.config import AugmentConfig
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.experiment.interval_config import IntervalConfig
from bvas.models.config import ModelConfig

# What is named where the recordings are missing.
RECORDINGS = "bvas data synth --out {root} --task presence --size 112x192 --keyframe-interval 10 --seed 1"


def experiment() -> Experiment:
    presence = load_experiment("presence")
    return replace(
        presence,
        name="mini_presence",
        task=replace(presence.task, made_by=RECORDINGS),
        input=replace(presence.input, size=(112, 192), rate=25.0, mean=(0.5,) * 3, std=(0.25,) * 3),
        model=ModelConfig(
            encoder="mobilenetv3_small_050",
            pretrained=False,
            # Stride 16: learns in half the steps of the deepest map.
            feature_level=3,
            num_blocks_3d=0,
            num_features_stack=128,
            drop_rate=0.1,
            encoder_drop_path_rate=0.0,
        ),
        # Half of the clips are drawn from the ranges and 20 frames around them: the boundaries are what is hard.
        sampling=replace(presence.sampling, action_window_frames=41),
        # Shirts of any color, in any light. Nothing that moves the picture's edge, where presence is decided.
        augment=replace(
            AugmentConfig.none(),
            flip_probability=0.5,
            brightness_probability=0.25,
            contrast_probability=0.25,
            saturation_probability=0.3,
            hue_probability=0.6,
            hue_degrees=180.0,
        ),
        train=replace(
            presence.train,
            warmup_epochs=0,
            epochs=6,
            learning_rate=3e-3,
            final_learning_rate=2e-5,
            ema_decay=0.97,
        ),
        intervals=IntervalConfig(threshold=0.5, keep_threshold=0.5),
    )
