"""Stage 3 at the size of a CPU: passes and drives from stage 2's weights, hard negatives from stage 1's curves."""

from dataclasses import replace

from bvas.experiment.experiment import Experiment, load_experiment


def experiment() -> Experiment:
    base = load_experiment("mini_ball_base")
    return replace(
        base,
        loss=replace(base.loss, alpha=0.4),
        train=replace(
            base.train, start_from="mini_action_pretrain", hard_negatives_from="mini_ball_base", epochs=4
        ),
    )
