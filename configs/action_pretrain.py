"""Stage 2, pre-training on Action Spotting; `action_sampling_weights_002` of the seed system."""

from dataclasses import replace

from bvas.experiment import Experiment, load_experiment
from bvas.tasks.action import action_task


def experiment() -> Experiment:
    base = load_experiment("ball_base")
    return replace(
        base,
        task=action_task(),
        sampling=replace(base.sampling, clips_per_epoch=36000),
        train=replace(base.train, warmup_epochs=4, epochs=20, ema_decay=0.9995),
        published=None,
    )
