"""A small model that learns synthetic matches on a CPU in minutes; what `make demo` trains."""

from dataclasses import replace

from bvas.augment.config import AugmentConfig
from bvas.data.ball import found_ball_task
from bvas.experiment.experiment import Experiment, InputConfig, TrainConfig
from bvas.experiment.peak_config import PeakConfig
from bvas.experiment.sampling_config import SamplingConfig
from bvas.models.config import ModelConfig


def experiment() -> Experiment:
    return Experiment(
        name="demo",
        task=found_ball_task(),
        input=InputConfig(size=(112, 192)),
        model=ModelConfig(
            encoder="mobilenetv3_small_050",
            pretrained=False,
            # Stride 8: at this size the ball would be lost in a deeper map.
            feature_level=2,
            num_blocks_3d=1,
            num_features_3d=64,
            expansion_3d=2,
            num_features_stack=64,
            drop_rate=0.1,
            drop_path_rate=0.0,
            encoder_drop_path_rate=0.0,
        ),
        sampling=SamplingConfig(clips_per_epoch=1500),
        # The cheap ones, so that a match of another size and coding is still the same game.
        augment=replace(
            AugmentConfig.none(),
            flip_probability=0.5,
            sharpness_probability=0.3,
            sharpness_factor=(0.0, 2.0),
            brightness_probability=0.25,
            contrast_probability=0.25,
            noise_probability=0.25,
            noise_deviation=0.02,
        ),
        train=TrainConfig(
            batch_size=16,
            warmup_epochs=0,
            epochs=5,
            learning_rate=4e-3,
            final_learning_rate=2e-5,
            ema_decay=0.95,
            validation_clips=0,
        ),
        # Half of the clips are drawn from actions, so scores run high. F1 of the held-out match is highest here.
        peaks=PeakConfig(operating_point=0.55),
        flip_tta=False,
    )
