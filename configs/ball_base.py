"""Stage 1, passes and drives from scratch; `sampling_weights_001` of the seed system.

Seven folds, a match each: 79.06 mAP@1 in cross-validation and 84.26 on the test matches as the seed reports.
"""

from bvas.experiment import Experiment
from bvas.tasks.ball import ball_task


def experiment() -> Experiment:
    # The defaults of every part are this experiment's values.
    return Experiment(name="ball_base", task=ball_task())
