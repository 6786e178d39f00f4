"""Sound of stretches of videos on the time line of the file that joins them: sample-exact, with short fades at joins.

Each stretch has its place on the time line, computed and not summed up, so that sound and picture never drift apart.
Videos without sound give silence.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, pairwise
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from bvas.system.closing import Closing
from bvas.video.container.open_container import open_media
from bvas.video.container.stream_choice import discard_others
from bvas.video.decode.sound_frames import first_sound, sound_frames
from bvas.video.encode.encoder import EncodedFile
from bvas.video.encode.sound import SOUND_RATE, Sound
from bvas.video.encode.stretches import SourceVideo

FADE_SAMPLES = SOUND_RATE // 100
"""10 ms at the begin and at the end of each stretch, so that joins do not click."""
_CHUNK = 1024
# A decoder needs some packets before its output is right.
_WARM_UP_SECONDS = Fraction(1, 4)
# How far back is sought: containers land late, or at the video's keyframe before.
_STEPS_BACK = (1, 8)
_SLOWEST, _FASTEST = Fraction(1, 2), Fraction(2)


class JoinedSound(Sound):
    """The sound of stretches that are added one after the other.

    Args:
        sources: The videos; none: the file has no sound.
        speed: Above 1 faster; the pitch is kept.

    Raises:
        FFmpegError: a file cannot be opened.
    """

    def __init__(self, sources: Iterable[SourceVideo], *, speed: Fraction = Fraction(1)) -> None:
        self._speed = speed
        self._files = {source: _StretchSound(source) for source in sources}
        self._stretches: deque[Iterator[Any]] = deque()

    @property
    def is_there(self) -> bool:
        """Whether one of the videos has sound."""
        return any(file.is_there for file in self._files.values())

    def add_to(self, file: EncodedFile) -> None:
        """Announce the sound, if there is any, to a file."""
        if self.is_there:
            file.add_sound(SOUND_RATE)

    def add(self, source: SourceVideo, start: Fraction, begin: Fraction, end: Fraction) -> None:
        """Add a stretch behind those so far.

        Args:
            source: One of the videos.
            start: Where it begins in the video, in seconds.
            begin: Where it begins in the file.
            end: Where it ends in the file.
        """
        if self.is_there:
            self._stretches.append(self._pieces(self._files[source], start, begin, end))

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _pulled(self) -> Any:
        while self._stretches:
            piece = next(self._stretches[0], None)
            if piece is not None:
                return piece
            self._stretches.popleft()
        return None

    def _pieces(
        self, file: "_StretchSound", start: Fraction, begin: Fraction, end: Fraction
    ) -> Iterator[Any]:
        first, stop = round(begin * SOUND_RATE), round(end * SOUND_RATE)
        count, place = stop - first, 0
        samples = file.samples(round(start * SOUND_RATE), round((end - begin) * self._speed * SOUND_RATE))
        if self._speed != 1:
            samples = _stretched(samples, self._speed)
        for part in _exactly(samples, count):
            frame = av.AudioFrame.from_ndarray(_faded(part, place, count), format="fltp", layout="stereo")
            frame.sample_rate, frame.time_base = SOUND_RATE, Fraction(1, SOUND_RATE)
            frame.pts = first + place
            place += part.shape[1]
            yield frame


class _StretchSound(Closing):
    """Sound of one file, from any sample on."""

    def __init__(self, source: SourceVideo) -> None:
        self._path = source.index.path
        self._start = int(source.index.pts[0]) * source.index.time_base
        self._container: Any = None
        self._stream: Any = None
        self._open()

    @property
    def is_there(self) -> bool:
        """Whether the file has sound."""
        return self._stream is not None

    def samples(self, first: int, count: int) -> Iterator[NDArray[np.float32]]:
        """Yield so many samples from one on, 0 at the first shown frame, in pieces float32 [2, n]; fewer at the end."""
        if not self.is_there:
            return
        self._go_before(first)
        frames = sound_frames(
            self._container, self._stream, self._start, rate=SOUND_RATE, layout="stereo", begin=first
        )
        for frame in frames:
            left = count - (frame.pts - first)
            if left <= 0:
                return
            yield frame.to_ndarray()[:, :left]

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()

    def _open(self) -> None:
        # A folder of pictures has no sound.
        self._container = None if self._path.is_dir() else open_media(str(self._path.absolute()))
        self._stream = None if self._container is None else first_sound(self._container)
        if self._stream is not None:
            discard_others(self._container, self._stream)

    def _go_before(self, first: int) -> None:
        """Go to a place from which sample `first` is decoded right."""
        wanted = self._start + Fraction(first, SOUND_RATE)
        for back in _STEPS_BACK:
            if first < back * SOUND_RATE:
                break
            try:
                self._container.seek(
                    round((wanted - back) / self._stream.time_base), stream=self._stream, backward=True
                )
                packet = next(self._container.demux(self._stream), None)
            except av.FFmpegError:
                continue
            if packet is not None and packet.pts is not None:
                if packet.pts * self._stream.time_base <= wanted - _WARM_UP_SECONDS:
                    return
        self.close()
        self._open()


def _exactly(samples: Iterable[NDArray[np.float32]], count: int) -> Iterator[NDArray[np.float32]]:
    """Yield so many samples in pieces of at most `_CHUNK`, silence behind the last."""
    for part in samples:
        for place in range(0, part.shape[1], _CHUNK):
            piece = part[:, place : place + min(_CHUNK, count)]
            count -= piece.shape[1]
            if piece.shape[1]:
                yield piece
    while count > 0:
        piece = np.zeros((2, min(_CHUNK, count)), np.float32)
        count -= piece.shape[1]
        yield piece


def _faded(part: NDArray[np.float32], place: int, count: int) -> NDArray[np.float32]:
    """Return samples [2, n] from `place` on of a stretch of `count`, faded near its ends."""
    length = max(1, min(FADE_SAMPLES, count // 2))
    places = np.arange(place, place + part.shape[1])
    gain = np.minimum(places + 0.5, count - places - 0.5) / length
    faded: NDArray[np.float32] = part * np.minimum(gain, 1).astype(np.float32)
    return faded


def _stretched(samples: Iterable[NDArray[np.float32]], speed: Fraction) -> Iterator[NDArray[np.float32]]:
    """Yield samples at another speed, at their pitch, by libav's filter `atempo`."""
    graph = av.filter.Graph()
    nodes = [
        graph.add_abuffer(
            sample_rate=SOUND_RATE, format="fltp", layout="stereo", time_base=Fraction(1, SOUND_RATE)
        )
    ]
    # Within these bounds no sample is skipped.
    while speed != 1:
        factor = min(max(speed, _SLOWEST), _FASTEST)
        nodes.append(graph.add("atempo", f"{float(factor):.9f}"))
        speed /= factor
    # That filter interleaves the channels.
    nodes.append(graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo"))
    nodes.append(graph.add("abuffersink"))
    for before, after in pairwise(nodes):
        before.link_to(after)
    graph.configure()
    place = 0
    for part in chain(samples, [None]):
        if part is None:
            nodes[0].push(None)
        else:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="fltp", layout="stereo")
            frame.sample_rate, frame.time_base, frame.pts = SOUND_RATE, Fraction(1, SOUND_RATE), place
            place += part.shape[1]
            nodes[0].push(frame)
        while True:
            try:
                yield nodes[-1].pull().to_ndarray()
            except (av.BlockingIOError, av.EOFError):
                break
