"""Presence at the size of a CPU: single color frames of synthetic recordings, in minutes."""

from dataclasses import replace

from bvas.augment.config import AugmentConfig
from bvas.data.spotting_task import dataset_task
from bvas.experiment.experiment import Experiment, InputConfig, TrainConfig
from bvas.experiment.interval_config import IntervalConfig
from bvas.experiment.sampling_config import SamplingConfig
from bvas.models.config import ModelConfig
from bvas.models.focal_loss import LossConfig
from bvas.values.clip_config import ClipConfig

# What is named where the recordings are missing.
RECORDINGS = "bvas data synth --out {root} --task presence --size 112x192 --keyframe-interval 10 --seed 1"


def experiment() -> Experiment:
    return Experiment(
        name="mini_presence",
        kind="interval",
        task=replace(dataset_task(("IN_FRAME",)), made_by=RECORDINGS),
        input=InputConfig(size=(112, 192), channels="rgb", fit="stretch", mean=(0.5,) * 3, std=(0.25,) * 3),
        clip=ClipConfig(num_frames=1, frame_step=1, stack_size=1),
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
        # Half of the clips are drawn from the stretches and 20 frames around them: the boundaries are what is hard.
        sampling=SamplingConfig(clips_per_epoch=2000, action_window_frames=41, shake_probability=0.0),
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
        loss=LossConfig(gamma=0.0),
        train=TrainConfig(
            batch_size=32,
            warmup_epochs=0,
            epochs=6,
            learning_rate=3e-3,
            final_learning_rate=2e-5,
            ema_decay=0.97,
            validation_clips=600,
        ),
        intervals=IntervalConfig(threshold=0.5, keep_threshold=0.5),
        flip_tta=False,
    )
