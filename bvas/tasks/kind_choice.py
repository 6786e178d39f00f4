"""Kind of an experiment's task, by its name."""

from collections.abc import Callable, Mapping

from bvas.experiment.experiment import Experiment
from bvas.tasks.kinds import TaskKind
from bvas.tasks.spot import SpotKind

_KINDS: Mapping[str, Callable[[Experiment], TaskKind]] = {"spot": SpotKind}


def kind_of(experiment: Experiment) -> TaskKind:
    """Return the kind of an experiment's task."""
    return _KINDS[experiment.kind](experiment)
