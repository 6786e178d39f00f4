"""Stage 3, passes and drives from stage 2's weights and stage 1's curves; `ball_tuning_001` of the seed system."""

from dataclasses import replace

from bvas.experiment.experiment import Experiment, load_experiment
from bvas.experiment.published_scores import PublishedScores


def experiment() -> Experiment:
    base = load_experiment("ball_base")
    return replace(
        base,
        loss=replace(base.loss, alpha=0.4),
        train=replace(
            base.train,
            start_from="action_pretrain",
            hard_negatives_from="ball_base",
            warmup_epochs=7,
            epochs=35,
        ),
        published=PublishedScores(
            system="lRomul/ball-action-spotting, ball_tuning_001", cross_validation=0.8104, test=0.8651
        ),
    )
