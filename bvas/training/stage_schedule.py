"""Schedule of stages: which of them learn in an epoch, and the factor of their learning rate.

Both are functions of the config and the epoch. They have no state, so a resumed run cannot get them wrong.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from bvas.errors import ConfigError
from bvas.experiment.experiment import TrainConfig


@dataclass(frozen=True, slots=True)
class StageSchedule:
    """First epoch and learning rate factor of each stage of a model."""

    first_epochs: Mapping[str, float]
    """Epoch, from 1, in which a stage begins to learn; infinite: never."""
    factors: Mapping[str, float]
    """Factor of the learning rate by stage."""

    def learning(self, epoch: int) -> tuple[str, ...]:
        """Return the stages that learn in an epoch, counted from 1, in the order of the forward pass."""
        return tuple(stage for stage, first in self.first_epochs.items() if first <= epoch)


def stage_schedule(stages: Iterable[str], config: TrainConfig) -> StageSchedule:
    """Return the schedule of a model's stages.

    Args:
        stages: Names of all stages, in the order of the forward pass.
        config: With `frozen`, `unfreeze` and `learning_rate_factors`.

    Raises:
        ConfigError: a name means no stage, a stage is frozen or unfrozen twice, or none learns in epoch 1.
    """
    names = tuple(stages)
    first_epochs = dict.fromkeys(names, 1.0)
    settings: dict[str, str] = {}
    begins = [*((math.inf, name) for name in config.frozen), *config.unfreeze.items()]
    for epoch, name in begins:
        setting = f"unfreeze[{epoch}] = {name!r}" if epoch < math.inf else f"frozen = {name!r}"
        for stage in _called(name, names):
            if stage in settings:
                raise ConfigError(
                    f"stage {stage} is named twice, by {settings[stage]} and by {setting}; leave it out of one"
                )
            settings[stage] = setting
            first_epochs[stage] = epoch
    if min(first_epochs.values()) > 1:
        raise ConfigError(
            f"no stage learns in epoch 1: all of {', '.join(names)} are frozen; leave one out of frozen and unfreeze"
        )
    factors = dict.fromkeys(names, 1.0)
    # The longest name last, so that it counts.
    for name in sorted(config.learning_rate_factors, key=len):
        factors |= dict.fromkeys(_called(name, names), config.learning_rate_factors[name])
    return StageSchedule(first_epochs, factors)


def frozen_modules(model: nn.Module, stages: Sequence[nn.Module]) -> list[nn.Module]:
    """Return frozen stages, and the modules of the model whose weights all lie in them."""
    frozen = {parameter for stage in stages for parameter in stage.parameters()}
    inside = [module for module in model.modules() if any(True for _ in module.parameters())]
    return [*stages, *(module for module in inside if frozen.issuperset(module.parameters()))]


def _called(name: str, stages: tuple[str, ...]) -> list[str]:
    """Return the stages that a name means: that of this name, or all whose names continue it behind a dot."""
    called = [stage for stage in stages if f"{stage}.".startswith(f"{name}.")]
    if not called:
        raise ConfigError(f"the model has no stage {name!r}; its stages are {', '.join(stages)}")
    return called
