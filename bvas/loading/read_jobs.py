"""Jobs that the loader gives to its workers, and their results: plain data, pickled over a pipe."""

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bvas.loading.clip_requests import ClipRequest
from bvas.values.input_format import WHOLE_PICTURE, Cut

FailureKind = Literal["refused", "damaged", "unread", "error"]
"""`refused`: the backend does not open this file at all; another may.
`damaged`: the decoder does not output a frame.
`unread`: the backend failed, and not the file, as when a GPU is out of memory.
`error`: anything else; it is raised as it is."""

# Shared by all loaders of this process: two of them may share workers.
_JOB_IDS = count(1)


def _no_frames() -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64)


@dataclass(slots=True, eq=False)
class Clip:
    """A clip of an epoch, on its way to a batch."""

    sample: int
    """Number of the clip in the epoch."""
    request: ClipRequest
    slot: int = -1
    """Slot that it is read into; -1 before it has one."""
    attempt: int = 0
    """Draws of the sample that could not be decoded."""
    is_done: bool = False
    """It is in its slot, or was skipped."""
    is_lost: bool = False
    """It was skipped without a replacement."""
    on_device: bool = False
    """It is in the slot's device memory, not in host memory."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadJob:
    """Clips of one video, decoded in one pass. Without clips it asks whether the video can be opened."""

    path: Path
    clips: tuple[Clip, ...] = ()
    chain: int | None = None
    """Number of a chain: each of its jobs continues where the one before ended, so one worker should do all."""
    keep: NDArray[np.int64] = field(default_factory=_no_frames)
    """Source frames that this job passes and later jobs of the chain need: decoded now, and kept by the worker."""
    is_idle: bool = False
    """To be done when no other job waits."""
    job_id: int = field(default_factory=lambda: next(_JOB_IDS))

    @property
    def slots(self) -> tuple[int, ...]:
        """Slot of each clip [n]."""
        return tuple(clip.slot for clip in self.clips)

    @property
    def indices(self) -> NDArray[np.int64]:
        """Source frames of all clips, one clip after the other [n * T]."""
        return np.concatenate([_no_frames(), *(clip.request.indices for clip in self.clips)])

    @property
    def cuts(self) -> tuple[Cut, ...] | None:
        """Part of each picture of all clips [n * T]; None where all are brought to the frame alike."""
        if all(clip.request.cuts is None for clip in self.clips):
            return None
        return tuple(
            cut
            for clip in self.clips
            for cut in clip.request.cuts or (WHOLE_PICTURE,) * len(clip.request.indices)
        )

    def note(self) -> str:
        """Return what the job reads, as the end of a message."""
        if not self.clips:
            return f"while opening {self.path}"
        centers = [clip.request.center for clip in self.clips]
        if len(centers) == 1:
            return f"while loading clip at frame {centers[0]} of {self.path}"
        return f"while loading clips at frames {min(centers)} to {max(centers)} of {self.path}"


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """Reason why a job was not done."""

    error: Exception
    kind: FailureKind
    trace: str
    """Traceback in the worker."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadResult:
    """Outcome of a `ReadJob`."""

    job_id: int
    failure: Failure | None = None
    """None: the slots hold the clips."""
    busy_seconds: float = 0.0
    """Time that the job took."""
    num_decoded: int = 0
    """Pictures that the decoder output for it."""
    on_device: bool = False
    """The clips are in the slots' device memory, not in host memory."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has started and waits for its first job."""
