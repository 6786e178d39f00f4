"""State of a fold's folder: new, unfinished or finished, and whether its run can be resumed."""

import hashlib
import json
import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from bvas.errors import CheckpointError, ConfigError
from bvas.experiment.checkpoint import FILE_NAME as WEIGHTS_NAME
from bvas.experiment.experiment import Experiment
from bvas.loading.labelled_video import LabelledVideo
from bvas.system.text_files import read_json, read_text
from bvas.training.history import HISTORY_NAME
from bvas.training.run_logs import BOARD_NAME, LOG_NAME
from bvas.training.run_state import FILE_NAME as STATE_NAME
from bvas.training.run_state import TrainingState, load_state
from bvas.values.plural import count_text

BEST_NAME = "best.safetensors"
METRICS_NAME = "metrics.json"
EPOCHS_PATTERN = "epoch_*.safetensors"

# Settings that do not affect the weights: name, saves, memory, prediction, peaks, and what scores are compared with.
_FREE = (
    "name",
    "train.save_minutes",
    "train.keep_epochs",
    "train.activation_checkpointing",
    "train.folds",
    "loading.prefetch_batches",
    "loading.max_skip_share",
    "loading.timeout_seconds",
    "task.made_by",
    "task.challenge",
    "task.test",
    "flip_tta",
    "peaks",
    "published",
)
_MOST_NAMED = 5


def fold_status(folder: Path) -> Literal["new", "unfinished", "finished"]:
    """Return the status of a fold."""
    if (folder / WEIGHTS_NAME).is_file():
        return "finished"
    return "unfinished" if (folder / STATE_NAME).is_file() else "new"


def check_finished(folder: Path, experiment: Experiment) -> None:
    """Check that a finished fold is the experiment's.

    Raises:
        ConfigError: settings differ; the message lists them.
    """
    stored = folder / "experiment.json"
    if stored.is_file():
        _refuse_differences(f"{folder} holds a finished fold", read_text(stored), experiment)


def load_unfinished(folder: Path, experiment: Experiment, data: Sequence[str]) -> TrainingState | None:
    """Return the state of an unfinished run of this experiment on this data; None where no run was begun.

    Raises:
        ConfigError: settings differ; the message lists them.
        CheckpointError: the state is damaged or of other data, or missing beside a log or weights.
    """
    if not (folder / STATE_NAME).is_file():
        left = [name for name in (LOG_NAME, BEST_NAME, METRICS_NAME) if (folder / name).exists()]
        if left:
            raise CheckpointError(
                f"{folder} holds {left[0]} of a run whose state {STATE_NAME} is missing; --overwrite starts over"
            )
        return None
    state = load_state(folder / STATE_NAME)
    _refuse_differences(f"{folder} holds an unfinished run", state.experiment, experiment)
    changed = sorted({entry.rsplit(" ", 1)[0] for entry in set(state.data) ^ set(data)})
    if changed:
        raise CheckpointError(
            f"{folder} holds an unfinished run on other data: {count_text(len(changed), 'video')}, their labels or "
            f"score curves differ ({_listed(changed)}); restore the data, or start over with --overwrite"
        )
    return state


def clear(folder: Path) -> None:
    """Remove a run's files from a fold's folder; the weights last, so that they are never without their log."""
    for name in (STATE_NAME, LOG_NAME, METRICS_NAME, BEST_NAME, HISTORY_NAME):
        (folder / name).unlink(missing_ok=True)
    for path in folder.glob(EPOCHS_PATTERN):
        path.unlink()
    shutil.rmtree(folder / BOARD_NAME, ignore_errors=True)
    (folder / WEIGHTS_NAME).unlink(missing_ok=True)


def data_digests(videos: Sequence[LabelledVideo]) -> list[str]:
    """Return `NAME DIGEST` for each video: it depends on frames and labels, and not on the folder."""
    digests = []
    for video in videos:
        digest = hashlib.blake2b(digest_size=8)
        for values in (video.grid.indices, video.annotation_frames, video.label_ids):
            digest.update(values.tobytes() + b"|")
        digest.update(video.ranges.tobytes())
        digests.append(f"{'/'.join(video.path.parts[-2:])} {digest.hexdigest()}")
    return digests


def best_epoch(rows: Sequence[dict[str, float]], figure: str) -> int | None:
    """Return the epoch with the highest figure, the first of equal ones; None without a finite validation loss."""
    known = [
        (row[figure], -epoch)
        for epoch, row in enumerate(rows)
        if figure in row and math.isfinite(row["val_loss"]) and math.isfinite(row[figure])
    ]
    return -max(known)[1] if known else None


def note_resume(path: Path, state: TrainingState, now: dict[str, str]) -> dict[str, Any]:
    """Return the environment in a file, with a new entry: where the run is resumed, and what changed."""
    facts: dict[str, Any] = read_json(path) if path.is_file() else {}
    changed = {name: value for name, value in now.items() if facts.get(name) != value}
    facts.setdefault("resumed", []).append(
        {"epoch": state.epoch, "batches": state.batches, "changed": changed}
    )
    return facts


def _refuse_differences(what: str, stored: str, experiment: Experiment) -> None:
    remedy = "--overwrite starts over; a config of another name keeps both"
    try:
        before = Experiment.from_json(stored)
    except ConfigError as error:
        raise ConfigError(f"{what} of another version of bvas ({error}); {remedy}") from error
    old, new = (dict(_leaves(json.loads(one.to_json()))) for one in (before, experiment))
    differences = [
        f"{name} was {old.get(name, 'absent')} and is {new.get(name, 'absent')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
        and not any(name == free or name.startswith(f"{free}.") for free in _FREE)
    ]
    if differences:
        raise ConfigError(f"{what} with other settings: {_listed(differences)}; {remedy}")


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else key)
    else:
        yield name, json.dumps(value)


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST_NAMED
    return ", ".join(texts[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
