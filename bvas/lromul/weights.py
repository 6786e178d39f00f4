"""Checkpoints and raw scores of lRomul/ball-action-spotting, the system that this architecture comes from.

Its folder holds

    experiments/NAME/fold_K/model-EPOCH-VALUE.pth
    predictions/NAME/{cv,challenge}/fold_K/england_efl/2019-2020/MATCH/HALF_raw_predictions.npz

with VALUE the fold's metric. A checkpoint is a dict: `params` (the network's arguments, the clip,
the input size as (width, height)), `nn_state_dict` (the exponential moving average, which predicts)
and `no_ema_nn_state_dict`. Nothing here runs code from a file.
"""

import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvas.errors import CheckpointError, ConfigError, DataError
from bvas.experiment.checkpoint import load_weights
from bvas.models.config import ModelConfig
from bvas.models.spotting import build_model
from bvas.values.clip_config import ClipConfig

_SCORES_FILE = re.compile(r"(cv|challenge)/fold_(\d+)/(.+)/(\d+)_raw_predictions\.npz")
# The reference system's prefixes of weight names, and ours; what follows a prefix is the same on both sides.
_RENAMED = (
    (r"conv2d_encoder\.", "encoder.backbone."),
    (r"conv2d_projection\.0\.", "encoder.projection.conv."),
    (r"conv2d_projection\.1\.", "encoder.projection.norm."),
    (r"conv3d_encoder\.(\d+)\.conv_pw\.", r"blocks.\1.expand."),
    (r"conv3d_encoder\.(\d+)\.bn1\.bn3d\.", r"blocks.\1.expand_norm."),
    (r"conv3d_encoder\.(\d+)\.conv_dw\.", r"blocks.\1.depthwise."),
    (r"conv3d_encoder\.(\d+)\.bn2\.bn3d\.", r"blocks.\1.depthwise_norm."),
    (r"conv3d_encoder\.(\d+)\.se\.conv_reduce\.", r"blocks.\1.squeeze_excite.reduce."),
    (r"conv3d_encoder\.(\d+)\.se\.conv_expand\.", r"blocks.\1.squeeze_excite.expand."),
    (r"conv3d_encoder\.(\d+)\.conv_pwl\.", r"blocks.\1.project."),
    (r"conv3d_encoder\.(\d+)\.bn3\.bn3d\.", r"blocks.\1.project_norm."),
    (r"conv3d_projection\.0\.", "stack_projection.conv."),
    (r"conv3d_projection\.1\.", "stack_projection.norm."),
    (r"global_pool\.", "pool."),
    (r"classifier\.", "classifier."),
)
_NETWORK_ARGUMENTS = {
    "model_name": "encoder",
    "index_2d_features": "feature_level",
    "num_3d_blocks": "num_blocks_3d",
    "num_3d_features": "num_features_3d",
    "expansion_3d_ratio": "expansion_3d",
    "se_reduce_3d_ratio": "se_reduction_3d",
    "num_3d_stack_proj": "num_features_stack",
    "drop_rate": "drop_rate",
    "drop_path_rate": "drop_path_rate",
}
# Arguments that say something else than a size of the network.
_OTHER_ARGUMENTS = {"num_classes", "num_frames", "stack_size", "pretrained", "act_layer"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceCheckpoint:
    """A checkpoint of the reference system in our terms."""

    path: Path
    model: ModelConfig
    clip: ClipConfig
    num_labels: int
    size: tuple[int, int]
    """(H, W) of the input, padding counted."""
    params: Mapping[str, Any]
    """The file's own `params`, untouched."""
    state_dict: dict[str, Tensor]
    """The moving average's weights by our names, ready for `load_state_dict(strict=True)`."""


@dataclass(frozen=True, slots=True, order=True)
class ReferenceScores:
    """Where the raw scores of one half lie."""

    split: str
    """`cv` or `challenge`."""
    fold: int
    match: str
    half: int
    path: Path


def read_reference_checkpoint(path: Path) -> ReferenceCheckpoint:
    """Read a checkpoint of the reference system and translate all of it.

    Raises:
        CheckpointError: the file cannot be read without running code, is of another system, or holds weights
            that the network it describes does not have (or lacks some); the message names them.
    """
    content = _load(path)
    params = content["params"]
    try:
        network_name, arguments = params["nn_module"]
        if network_name != "multidim_stacker":
            raise CheckpointError(
                f"{path} holds the network {network_name!r}; only 'multidim_stacker' can be read"
            )
        model, clip, size = _configs(path, params, arguments)
        num_labels = int(arguments["num_classes"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"the params of {path} are not those of the reference system ({type(error).__name__}: {error})"
        ) from error
    state = {our_key(_strip(key)): value for key, value in content["nn_state_dict"].items()}
    try:
        network = build_model(model, clip, num_labels)
    except ConfigError as error:
        raise CheckpointError(f"the params of {path} describe no network: {error}") from error
    load_weights(network, state, path)
    return ReferenceCheckpoint(
        path=path, model=model, clip=clip, num_labels=num_labels, size=size, params=params, state_dict=state
    )


def our_key(reference_key: str) -> str:
    """Return our name of a weight of the reference system; names that it does not have stay as they are.

    >>> our_key("conv3d_encoder.2.bn1.bn3d.weight")
    'blocks.2.expand_norm.weight'
    """
    for pattern, ours in _RENAMED:
        renamed, count = re.subn(rf"^{pattern}", ours, reference_key)
        if count:
            return renamed
    return reference_key


def list_reference_folds(folder: Path) -> dict[int, Path]:
    """Return the best checkpoint of each fold of an experiment folder, by fold.

    Args:
        folder: `experiments/NAME`, which holds `fold_K` folders.

    Raises:
        CheckpointError: no fold has a checkpoint; the message says what is expected.
    """
    folds = best_checkpoints(folder.glob("fold_*/*.pth"))
    if not folds:
        raise CheckpointError(
            f"no checkpoints in {folder}; expected are fold_K/model-EPOCH-VALUE.pth, as the reference system's "
            "experiments/NAME folders have them"
        )
    return folds


def best_checkpoints(paths: Iterable[Path]) -> dict[int, Path]:
    """Return the checkpoint with the highest metric of each fold, by fold.

    Args:
        paths: Files named `fold_K/model-EPOCH-VALUE.pth`; others are passed over.
    """
    best: dict[int, tuple[float, Path]] = {}
    for path in paths:
        fold = re.fullmatch(r"fold_(\d+)", path.parent.name)
        value = re.search(r"-(\d+(?:\.\d+)?)$", path.stem)
        if fold and value and path.suffix == ".pth":
            candidate = float(value[1]), path
            best[int(fold[1])] = max(best.get(int(fold[1]), candidate), candidate)
    return {fold: best[fold][1] for fold in sorted(best)}


def list_reference_scores(folder: Path) -> list[ReferenceScores]:
    """Return where the raw scores below `predictions/NAME` lie, by split, fold, match, half; may be empty."""
    found = []
    for path in folder.glob("*/fold_*/**/*_raw_predictions.npz"):
        place = _SCORES_FILE.fullmatch(path.relative_to(folder).as_posix())
        if place:
            split, fold, match, half = place.groups()
            found.append(ReferenceScores(split, int(fold), match, int(half), path))
    return sorted(found)


def read_reference_scores(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Read a `HALF_raw_predictions.npz`.

    Returns:
        Frame indices, int64 [L], each one more than the one before; scores, float32 [L, K] in [0, 1]. The
        reference system leaves out frames whose clip would pass an edge of the video.

    Raises:
        DataError: the file is missing or is not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            indices = np.asarray(arrays["frame_indexes"], dtype=np.int64)
            scores = np.asarray(arrays["raw_predictions"], dtype=np.float32)
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"cannot read the raw scores {path}: {error}; expected is an .npz with the arrays "
            "frame_indexes and raw_predictions"
        ) from error
    if indices.ndim != 1 or scores.ndim != 2 or len(indices) != len(scores):
        raise DataError(
            f"{path}: frame_indexes {indices.shape} and raw_predictions {scores.shape} do not go together; "
            "expected are [L] and [L, K]"
        )
    if (np.diff(indices) != 1).any():
        raise DataError(f"{path}: frame_indexes leave out frames in between, which such files never do")
    return indices, scores


def _load(path: Path) -> Mapping[str, Any]:
    try:
        content: Mapping[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"no checkpoint {path}") from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than weights and numbers, or is damaged: reading it would run code from the "
            "file, which is refused. If you trust it, load it once with torch.load(..., weights_only=False) "
            "and save a dict of its params and nn_state_dict"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise CheckpointError(f"cannot read {path}: {error}; is the download complete?") from error
    for key in ("nn_state_dict", "params"):
        if not isinstance(content, dict) or not isinstance(content.get(key), dict):
            raise CheckpointError(f"{path} has no {key}; it is not a checkpoint of the reference system")
    return content


def _configs(
    path: Path, params: Mapping[str, Any], arguments: Mapping[str, Any]
) -> tuple[ModelConfig, ClipConfig, tuple[int, int]]:
    unknown = sorted(set(arguments) - set(_NETWORK_ARGUMENTS) - _OTHER_ARGUMENTS)
    if unknown:
        raise CheckpointError(
            f"{path} was built with arguments that are not known here: {', '.join(unknown)}"
        )
    if arguments["act_layer"] != "silu":
        raise CheckpointError(
            f"{path} uses the activation {arguments['act_layer']!r}; only 'silu' can be read"
        )
    if params["frame_stack_size"] != arguments["num_frames"]:
        raise CheckpointError(
            f"{path} names {params['frame_stack_size']} frames for the loader and {arguments['num_frames']} "
            "for the network"
        )
    sizes = {ours: arguments[theirs] for theirs, ours in _NETWORK_ARGUMENTS.items()}
    try:
        rate = sizes["drop_path_rate"]
        model = ModelConfig(**sizes, pretrained=arguments["pretrained"], encoder_drop_path_rate=rate)
        clip = ClipConfig(
            num_frames=arguments["num_frames"],
            frame_step=params["frame_stack_step"],
            stack_size=arguments["stack_size"],
        )
    except ConfigError as error:
        raise CheckpointError(f"the params of {path} break a rule: {error}") from error
    width, height = params["image_size"]
    return model, clip, (int(height), int(width))


def _strip(key: str) -> str:
    # torch.compile and nn.DataParallel, in whichever order they were put around the network.
    while key.startswith(("_orig_mod.", "module.")):
        key = key.partition(".")[2]
    return key
