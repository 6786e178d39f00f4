"""Starting weights of training: random, published ones of the backbone, or those of an earlier experiment."""

import logging
from collections.abc import Collection
from pathlib import Path

import torch
from torch import Tensor

from bvas.errors import CheckpointError
from bvas.experiment.checkpoint import FILE_NAME, Checkpoint, fold_folder, load_checkpoint, trained_folds
from bvas.experiment.experiment import Experiment
from bvas.experiment.seen_matches import seen_by
from bvas.lromul.importing import reference_experiment
from bvas.lromul.weights import read_reference_checkpoint
from bvas.models.clip_model import ClipModel
from bvas.system.cache_folder import cache_folder
from bvas.system.download import fetch
from bvas.tasks.kind_choice import kind_of
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)

# Beginnings of the names of their weights.
_ENCODER, _CLASSIFIER = "encoder.", "classifier."


def starting_model(
    experiment: Experiment, fold: int, runs: Path, held_out: Collection[str] = (), *, is_begun: bool = False
) -> ClipModel:
    """Return the model that a fold's training starts from, on the CPU.

    Args:
        experiment: The experiment to train.
        fold: The fold that is held out.
        runs: The runs folder.
        held_out: Names of the matches that the fold holds out: weights that were trained on them are not used.
        is_begun: The run has weights already, which replace those of the model; none are loaded here.

    Raises:
        CheckpointError: the weights to start from are missing, or too few of them fit.
        DataError: they cannot be downloaded, or have another hash.
    """
    start_from = "" if is_begun else experiment.train.start_from
    network = experiment.video or experiment.model
    is_pretrained = network.pretrained and not experiment.train.start_from
    model = kind_of(experiment).model(pretrained=is_pretrained and not is_begun)
    if start_from:
        _fill(model, experiment, _starting_weights(experiment, fold, runs, held_out))
    return model


def _starting_weights(experiment: Experiment, fold: int, runs: Path, held_out: Collection[str]) -> Checkpoint:
    start_from = experiment.train.start_from
    if "://" in start_from:
        cache = cache_folder()
        return _read(fetch(start_from, None if cache is None else cache / "weights"))
    if not experiment.train.starts_from_experiment:
        path = Path(start_from.replace("{fold}", str(fold)))
        if path.is_dir():
            return _fold_weights(experiment, fold, path.absolute().parent, path.absolute().name, held_out)
        return _read(path)
    return _fold_weights(experiment, fold, runs, start_from, held_out)


def _read(path: Path) -> Checkpoint:
    """Read weights of bvas, or a checkpoint of the reference system."""
    if path.suffix != ".pth":
        return load_checkpoint(path)
    checkpoint = read_reference_checkpoint(path)
    return Checkpoint(path, reference_experiment(checkpoint, path.stem), checkpoint.state_dict, {})


def _fold_weights(
    experiment: Experiment, fold: int, runs: Path, name: str, held_out: Collection[str]
) -> Checkpoint:
    """Read the weights of the same fold, or of any fold of an experiment over other data.

    If the folds' training matches are recorded, a fold that was not trained on the held-out matches is chosen.
    """
    folds = trained_folds(runs, name)
    if not folds:
        raise CheckpointError(
            f"experiment {experiment.name} starts from the weights of {name}, and {runs / name} holds no weights; "
            f"train them first: bvas train --experiment {name}"
        )
    seen = {number: seen_by(fold_folder(runs, name, number)) for number in folds}
    fitting = [number for number in folds if not (seen[number] or frozenset()).intersection(held_out)]
    if not fitting:
        raise CheckpointError(
            f"fold {fold} of {experiment.name} holds out {', '.join(sorted(held_out))}, and all trained folds of "
            f"{name} ({', '.join(map(str, folds))}) were trained on them; train the fold of {name} that holds them out"
        )
    chosen = fold if fold in fitting else fitting[0]
    checkpoint = load_checkpoint(fold_folder(runs, name, chosen) / FILE_NAME)
    is_known = bool(held_out) and seen[chosen] is not None
    same_data = checkpoint.experiment.task.folder == experiment.task.folder
    if chosen != fold and same_data and not is_known:
        raise CheckpointError(
            f"fold {fold} of {experiment.name} starts from the same fold of {name}, which is not trained "
            "(other folds were trained on the matches that are held out here): "
            f"bvas train --experiment {name} --folds {fold}"
        )
    return checkpoint


def _fill(model: ClipModel, experiment: Experiment, checkpoint: Checkpoint) -> None:
    """Copy the tensors that fit by name and shape, and of the classifier the rows of common labels.

    Raises:
        CheckpointError: fewer than half of the backbone's tensors are in the file with the same shape.
    """
    own = model.state_dict()
    taken = {
        name: tensor
        for name, tensor in checkpoint.state.items()
        if not name.startswith(_CLASSIFIER) and name in own and own[name].shape == tensor.shape
    }
    encoder = [name for name in own if name.startswith(_ENCODER)]
    fitting = sum(name in taken for name in encoder)
    if 2 * fitting < len(encoder):
        raise CheckpointError(
            f"{checkpoint.path} has {fitting} of the {count_text(len(encoder), 'tensor')} of "
            f"experiment {experiment.name}'s backbone ({_backbone(experiment)}), and at least half must fit; it was "
            f"trained with {_backbone(checkpoint.experiment)}"
        )
    classifier, labels = _classifier(model, experiment, checkpoint)
    model.load_state_dict({**own, **taken, **classifier})
    fresh = [name for name in own if name not in taken and not name.startswith(_CLASSIFIER)]
    unused = [name for name in checkpoint.state if name not in taken and not name.startswith(_CLASSIFIER)]
    new_labels = [label for label in experiment.task.labels if label not in labels]
    notes = [
        f"{what}: {len(names)} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for names, what in (
            (fresh, "tensors with new values"),
            (unused, "unused tensors"),
            (new_labels, "new labels"),
        )
        if names
    ]
    logger.info("starting from %s: %s", checkpoint.path, "; ".join(notes) or "everything fits")
    then, now = checkpoint.experiment.input.luma_scaling, experiment.input.luma_scaling
    if then != now:
        logger.warning(
            "%s was trained on luma scaled by '%s', and experiment %s scales it by '%s': the weights must adapt",
            *(checkpoint.path, then, experiment.name, now),
        )


def _backbone(experiment: Experiment) -> str:
    """Return what decides whether weights of a backbone fit, for messages."""
    name = experiment.model.encoder if experiment.video is None else experiment.video.backbone
    return f"{name}, stacks of {count_text(experiment.clip.stack_size, 'frame')}"


def _classifier(
    model: ClipModel, experiment: Experiment, checkpoint: Checkpoint
) -> tuple[dict[str, Tensor], list[str]]:
    """Return the classifier's tensors with the rows of known labels filled in, and these labels."""
    layer = model.classifier.state_dict(prefix=_CLASSIFIER)
    own = {name: tensor.clone() for name, tensor in layer.items()}
    stored = {name: checkpoint.state.get(name) for name in own}
    theirs = checkpoint.experiment.task.labels.names
    if any(
        tensor is None or tensor.shape[1:] != own[name].shape[1:] or len(tensor) != len(theirs)
        for name, tensor in stored.items()
    ):
        return own, []
    known = [label for label in experiment.task.labels if label in theirs]
    rows = torch.tensor([experiment.task.labels.label_id(label) for label in known], dtype=torch.int64)
    their_rows = torch.tensor([theirs.index(label) for label in known], dtype=torch.int64)
    for name, tensor in stored.items():
        assert tensor is not None
        own[name][rows] = tensor[their_rows]
    return own, known
