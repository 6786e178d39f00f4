"""Pool of decoders that are reused from file to file: making one on a GPU takes longer than decoding a clip."""

from collections.abc import Hashable

from bvas.video.decode.cuda_decoder import CudaDecoder


class DecoderPool:
    """Idle decoders of one process and one thread, by kind: one decoder serves all files of its kind."""

    def __init__(self, *, max_idle: int = 4) -> None:
        self._max_idle = max_idle
        self._idle: list[tuple[Hashable, CudaDecoder]] = []

    def take(self, kind: Hashable) -> CudaDecoder | None:
        """Return the most recently used idle decoder of this kind, or None."""
        for place in range(len(self._idle) - 1, -1, -1):
            other, decoder = self._idle[place]
            if other == kind:
                del self._idle[place]
                return decoder
        return None

    def give(self, kind: Hashable, decoder: CudaDecoder) -> None:
        """Leave a decoder for the next file; beyond `max_idle` the one unused for longest is closed."""
        self._idle.append((kind, decoder))
        while len(self._idle) > self._max_idle:
            self._idle.pop(0)[1].close()

    def close(self) -> None:
        """Close all idle decoders."""
        while self._idle:
            self._idle.pop()[1].close()
