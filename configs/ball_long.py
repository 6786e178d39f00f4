"""Stage 4, clips of 33 frames over a frozen 2D encoder; `ball_finetune_long_004` of the seed system."""

from dataclasses import replace

from bvas.experiment.experiment import Experiment, load_experiment
from bvas.experiment.published_scores import PublishedScores


def experiment() -> Experiment:
    base = load_experiment("ball_transfer")
    return replace(
        base,
        clip=replace(base.clip, num_frames=33),
        train=replace(
            base.train,
            start_from="ball_transfer",
            frozen=("encoder",),
            optimizer="sgd",
            learning_rate=1e-3,
            final_learning_rate=5e-5,
            weight_decay=0.0,
            warmup_epochs=2,
            epochs=7,
        ),
        published=PublishedScores(
            system="lRomul/ball-action-spotting, ball_finetune_long_004", cross_validation=0.8049, test=0.8703
        ),
    )
