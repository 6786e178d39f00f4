"""Stage 2 at the size of a CPU: pre-training on the 15 labels of a small synthetic Action Spotting league."""

from dataclasses import replace

from bvas.data.action import action_task
from bvas.experiment.experiment import Experiment, load_experiment

LEAGUE = (
    "bvas data synth --out {root} --task action --preset broadcast --matches 4 --minutes 5 "
    "--size 112x192 --keyframe-interval 25 --seed 12"
)


def experiment() -> Experiment:
    base = load_experiment("mini_ball_base")
    return replace(
        base,
        # A match a fold, as there are few.
        task=replace(action_task(), name="mini_action", num_folds=0, made_by=LEAGUE),
        sampling=replace(base.sampling, clips_per_epoch=750, effective_number_beta=0.99),
        train=replace(base.train, folds=(0,)),
    )
