"""Actions of single players in synthetic clips, on a CPU: a small R(2+1)D network over 16 gray frames."""

from dataclasses import replace

from bvas.augment.config import AugmentConfig
from bvas.data.spotting_task import dataset_task
from bvas.experiment.class_config import ClassConfig
from bvas.experiment.experiment import Experiment, InputConfig, TrainConfig
from bvas.models.video.config import VideoModelConfig
from bvas.values.clip_config import ClipConfig

# What is named where the clips are missing.
CLIPS = "bvas data synth --out {root} --task clips --clips 4000 --seed 1"
LABELS = ("stand", "walk", "run", "dribble", "control", "pass", "header", "throw", "rise", "fall")


def experiment() -> Experiment:
    return Experiment(
        name="mini_clips",
        kind="clip",
        task=replace(dataset_task(LABELS), made_by=CLIPS),
        input=InputConfig(size=(88, 64), rate=10.0),
        clip=ClipConfig(num_frames=16, frame_step=1, stack_size=16),
        video=VideoModelConfig(network="small_r2plus1d"),
        # Common classes are drawn as often as the rare ones can bear; all count alike in the loss.
        classes=ClassConfig(cap=200, weigh_by_count=True),
        augment=replace(
            AugmentConfig.none(),
            flip_probability=0.5,
            brightness_probability=0.5,
            contrast_probability=0.5,
        ),
        train=TrainConfig(
            batch_size=32,
            warmup_epochs=1,
            epochs=9,
            learning_rate=2e-3,
            final_learning_rate=2e-5,
            ema_decay=0.98,
            validation_clips=800,
        ),
        flip_tta=False,
    )
