"""Backends that decode files: their names, and what each of them offers.

A backend NAME is the module `NAME_backend.py` beside this one, with the functions of `BackendModule`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bvas.video.decode.decoder_pool import DecoderPool
from bvas.video.index.frame_table import VideoIndex
from bvas.video.index.video_info import VideoInfo

if TYPE_CHECKING:
    from torch import Tensor

BACKENDS = ("nvdec", "opencv", "pyav")
OnDamage = Literal["deliver", "raise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendOptions:
    """Options of a backend besides the file."""

    device: str = "cpu"
    """`cpu`, `cuda` or `cuda:N`: where frames are wanted, and where a GPU's decoder works."""
    on_damage: OnDamage = "deliver"
    """What to do with frames between a reported error and the next keyframe."""
    cache: bool = True
    """Keep refusals of a file in the cache folder."""
    pool: DecoderPool[Any] = field(default_factory=lambda: DecoderPool(max_idle=0))
    """Decoders of earlier files, for backends that can reuse them; by default none."""


class Backend(Protocol):
    """Decoder of one open file. It need not check indices, and may assume one process and one thread."""

    damaged: set[int]
    """Frames delivered although a reported error came before them in their keyframe interval."""
    sample_aspect: Fraction | None
    """Width over height of a stored sample of the frame yielded last; None where it is that of the video."""

    @property
    def num_decoded(self) -> int:
        """Pictures that the decoder has output so far, wanted or not."""
        ...

    def frames(self, indices: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (index, luma) for each index; luma is uint8 [h, w] as stored, valid until the next one.

        Args:
            indices: Ascending and distinct, each inside the video.

        Raises:
            DecodeError: a frame is not output; `lost` starts with it. The next call works again.
        """
        ...

    def close(self) -> None:
        """Release the file and the decoder."""
        ...


@runtime_checkable
class DeviceBackend(Protocol):
    """A backend that decodes on a GPU and can leave the frames there."""

    sample_aspect: Fraction | None
    """As `Backend.sample_aspect`."""

    def tensor_frames(self, indices: Sequence[int]) -> "Iterator[tuple[int, Tensor]]":
        """As `frames`, with CUDA tensors that are complete when they are yielded."""
        ...


class BackendModule(Protocol):
    """Functions of a module of this folder."""

    def check(self, index: VideoIndex, info: VideoInfo, options: BackendOptions) -> None:
        """Refuse a file that this backend cannot decode or may get wrong.

        Raises:
            DecodeError: names the reason and the remedy.
        """
        ...

    def open_backend(self, index: VideoIndex, info: VideoInfo, options: BackendOptions) -> Backend:
        """Open a file that `check` admits.

        Raises:
            DecodeError: the file cannot be opened.
        """
        ...


def load_backend(name: str) -> BackendModule:
    """Import a backend of `BACKENDS`, so that readers on the CPU load no library of the GPU."""
    return cast(BackendModule, import_module(f"bvas.video.decode.{name}_backend"))
