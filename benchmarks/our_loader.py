"""A `ClipLoader` as one of several ways to load an epoch, and mixes of workers by name."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count

from short_epoch import Contender, Expected
from torch import Tensor

from bvas.loading.loader import ClipLoader


class OurLoader:
    """A loader by the samples of its clips."""

    def __init__(self, loader: ClipLoader) -> None:
        self._loader = loader
        self._decoded: list[float] = []

    @property
    def decoded_per_clip(self) -> float:
        """Frames decoded a clip in the epochs so far, without the first."""
        return sum(self._decoded[1:]) / len(self._decoded[1:])

    def clips(self, epoch: int) -> Iterator[tuple[Sequence[int], Tensor]]:
        """Yield batches: samples [B] and their frames, uint8 [B, T, H, W]."""
        before = self._loader.stats
        requests = self._loader.clips.requests(epoch)
        sample_of = {request.seed: sample for sample, request in enumerate(requests)}
        for batch in self._loader.epoch(epoch):
            yield [sample_of[seed] for seed in batch.seeds.tolist()], batch.frames
        after = self._loader.stats
        self._decoded.append((after.frames_decoded - before.frames_decoded) / len(requests))


def rounds(
    contender: Contender, name: str, expected: Expected, *, stretched: bool = False
) -> Callable[[], None]:
    """Return what loads one epoch after the other; the first is checked: see `Expected.check`."""
    epochs = count()

    def run() -> None:
        epoch = next(epochs)
        if epoch == 0:
            expected.check(name, contender, epoch, stretched=stretched)
            return
        for _ in contender.clips(epoch):
            pass

    return run


def mix_named(text: str) -> dict[str, int]:
    """Return the mix that `nvdec=3,pyav=2` names."""
    return {backend: int(number) for backend, number in (part.split("=") for part in text.split(","))}


def name_of(mix: dict[str, int]) -> str:
    """Return what a mix is called in a table."""
    return ", ".join(f"{number} {backend}" for backend, number in mix.items())
