"""What can decode a file: each module in this folder is a backend, named as it is.

Another backend is another file here with the three functions of `BackendModule`; nothing else changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.video.decode.decoder_pool import DecoderPool
from bvas.video.index.video_index import VideoIndex
from bvas.video.index.video_info import VideoInfo

if TYPE_CHECKING:
    from torch import Tensor

OnDamage = Literal["deliver", "raise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendOptions:
    """What a backend is told besides the file."""

    device: str = "cpu"
    """`cpu`, `cuda` or `cuda:N`: where frames are wanted, and where a GPU's decoder works."""
    on_damage: OnDamage = "deliver"
    """What to do with frames between a reported error and the next keyframe."""
    pool: DecoderPool[Any] = field(default_factory=lambda: DecoderPool(max_idle=0))
    """Decoders left over from other files, for backends that can go on with them; by default none."""


class Backend(Protocol):
    """What decodes one open file. It need not check indices, and may assume one process and one thread."""

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
            DecodeError: a frame is not to be had; `lost` starts with it. The next call works again.
        """
        ...

    def close(self) -> None:
        """Let go of the file and the decoder."""
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
    """What a module of this folder offers."""

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

    def verdict_depends_on(self) -> str | None:
        """Return what the answer of `check` depends on besides the file, such as the version of a library.

        The answer is cached under it. None asks `check` each time: it is quick, or depends on the machine.
        """
        ...


def backend_names() -> tuple[str, ...]:
    """Return the names of all backends, sorted."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def load_backend(name: str) -> BackendModule:
    """Import a backend. Whoever reads on the CPU needs neither a GPU's library nor OpenCV's video part.

    Raises:
        ConfigError: there is no backend of this name.
    """
    if name not in backend_names():
        raise ConfigError(f"unknown backend {name!r}; known are auto, {', '.join(backend_names())}")
    return cast(BackendModule, import_module(f"{__name__}.{name}"))
