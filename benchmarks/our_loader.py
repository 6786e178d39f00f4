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
        self.decoded_per_clip = 0.0
        """Pictures that decoders output for each clip, in all epochs so far."""

    def clips(self, epoch: int) -> Iterator[tuple[Sequence[int], Tensor]]:
        """Yield batches: samples [B] and their frames, uint8 [B, T, H, W]."""
        requests = self._loader.clips.requests(epoch)
        sample_of = {request.seed: sample for sample, request in enumerate(requests)}
        for batch in self._loader.epoch(epoch):
            yield [sample_of[seed] for seed in batch.seeds.tolist()], batch.frames
        self.decoded_per_clip = self._loader.stats.decoded_per_clip


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
