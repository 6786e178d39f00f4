"""A small model that learns synthetic matches on a CPU in minutes; what `make demo` trains."""

from bvas.augment.config import AugmentConfig
from bvas.experiment import Experiment, InputConfig, TrainConfig
from bvas.loading.sampling import SamplingConfig
from bvas.models.config import ModelConfig
from bvas.tasks.ball import found_ball_task


def experiment() -> Experiment:
    return Experiment(
        name="demo",
        task=found_ball_task(),
        input=InputConfig(size=(112, 192)),
        model=ModelConfig(
            encoder="mobilenetv3_small_100",
            pretrained=False,
            num_blocks_3d=2,
            num_features_3d=64,
            num_features_stack=64,
            drop_rate=0.1,
            drop_path_rate=0.0,
            encoder_drop_path_rate=0.0,
        ),
        sampling=SamplingConfig(clips_per_epoch=1600),
        augment=AugmentConfig.none(),
        train=TrainConfig(
            batch_size=16,
            warmup_epochs=0,
            epochs=4,
            learning_rate=2e-3,
            final_learning_rate=2e-5,
            ema_decay=0.98,
            validation_clips=0,
        ),
        flip_tta=False,
    )
