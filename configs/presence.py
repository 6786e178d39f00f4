"""Single frames in which something is present, by a ResNet50: recordings of an empty pitch with a few good moments.

From "Slam Dunk Video Classification" (2019): frames of 224x224, aspect not kept, and three dense layers.
"""

from dataclasses import replace

from bvas.augment.config import AugmentConfig
from bvas.data.spotting_task import dataset_task
from bvas.experiment.experiment import Experiment, InputConfig, TrainConfig
from bvas.experiment.interval_config import IntervalConfig
from bvas.experiment.sampling_config import SamplingConfig
from bvas.models.config import ModelConfig
from bvas.models.focal_loss import LossConfig
from bvas.values.clip_config import ClipConfig


def experiment() -> Experiment:
    return Experiment(
        name="presence",
        kind="interval",
        task=dataset_task(("IN_FRAME",)),
        input=InputConfig(
            size=(224, 224),
            rate=30,
            channels="rgb",
            fit="stretch",
            # ImageNet's, of the published weights.
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
        ),
        clip=ClipConfig(num_frames=1, frame_step=1, stack_size=1),
        model=ModelConfig(
            encoder="resnet50.a1_in1k",
            num_blocks_3d=0,
            num_features_stack=1024,
            dense_features=(256, 64),
            encoder_drop_path_rate=0.0,
        ),
        sampling=SamplingConfig(clips_per_epoch=2000, action_window_frames=1, shake_probability=0.0),
        # Nothing that moves the picture's edge, where presence is decided.
        augment=replace(
            AugmentConfig(),
            camera_move_probability=0.0,
            rotation_probability=0.0,
            crop_probability=0.0,
            saturation_probability=0.2,
            hue_probability=0.2,
        ),
        # Binary cross-entropy.
        loss=LossConfig(gamma=0.0),
        train=TrainConfig(batch_size=32, warmup_epochs=1, epochs=9, learning_rate=3e-4, validation_clips=600),
        intervals=IntervalConfig(threshold=0.95, keep_threshold=0.5),
        flip_tta=False,
    )
