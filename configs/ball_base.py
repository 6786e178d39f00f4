"""Stage 1, passes and drives from scratch; `sampling_weights_001` of the seed system. Seven folds, a match each."""

from bvas.data.ball import ball_task
from bvas.experiment.experiment import Experiment
from bvas.experiment.published_scores import PublishedScores


def experiment() -> Experiment:
    # The defaults of every part are this experiment's values.
    return Experiment(
        name="ball_base",
        task=ball_task(),
        published=PublishedScores(
            system="lRomul/ball-action-spotting, sampling_weights_001", cross_validation=0.7906, test=0.8426
        ),
    )
