"""decord's VideoReader, which delivers RGB: what it gives is converted to gray."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apart import AbsentError
from methods import BATCH_SIZE, Method, gray_stack


@dataclass(frozen=True)
class Decord:
    """Reading on the CPU with one thread."""

    def __call__(self, path: Path) -> Method:
        """Open a video; raises `AbsentError` where decord does not load."""
        return _OpenDecord(path)


class _OpenDecord:
    def __init__(self, path: Path) -> None:
        try:
            import decord
        except (ImportError, OSError, RuntimeError) as error:
            raise AbsentError(f"decord: {str(error).strip().splitlines()[0]}") from error
        self._reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1)

    def clip(self, indices: Sequence[int]) -> Any:
        return gray_stack(self._reader.get_batch(list(indices)).asnumpy())

    def sequence(self, stop: int) -> Iterator[Any]:
        for start in range(0, stop, BATCH_SIZE):
            yield gray_stack(self._reader.get_batch(range(start, min(start + BATCH_SIZE, stop))).asnumpy())
