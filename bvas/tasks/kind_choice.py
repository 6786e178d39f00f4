"""Kind of an experiment's task, by its name."""

from bvas.experiment.experiment import Experiment
from bvas.tasks.spot import SpotKind

_KINDS = {"spot": SpotKind}


def kind_of(experiment: Experiment) -> SpotKind:
    """Return the kind of an experiment's task."""
    return _KINDS[experiment.kind](experiment)
