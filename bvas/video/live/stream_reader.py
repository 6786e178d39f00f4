"""`StreamReader`: frames of a running source (pipe, growing file, URL), in order and once.

Its index grows with the packets by the numbering rule of files (frame_numbering.py), and equals that of the saved file
at the end.
"""

import weakref
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import count
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.system.closing import Closing
from bvas.values.checks import checked_index, integer
from bvas.values.color import ReaderChannels
from bvas.values.input_format import InputFormat
from bvas.values.plural import count_text
from bvas.video.container.color_tags import color_tags_of
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions, Source
from bvas.video.decode.backends import Batches, OnDamage
from bvas.video.decode.damage_tracking import DamageLog
from bvas.video.decode.orientation import UprightFit
from bvas.video.decode.reader_ownership import Ownership, owned
from bvas.video.decode.rgb_bytes import color_fit
from bvas.video.decode.stored_color import color_planes, stored_color
from bvas.video.decode.video_reader import FrameFit, form_of
from bvas.video.index.frame_table import VideoIndex, VideoInfo, say_once
from bvas.video.index.stored_picture import ToneMap, luma_of
from bvas.video.live.growing_frames import Arrival, GrowingVideo
from bvas.video.live.packet_feed import PacketFeed, Patience


class StreamReader(Closing):
    """The frames of a source as they come: a `FrameStream`.

    Opening waits for the first frame. `info` and `index` cover the frames known so far. Each is a snapshot that does
    not change. The time to make a new one grows with the number of frames; `times` and the other attributes take
    constant time.

    Numbers once given are those of the whole video, with one exception: frames were lost, and later the packets'
    times turn out to be unusable, so that a scan of the file would only count the decoder's pictures. A `DecodeError`
    with an empty `lost` range reports that, and `stream(error.lost.stop)` continues counting.
    damage_settling.py explains how `info.damaged` may differ from that of the file.

    Args:
        source: The source.
        form: Form that frames are brought to; None for the picture's own size.
        channels: As `open_video` takes them.
        on_damage: What to do with frames between a reported error and the next keyframe.
        patience: How long to wait for data.
        reading: Which stream of it is read, and how.

    Raises:
        DecodeError: it cannot be opened, is not a video, or ends before a frame can be decoded.
    """

    backend = "pyav"

    def __init__(
        self,
        source: Source,
        *,
        form: InputFormat | None = None,
        channels: ReaderChannels = "luma",
        on_damage: OnDamage,
        patience: Patience,
        reading: ReadOptions = DEFAULT_READING,
    ) -> None:
        if source.kind == "remote file":
            raise source.error(
                f"{source.name} is a remote file, which is not read as a stream; {source.remedy}"
            )
        self._source = source
        self._owner = Ownership(source.name, opened_by="open_stream")
        is_color = channels != "luma"
        reading = replace(reading, fit=None if form is None else form.size, is_color=is_color)
        self._feed = PacketFeed(source, patience, reading)
        # A reader that is not closed leaves no thread behind either.
        self._finalizer = weakref.finalize(self, self._feed.close)
        self._log = DamageLog(source.path, on_damage)
        # The number behind the last frame that was given, passed or lost.
        self._next = 0
        try:
            self._video = GrowingVideo(source, self._feed, is_resumed=patience.is_resumed)
            say_once(self.info)
            self._tones = ToneMap(self.info, reading.tone)
            self._container_tags = self.info.container_color
            luma = UprightFit(self.info, form, self.seconds_of)
            self._fit: FrameFit = luma
            if is_color:
                stored = stored_color(self.info, reading.tone, self._feed.chroma_location)
                self._fit = color_fit(luma, self.info, stored, channels)
        except BaseException:
            self.close()
            raise
        self.size = self._fit.size
        self.frame_shape = self._fit.frame_shape
        self.form = form_of(self._fit, self.info)

    @property
    def index(self) -> VideoIndex:
        """The frames known so far."""
        with self._owner.alone():
            return self._video.known()[0]

    @property
    def info(self) -> VideoInfo:
        """Facts about the frames known so far; `num_frames` grows, and with it rate and duration."""
        with self._owner.alone():
            return replace(self._video.known()[1], damaged=tuple(sorted(self._log.frames)))

    @property
    def container(self) -> str:
        """As `index.container`; constant."""
        return self._feed.facts.container

    @property
    def has_end(self) -> bool:
        """The container states its duration, unlike that of a running broadcast."""
        return self._feed.facts.has_end

    @property
    def identity(self) -> tuple[str | None, int | None] | None:
        """(version, bytes) of a file on a web server, as far as stated; None for other sources."""
        return self._feed.identity

    def times(self, start: int, stop: int) -> tuple[NDArray[np.int64], Fraction]:
        """Return (times of known frames in ticks of the container's clock, seconds of a tick) as far as known."""
        with self._owner.alone():
            return self._video.times(start, stop)

    @property
    def num_decoded(self) -> int:
        """Pictures that the decoder has output so far, including those that are not frames."""
        return self._video.num_decoded

    def seconds_of(self, index: int) -> float:
        """Return the time of a frame from the first one; see `VideoIndex.seconds_of`."""
        index = checked_index(index)
        if not 0 <= index < self._video.num_frames:
            self.index.check([index])
        # Needed for each damaged picture of a broadcast: building an index each time would take ever longer.
        (pts,), time_base = self.times(index, index + 1)
        (first,), _ = self.times(0, 1)
        return float((int(pts) - int(first)) * time_base)

    @owned
    def stream(
        self,
        start: int = 0,
        stop: int | None = None,
        step: int = 1,
        batch_size: int = 16,
        *,
        at_once: bool = False,
    ) -> Batches:
        """Yield (index of the first frame, uint8 `[n, *frame_shape]`) in order, n <= batch_size, as soon as it is full.

        Each batch is the caller's own. A later call continues where the last one ended, or further on.

        Args:
            start: First frame; not one that was passed already.
            stop: Behind the last frame; None for the end. A source that ends earlier ends the stream.
            step: Source frames from one frame to the next, at least 1.
            batch_size: Frames in a batch, at least 1; with 1 a frame comes as soon as the decoder outputs it.
            at_once: Yield a batch that is not full where the next frame needs data that is still to come
                (`must_wait`).

        Raises:
            DecodeError: `start` was passed; or the frames `error.lost` are lost: those before them were yielded, and
                `stream(error.lost.stop)` continues behind them; or the source broke off (`error.lost` is None).
        """
        start, step, batch_size = integer(start), integer(step), integer(batch_size)
        stop = None if stop is None else integer(stop)
        if step < 1 or batch_size < 1:
            raise ValueError(f"step and batch_size must be at least 1, got {step} and {batch_size}")
        if start < 0 or (stop is not None and stop < 0):
            raise IndexError(f"frames {start} to {stop} of {self._source.name} reach outside the video")
        self._check_start(start)
        wanted = count(start, step) if stop is None else range(start, stop, step)
        return self._owner.steps(self._batches(iter(wanted), batch_size, at_once=at_once))

    @owned
    def must_wait(self) -> bool:
        """Return whether the next frame needs data that is still to come."""
        return self._video.must_wait()

    def close(self) -> None:
        """Close the source. A closed reader cannot be used again; closing twice is allowed.

        Raises:
            RuntimeError: another thread reads from it now; it stays open.
        """
        with self._owner.closing() as is_here:
            if is_here:
                self._finalizer()

    def __reduce__(self) -> NoReturn:
        self._owner.refuse_pickling()

    def __repr__(self) -> str:
        frames = count_text(self._video.num_frames, "frame")
        return f"<StreamReader {self._source.name}: {frames} so far, size {self.size}>"

    def _batches(self, wanted: Iterator[int], batch_size: int, *, at_once: bool) -> Batches:
        batch = np.empty((batch_size, *self.frame_shape), dtype=np.uint8)
        first = filled = 0
        for index in wanted:
            try:
                arrival = self._arrival(index)
                if arrival is not None:
                    self._fill(index, arrival, batch[filled])
            except DecodeError:
                if filled:
                    yield first, batch[:filled]
                raise
            if arrival is None:
                break
            first = first if filled else index
            filled += 1
            if filled == batch_size or (at_once and self.must_wait()):
                yield first, batch[:filled]
                batch = np.empty((batch_size, *self.frame_shape), dtype=np.uint8)
                filled = 0
        if filled:
            yield first, batch[:filled]

    def _fill(self, index: int, arrival: Arrival, out: NDArray[np.uint8]) -> None:
        picture = arrival.picture
        hdr = self._tones.hdr_of(picture, index)
        if isinstance(self._fit, UprightFit):
            self._fit.apply(index, luma_of(picture, hdr), out, arrival.sample_aspect)
            return
        tags = color_tags_of(picture).or_else(self._container_tags)
        self._fit.apply(index, color_planes(picture, hdr, tags), out, arrival.sample_aspect)

    def _arrival(self, index: int) -> Arrival | None:
        """Return the decoded frame of a number, or None where the source ends before it."""
        self._check_start(index)
        while (arrival := self._video.next()) is not None:
            frames = arrival.frames
            self._next = max(self._next, frames.stop)
            if arrival.error is not None:
                raise arrival.error
            if frames.stop <= index:
                continue
            if arrival.picture is None:
                raise self._lost(range(index, frames.stop))
            if arrival.is_damaged:
                self._log.add(index, self.seconds_of(index), self._skip_damaged)
            return arrival
        return None

    def _skip_damaged(self, index: int) -> int:
        """Pass the frames behind `index` that are lost or damaged; return the number of the next sound one."""
        stop = index + 1
        while (arrival := self._video.next()) is not None:
            if arrival.error is not None or (arrival.picture is not None and not arrival.is_damaged):
                self._video.put_back(arrival)
                break
            stop = self._next = arrival.frames.stop
        return stop

    def _lost(self, frames: range) -> DecodeError:
        return self._source.error(
            f"the decoder does not output frame {frames.start} ({self.seconds_of(frames.start):.3f} s) of "
            f"{self._source.name}: it is damaged there, {len(frames)} frame(s) lost; "
            f"reading can continue at frame {frames.stop}",
            lost=frames,
        )

    def _check_start(self, index: int) -> None:
        if index < self._next:
            raise self._source.error(
                f"frame {index} of {self._source.name} has passed, it stands at frame {self._next}: a "
                f"{self._source.kind} is read once; stream({self._next}) continues, or {self._source.remedy}",
            )
