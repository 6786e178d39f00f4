"""State of an unfinished run, as one file with a checksum.

A file is the output of `torch.save`, tensors and plain values only, followed by its checksum. torch does not verify
the zip format's own checksums on reading, and a run that resumes from a wrong bit would not be noticed.
"""

import io
import os
import pickle
import zlib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bvas.errors import CheckpointError
from bvas.system.atomic_files import replacing

FILE_NAME = "training_state.pt"
_FORMAT = "bvas-state-1"
_CHECKSUM_BYTES = 4

Row = dict[str, float]
"""Figures of one epoch by name."""


@dataclass(slots=True, kw_only=True)
class TrainingState:
    """State of a run between two steps."""

    experiment: str
    """The experiment, as JSON."""
    data: list[str]
    """Training data: name and digest of each video."""
    trainer: dict[str, Any]
    """`Trainer.state_dict()`."""
    epoch: int = 0
    """Epoch under way, from 0."""
    batches: int = 0
    """Batches of the epoch that are done."""
    losses: Tensor = field(default_factory=lambda: torch.empty(0))
    """Their losses [batches], float32."""
    seconds: float = 0.0
    """Time that these batches took."""
    waited: float = 0.0
    """Time of it that was spent waiting for the loader."""
    answers: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    """Scores and targets [n, 2 K] of the epoch's clips, of kinds with figures of training."""
    rows: list[Row] = field(default_factory=list)
    """Figures of the finished epochs."""


def save_state(path: Path, state: TrainingState) -> None:
    """Write a state atomically: the old one stays until the new one is on disk.

    Raises:
        DataError: it cannot be written.
    """
    memory = io.BytesIO()
    torch.save(
        {"format": _FORMAT, **{part.name: getattr(state, part.name) for part in fields(state)}}, memory
    )
    # The `with` releases the buffer even if writing fails: Python 3.12.1 crashes when it collects one in use.
    with memory.getbuffer() as content, replacing(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.write(zlib.crc32(content).to_bytes(_CHECKSUM_BYTES))
        file.flush()
        os.fsync(file.fileno())


def load_state(path: Path) -> TrainingState:
    """Read a state, its tensors on the CPU.

    Raises:
        CheckpointError: the file is damaged, or of another version of bvas.
    """
    remedy = "start over with --overwrite"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}; {remedy}") from error
    payload, checksum = memoryview(content)[:-_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
    if zlib.crc32(payload).to_bytes(_CHECKSUM_BYTES) != checksum:
        raise CheckpointError(f"{path} is damaged (wrong checksum), so the run cannot be resumed; {remedy}")
    try:
        stored = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise CheckpointError(f"{path} is not the state of a run ({error}); {remedy}") from error
    if not isinstance(stored, dict) or stored.pop("format", None) != _FORMAT:
        raise CheckpointError(f"{path} was written by another version of bvas; {remedy}, or use that one")
    return TrainingState(**stored)
