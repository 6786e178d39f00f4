"""Weights in safetensors files with the experiment inside.

A file holds the tensors of the model's `state_dict()` and, as metadata, `experiment`
(JSON) and `format` (the version of this layout). Reading runs no code from the file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.errors import CheckpointError, ConfigError
from bvas.experiment.experiment import Experiment, parse_folds
from bvas.system.atomic_files import write_bytes
from bvas.system.tensor_files import read_tensors

# Imported where they are used: which folds are trained is also asked without PyTorch.
if TYPE_CHECKING:
    from torch import Tensor, nn

FILE_NAME = "model.safetensors"
# File of an ensemble, which has no weights of its own.
ENSEMBLE_NAME = "ensemble.json"
_FORMAT = "bvas-1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Content of a file of weights."""

    path: Path
    experiment: Experiment
    state: "Mapping[str, Tensor]"
    """On the CPU."""
    facts: Mapping[str, str]
    """Epoch and figures at the time of saving."""


def save_checkpoint(
    path: Path, state: "Mapping[str, Tensor]", experiment: Experiment, facts: Mapping[str, str]
) -> None:
    """Write weights atomically.

    Raises:
        DataError: the file cannot be written.
    """
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    metadata = {"format": _FORMAT, "experiment": experiment.to_json(), "facts": json.dumps(dict(facts))}
    # As bytes: the library's own `save_file` leaves the file readable for its owner only.
    write_bytes(path, save(tensors, metadata=metadata))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a file of weights that bvas wrote.

    Raises:
        CheckpointError: the file is missing, not a safetensors file, or not written by bvas.
    """
    if not path.is_file():
        raise CheckpointError(
            f"no weights at {path}; train them, or get published ones: bvas weights download ball"
        )
    metadata, state = read_tensors(
        path, "import a checkpoint of the reference system by 'bvas weights import'"
    )
    if metadata.get("format") != _FORMAT:
        raise CheckpointError(
            f"{path} has format {metadata.get('format')!r}, this version of bvas reads {_FORMAT!r}"
        )
    try:
        experiment = Experiment.from_json(metadata["experiment"])
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error
    return Checkpoint(path, experiment, state, json.loads(metadata.get("facts", "{}")))


def load_weights(model: "nn.Module", state: "Mapping[str, Tensor]", path: Path) -> None:
    """Fill a model with weights, all of them.

    Raises:
        CheckpointError: names or shapes differ; the message counts them and names the first three of each kind.
    """
    own = model.state_dict()
    problems = {
        "missing": sorted(own.keys() - state.keys()),
        "unknown": sorted(state.keys() - own.keys()),
        "of another shape": sorted(
            name for name in own.keys() & state.keys() if own[name].shape != state[name].shape
        ),
    }
    found = [f"{len(names)} {kind} ({', '.join(names[:3])})" for kind, names in problems.items() if names]
    if found:
        raise CheckpointError(
            f"{path} is of another architecture than its experiment describes: {'; '.join(found)}; "
            "use the experiment that it was trained with"
        )
    model.load_state_dict(dict(state))


def fold_folder(runs: Path, name: str, fold: int) -> Path:
    """Return the folder of one fold of an experiment."""
    return runs / name / f"fold_{fold}"


def trained_folds(runs: Path, name: str) -> list[int]:
    """Return the folds of an experiment that have weights, in order."""
    files = (runs / name).glob(f"fold_*/{FILE_NAME}")
    numbers = (path.parent.name.removeprefix("fold_") for path in files)
    return sorted(int(number) for number in numbers if number.isdigit())


def trained_among(experiment: Experiment, runs: Path, folds: str = "all") -> list[int]:
    """Return the trained folds that `all` or a list like `0,3` names.

    Raises:
        CheckpointError: no fold is trained; the message says how to get one.
        ConfigError: a fold of the list is not trained; the message lists those that are.
    """
    trained = trained_folds(runs, experiment.name)
    if not trained and (runs / experiment.name / ENSEMBLE_NAME).is_file():
        raise CheckpointError(
            f"{experiment.name} is an ensemble, which has no weights of its own: predict its members, then average "
            "them with 'bvas experiment ensemble'"
        )
    if not trained:
        published = ", or get published ones: bvas weights download ball" if experiment.kind == "spot" else ""
        raise CheckpointError(
            f"experiment {experiment.name} has no weights in {runs / experiment.name}; train them with "
            f"'bvas train --experiment {experiment.name}'{published}"
        )
    return parse_folds(folds, trained)
