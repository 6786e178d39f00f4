"""SpaceJam's ten basketball actions by r2plus1d_18 with Kinetics-400 weights, fine-tuned from layer3 on.

The recipe of "Basketball-Action-Recognition" (Loka): batch 8, 25 epochs, Adam, learning rate 1e-4. Other than there,
frames are RGB and normalized, and rotation and translation are augmentation in training only.
"""

from dataclasses import replace

from bvas.augment.config import AugmentConfig
from bvas.data.spotting_task import dataset_task
from bvas.experiment.class_config import ClassConfig
from bvas.experiment.experiment import Experiment, InputConfig, TrainConfig
from bvas.models.video.config import VideoModelConfig
from bvas.values.clip_config import ClipConfig

LABELS = ("block", "pass", "run", "dribble", "shoot", "ball in hand", "defense", "pick", "no_action", "walk")


def experiment() -> Experiment:
    return Experiment(
        name="spacejam_r2plus1d",
        kind="clip",
        task=dataset_task(LABELS),
        # The clips' own size and rate; the normalization of the published weights.
        input=InputConfig(
            size=(176, 128),
            rate=10.0,
            channels="rgb",
            mean=(0.43216, 0.394666, 0.37645),
            std=(0.22803, 0.22145, 0.216989),
        ),
        clip=ClipConfig(num_frames=16, frame_step=1, stack_size=16),
        video=VideoModelConfig(network="r2plus1d_18", pretrained=True),
        # All clips, each class counting alike.
        classes=ClassConfig(balance=False, weigh_by_count=True),
        augment=replace(
            AugmentConfig.none(),
            rotation_probability=0.5,
            rotation_degrees=30.0,
            translation_probability=0.5,
            translation=(0.25, 0.0),
            flip_probability=0.5,
        ),
        train=TrainConfig(
            batch_size=8,
            warmup_epochs=0,
            epochs=25,
            learning_rate=1e-4,
            final_learning_rate=1e-6,
            final_weights="best",
            frozen=("normalization", "stem", "layer1", "layer2"),
            keep_epochs=True,
        ),
        flip_tta=False,
    )
