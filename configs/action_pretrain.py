"""Stage 2, pre-training on Action Spotting; `action_sampling_weights_002` of the seed system."""

from dataclasses import replace

from bvas.data.action import action_task
from bvas.experiment.experiment import Experiment, load_experiment


def experiment() -> Experiment:
    base = load_experiment("ball_base")
    return replace(
        base,
        task=action_task(),
        # The seed has its label weights typed in; here they follow from the annotations.
        sampling=replace(base.sampling, clips_per_epoch=36000, effective_number_beta=0.9999),
        # Fold 0 alone: what it holds out are matches of this task, none of the later stages'.
        train=replace(base.train, warmup_epochs=4, epochs=20, ema_decay=0.9995, folds=(0,)),
        published=None,
    )
