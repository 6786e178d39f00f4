"""torchcodec's VideoDecoder, which delivers RGB: what it gives is converted to gray."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from apart import AbsentError
from methods import BATCH_SIZE, Method, gray_stack


@dataclass(frozen=True)
class Torchcodec:
    """Reading with one thread, by exact or approximate seeking."""

    seek_mode: Literal["exact", "approximate"]

    def __call__(self, path: Path) -> Method:
        """Open a video; raises `AbsentError` where torchcodec does not load."""
        return _OpenTorchcodec(path, self.seek_mode)


class _OpenTorchcodec:
    def __init__(self, path: Path, seek_mode: Literal["exact", "approximate"]) -> None:
        # It fails with what its loader of FFmpeg's and CUDA's libraries raises.
        try:
            from torchcodec.decoders import VideoDecoder
        except (ImportError, OSError, RuntimeError) as error:
            raise AbsentError(f"torchcodec: {str(error).strip().splitlines()[0]}") from error
        self._decoder = VideoDecoder(
            str(path), dimension_order="NHWC", num_ffmpeg_threads=1, seek_mode=seek_mode
        )

    def clip(self, indices: Sequence[int]) -> Any:
        return gray_stack(self._decoder.get_frames_at(list(indices)).data.numpy())

    def sequence(self, stop: int) -> Iterator[Any]:
        for start in range(0, stop, BATCH_SIZE):
            batch = self._decoder.get_frames_in_range(start, min(start + BATCH_SIZE, stop))
            yield gray_stack(batch.data.numpy())
