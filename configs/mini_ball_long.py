"""Stage 4 at the size of a CPU: clips of 33 frames over a frozen 2D encoder, from stage 3's weights."""

from dataclasses import replace

from bvas.experiment.experiment import Experiment, load_experiment


def experiment() -> Experiment:
    base = load_experiment("mini_ball_transfer")
    return replace(
        base,
        clip=replace(base.clip, num_frames=33),
        sampling=replace(base.sampling, clips_per_epoch=225),
        train=replace(
            base.train,
            start_from="mini_ball_transfer",
            frozen=("encoder",),
            optimizer="sgd",
            # The real stage's rate for its batch of 4.
            learning_rate=4e-3,
            final_learning_rate=2e-4,
            weight_decay=0.0,
            warmup_epochs=1,
            epochs=2,
        ),
    )
