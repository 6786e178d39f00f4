"""Decoded sound of a video on the clock of its first shown frame, without gaps."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av

from bvas.video.container.open_container import reason_of


def first_sound(container: Any) -> Any:
    """Return the first sound stream of an open container that libav has a decoder for; None without one."""
    return next((stream for stream in container.streams.audio if stream.codec_context is not None), None)


def sound_frames(
    container: Any,
    stream: Any,
    start_seconds: Fraction,
    *,
    rate: int | None = None,
    layout: str | None = None,
    begin: int = 0,
) -> Iterator[Any]:
    """Yield a sound as PyAV's frames of planar float32, without a gap from a sample on; their times count samples.

    Gaps and a late start are filled with silence. Sound before the first sample is cut off, and packets that
    cannot be decoded become silence, so that sound and picture stay together.

    Args:
        container: Open, of PyAV.
        stream: Its sound.
        start_seconds: Time of the first shown frame on the container's clock.
        rate: Samples per second; None: those that the sound begins with.
        layout: Channel layout as libav names it, such as `stereo`; None: that which the sound begins with.
        begin: First sample, 0 at the first shown frame; the container stands before it.
    """
    start = round(start_seconds / stream.time_base)
    resampler: _Resampler | None = None
    ended = begin
    for frame in _decoded(container, stream):
        frame.pts -= start
        rate, layout = rate or frame.sample_rate, layout or frame.layout.name
        # Channels and rate may change where a recording changes from one program to the next.
        if resampler is None or not resampler.takes(frame):
            for piece in () if resampler is None else resampler.push(None):
                ended = piece.pts + piece.samples
                yield piece
            resampler = _Resampler(frame, ended, rate, layout)
        for piece in resampler.push(frame):
            ended = piece.pts + piece.samples
            yield piece
    if resampler is not None:
        yield from resampler.push(None)


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Yield the frames that have a time and can be decoded."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            yield from (frame for frame in packet.decode() if frame.pts is not None)
        except av.FFmpegError as error:
            if reason_of(error) == "End of file":
                return


class _Resampler:
    """A filter graph for frames of one kind."""

    def __init__(self, frame: Any, start: int, rate: int, layout: str) -> None:
        """Make one for frames like this; the output begins at sample `start`."""
        self._kind = _kind_of(frame)
        # Kept in an attribute: its filters do not keep it alive.
        self._graph = av.filter.Graph()
        self._nodes = [
            self._graph.add_abuffer(
                sample_rate=frame.sample_rate,
                format=frame.format.name,
                layout=frame.layout.name,
                time_base=frame.time_base,
            ),
            # Its first_pts counts samples of the input; atrim cuts what the rounding adds.
            self._graph.add("aresample", f"{rate}:async=1:first_pts={start * frame.sample_rate // rate}"),
            self._graph.add("atrim", f"start_pts={start}"),
            self._graph.add("aformat", f"sample_fmts=fltp:channel_layouts={layout}:sample_rates={rate}"),
            self._graph.add("asetnsamples", "1024:p=0"),
            self._graph.add("abuffersink"),
        ]
        for before, after in pairwise(self._nodes):
            before.link_to(after)
        self._graph.configure()

    def takes(self, frame: Any) -> bool:
        """Return whether a frame is of the kind that this was made for."""
        return _kind_of(frame) == self._kind

    def push(self, frame: Any) -> Iterator[Any]:
        """Push a frame, or None at the end, and yield the output; times count samples."""
        self._nodes[0].push(frame)
        while True:
            try:
                yield self._nodes[-1].pull()
            except (av.BlockingIOError, av.EOFError):
                return


def _kind_of(frame: Any) -> tuple[str, str, int, Fraction]:
    return frame.format.name, frame.layout.name, frame.sample_rate, frame.time_base
