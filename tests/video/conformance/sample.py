"""What a sample of the suite is: how its file is made, and what every backend must find in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from video_samples import make_video

# Height and width from which on NVDEC decodes H.264, HEVC, VP9 and AV1.
SIZE = (144, 160)
NUM_FRAMES = 60

Make = Callable[[Path], Any]
"""Writes the file of a sample to this path; the folder is the sample's own."""
Edit = Callable[[Path, Path], Any]
"""Writes an altered copy of the first file to the second path."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One undamaged file, and what is right for it."""

    name: str
    make: Make
    shown: Sequence[int] = range(NUM_FRAMES)
    """Numbers that its frames show, in order."""
    says: Mapping[str, object] = field(default_factory=dict)
    """Some fields of its `VideoInfo`."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Backends that must refuse it, with words of the reason; all others read it right."""
    may_refuse: Mapping[str, str] = field(default_factory=dict)
    """Backends that may refuse it for this reason, by their version or chip, and read it right else."""

    @property
    def is_exact(self) -> bool:
        """Its luma is 8-bit and as stored, and so the same from every backend."""
        return not {"opencv", "nvdec"} <= self.refused.keys()


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """A file with something lost or overwritten; `whole` is what it was."""

    name: str
    whole: Make
    edit: Edit


def coded(**settings: Any) -> Make:
    """A video of numbered frames; see `make_video`."""
    return lambda path: make_video(path, **{"size": SIZE, "num_frames": NUM_FRAMES} | settings)


def edited(edit: Edit, source: str = "source.mp4", **settings: Any) -> Make:
    """An altered copy of a video of numbered frames, which is first written under the name `source`."""
    return lambda path: edit(coded(**settings)(path.parent / source), path)
