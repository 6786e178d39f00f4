"""What the loader and its readers say to each other: plain data, pickled over a pipe."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class ReadJob:
    """Clips of one video, to be decoded in one pass into neighboring slots."""

    job_id: int
    path: Path
    first_slot: int
    centers: tuple[int, ...]
    """Grid frames that the clips are about, one a clip: for messages."""
    indices: NDArray[np.int64]
    """Source frames of all clips, one after the other [n * T]."""

    @property
    def num_clips(self) -> int:
        """Clips of the job (n)."""
        return len(self.centers)

    def note(self) -> str:
        """Return what to add to an error that happens while the job is done."""
        frames = f"frame {self.centers[0]}"
        if len(self.centers) > 1:
            frames = f"frames {self.centers[0]} to {self.centers[-1]}"
        return f"while loading clip at {frames} of {self.path}"


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """Why a job was not done."""

    error: Exception
    refused: bool
    """The backend does not read this file at all; another may."""
    trace: str
    """Where in the worker it happened, as text."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadAnswer:
    """A job is over."""

    job_id: int
    failure: Failure | None = None
    """None: the slots hold the clips."""
