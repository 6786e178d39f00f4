"""Readers of `LiveVideo`: running sources, and finished files that are read as such."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.video.container.read_options import ReadOptions
from bvas.video.container.sources import Source
from bvas.video.decode.open_video import open_video
from bvas.video.decode.video_reader import FrameReader
from bvas.video.live.first_facts import is_pushed
from bvas.video.live.patience import Patience
from bvas.video.live.stream_reader import StreamReader

# Packets of sources that send whether or not the receiver keeps up wait here, for as long as a slow model may need.
_NUM_AHEAD_PUSHED = 1024


class FileStream:
    """A finished file, read as a `StreamReader` is: it has an end, and no frame has to be waited for.

    Args:
        reader: The open file, which this closes.
    """

    has_end = True
    identity = None

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        self.index = reader.index
        self.info = reader.info
        self.size = reader.size
        self.container = reader.index.container

    def times(self, start: int, stop: int) -> tuple[NDArray[np.int64], Fraction]:
        """Return (times in ticks, seconds of a tick); see `StreamReader.times`."""
        return self.index.pts[start:stop], self.index.time_base

    def stream(
        self, start: int = 0, *, batch_size: int = 16, at_once: bool = False
    ) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield the frames in full batches; see `StreamReader.stream`."""
        return self._reader.stream(start, batch_size=batch_size)

    def must_wait(self) -> bool:
        """Return False."""
        return False

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


LiveReader = StreamReader | FileStream
"""Frames in order with their times, as soon as they are there."""


def open_live_reader(
    source: Source,
    *,
    size: tuple[int, int] | None,
    backend: str,
    device: str,
    patience: Patience,
    reading: ReadOptions,
) -> LiveReader:
    """Open a source for `LiveVideo`.

    Args:
        source: Where the video comes from.
        size: (H, W) that each frame is fitted into; None for the picture's own size.
        backend: As `open_video` takes it.
        device: As `open_video` takes it, for finished files.
        patience: How long a running source may be silent.
        reading: Which stream of it is read, and how.

    Raises:
        DecodeError: it cannot be opened, or is not a video.
        ConfigError: the backend reads finished files only.
    """
    if source.is_indexable:
        reader = open_video(
            source.location,
            backend,
            size=size,
            device=device,
            stream=reading.stream,
            rate=reading.rate,
            tone=reading.tone,
        )
        return FileStream(reader)
    if backend not in ("auto", StreamReader.backend):
        raise ConfigError(
            f"{source.name} is a {source.kind}, which backend {backend!r} does not read; take "
            f'backend="{StreamReader.backend}", or {source.remedy}'
        )
    if is_pushed(source):
        patience = replace(patience, num_ahead=_NUM_AHEAD_PUSHED)
    return StreamReader(source, size=size, on_damage="deliver", patience=patience, reading=reading)
