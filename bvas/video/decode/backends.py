"""Backends that decode files: their names, and what each of them offers.

A backend NAME is the module `NAME_backend.py` beside this one, with the functions of `BackendModule`.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from bvas.system.closing import Closing
from bvas.video.container.color_tags import NO_TAGS, ColorTags, Hdr, color_tags_of
from bvas.video.decode.pynvvideocodec import DecoderPool
from bvas.video.decode.stored_color import Planes, color_planes
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.stored_picture import ToneMap, luma_of

if TYPE_CHECKING:
    from torch import Tensor

BACKENDS = ("nvdec", "opencv", "pyav")
OnDamage = Literal["deliver", "raise"]
Batches: TypeAlias = Iterator[tuple[int, NDArray[np.uint8]]]
"""Frames in order: (index of the first frame, uint8 [n, ...])."""
TensorPlanes: TypeAlias = "tuple[Tensor, Tensor, Tensor]"
"""As `Planes`, on a GPU."""
Indices: TypeAlias = Sequence[int] | NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendOptions:
    """Options of a backend besides the file."""

    device: str = "cpu"
    """`cpu`, `cuda` or `cuda:N`: where frames are wanted, and where a GPU's decoder works."""
    on_damage: OnDamage = "deliver"
    """What to do with frames between a reported error and the next keyframe."""
    cache: bool = True
    """Keep refusals of a file in the cache folder."""
    is_color: bool = False
    """Color will be read, not luma alone."""
    pool: DecoderPool | None = None
    """Decoders of earlier files, for backends that can reuse them; None: a decoder ends with its reader."""


class Backend(Closing):
    """Decoder of one open file. It need not check indices, and may assume one process and one thread."""

    damaged: Set[int] = frozenset()
    """Frames delivered although a reported error came before them in their keyframe interval."""
    sample_aspect: Fraction | None = None
    """Width over height of a stored sample of the frame yielded last; None where it is that of the video."""
    _num_decoded = 0

    @property
    def num_decoded(self) -> int:
        """Pictures that the decoder has output so far, wanted or not."""
        return self._num_decoded

    @abstractmethod
    def frames(self, indices: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (index, luma) for each index; luma is uint8 [h, w] as stored, valid until the next one.

        Args:
            indices: Ascending and distinct, each inside the video.

        Raises:
            DecodeError: a frame is not output; `lost` starts with it. The next call works again.
        """


class PictureBackend(Backend):
    """A backend by libav, whose frames also hold color."""

    _tones: ToneMap | None = None
    _container_tags: ColorTags = NO_TAGS

    @abstractmethod
    def pictures(self, indices: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """As `frames`, with PyAV's decoded frames."""

    def frames(self, indices: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (index, luma as stored); see `Backend`."""
        for index, picture in self.pictures(indices):
            yield index, luma_of(picture, self._hdr_of(picture, index))

    def color_frames(self, indices: Sequence[int]) -> Iterator[tuple[int, Planes]]:
        """As `frames`, with luma and chroma as stored."""
        for index, picture in self.pictures(indices):
            tags = color_tags_of(picture).or_else(self._container_tags)
            yield index, color_planes(picture, self._hdr_of(picture, index), tags)

    def _hdr_of(self, picture: Any, index: int) -> Hdr | None:
        return None if self._tones is None else self._tones.hdr_of(picture, index)


class DeviceBackend(Backend):
    """A backend that decodes on a GPU and can leave the frames there."""

    @abstractmethod
    def tensor_frames(self, indices: Sequence[int]) -> "Iterator[tuple[int, Tensor]]":
        """As `frames`, with CUDA tensors that are complete when they are yielded."""

    @abstractmethod
    def tensor_color_frames(self, indices: Sequence[int]) -> "Iterator[tuple[int, TensorPlanes]]":
        """As `tensor_frames`, with luma and chroma as stored."""

    def frames(self, indices: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (index, luma as stored) in host memory; see `Backend`."""
        for index, luma in self.tensor_frames(indices):
            yield index, luma.cpu().numpy()


class BackendModule(Protocol):
    """Functions of a module of this folder."""

    def check(self, index: VideoIndex, info: VideoInfo, options: BackendOptions) -> None:
        """Refuse a file that this backend cannot decode or may get wrong.

        Raises:
            DecodeError: names the reason and the remedy.
        """

    def open_backend(self, index: VideoIndex, info: VideoInfo, options: BackendOptions) -> Backend:
        """Open a file that `check` admits.

        Raises:
            DecodeError: the file cannot be opened.
        """


def load_backend(name: str) -> BackendModule:
    """Import a backend of `BACKENDS`, so that readers on the CPU load no library of the GPU."""
    return cast(BackendModule, import_module(f"bvas.video.decode.{name}_backend"))
