"""What the loader and its readers say to each other: plain data, pickled over a pipe."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FailureKind = Literal["refused", "damaged", "unread", "error"]
"""`refused`: the backend does not open this file at all; another may.
`damaged`: the decoder does not output a frame.
`unread`: reading failed, by the backend and not by the file, as when a GPU has no memory left.
`error`: anything else; it is raised as it is."""


def _no_frames() -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ReadJob:
    """Clips of one video, to be decoded in one pass. Without clips it asks whether the video can be opened."""

    job_id: int
    path: Path
    slots: tuple[int, ...]
    """Where the clips go, one a clip (n)."""
    centers: tuple[int, ...]
    """Grid frames that the clips are about, one a clip: for messages."""
    indices: NDArray[np.int64]
    """Source frames of all clips, one after the other [n * T]."""
    chain: int | None = None
    """Jobs of one number go on where the one before ended: one reader does them best."""
    keep: NDArray[np.int64] = field(default_factory=_no_frames)
    """Source frames that later jobs of the chain want and this one passes: to be decoded now, and kept."""
    is_idle: bool = False
    """It is done when there is nothing else to do."""

    @property
    def num_clips(self) -> int:
        """Clips of the job (n)."""
        return len(self.slots)

    def note(self) -> str:
        """Return what the job is about, to be put behind what happened to it."""
        if not self.centers:
            return f"while opening {self.path}"
        if len(self.centers) == 1:
            return f"while loading clip at frame {self.centers[0]} of {self.path}"
        first, last = min(self.centers), max(self.centers)
        return f"while loading clips at frames {first} to {last} of {self.path}"


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """Why a job was not done."""

    error: Exception
    kind: FailureKind
    trace: str
    """Where in the worker it happened, as text."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadAnswer:
    """A job is over."""

    job_id: int
    failure: Failure | None = None
    """None: the slots hold the clips."""
    busy_seconds: float = 0.0
    """Time that it took."""
    num_decoded: int = 0
    """Pictures that the decoder output for it."""
    on_device: bool = False
    """The clips are in the slots' device memory, not in host memory."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has started and waits for its first job."""
