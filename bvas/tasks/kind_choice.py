"""Kind of an experiment's task, by its name."""

from collections.abc import Callable, Mapping

from bvas.errors import ConfigError
from bvas.experiment.experiment import Experiment, TaskKindName
from bvas.tasks.clip import ClipKind
from bvas.tasks.interval import IntervalKind
from bvas.tasks.kinds import TaskKind
from bvas.tasks.spot import SpotKind

_KINDS: Mapping[str, Callable[[Experiment], TaskKind]] = {
    "spot": SpotKind,
    "interval": IntervalKind,
    "clip": ClipKind,
}


def kind_of(experiment: Experiment) -> TaskKind:
    """Return the kind of an experiment's task."""
    return _KINDS[experiment.kind](experiment)


def check_kind(experiment: Experiment, kind: TaskKindName, verb: str) -> None:
    """Refuse an experiment of another kind than a verb takes.

    Raises:
        ConfigError: names both kinds, and the verbs that fit.
    """
    if experiment.kind != kind:
        fitting = {
            "spot": "bvas spot VIDEO",
            "interval": "bvas intervals VIDEO",
            "clip": "bvas classify VIDEO",
        }[experiment.kind]
        raise ConfigError(
            f"experiment {experiment.name} is of kind '{experiment.kind}', and '{verb}' takes kind '{kind}'; "
            f"for {experiment.name} there are '{fitting}' and bvas train, predict, evaluate, report"
        )
