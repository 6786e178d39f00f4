"""Frames of a running source, decoded and numbered as they come."""

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.video.container.coded_rate import StrictDecoder
from bvas.video.container.open_container import libav_messages, reason_said
from bvas.video.container.read_options import Source
from bvas.video.decode.sample_aspects import SampleAspects
from bvas.video.index.file_scan import rate_refusal
from bvas.video.index.frame_numbering import ShownFrames
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.index_assembly import PictureNotes, index_of, with_choices
from bvas.video.index.stream_facts import has_times, packet_facts
from bvas.video.live.damage_settling import HeldPictures, StreamDamage
from bvas.video.live.packet_feed import PacketFeed


@dataclass(frozen=True, slots=True)
class Arrival:
    """Next item of a running source: a frame, lost frames, or an error."""

    frames: range
    """Numbers of the frames; one where there is a picture."""
    picture: Any = None
    """The frame as PyAV decoded it; None where it is lost."""
    sample_aspect: Fraction | None = None
    """Width over height of its stored samples; None where it is that of the video."""
    is_damaged: bool = False
    """A reported error came before it in its keyframe interval."""
    error: DecodeError | None = None


class GrowingVideo:
    """Decodes a source packet by packet; the index grows by the numbering rule of files (frame_numbering.py).

    Args:
        source: The source, for messages.
        feed: Its packets.
        is_resumed: The source will be opened again where it breaks off. Pictures that the decoder still holds then
            are dropped: a missing one may belong between them, and the new connection gives them again.

    Raises:
        DecodeError: the source ends before a frame can be decoded.
    """

    def __init__(self, source: Source, feed: PacketFeed, *, is_resumed: bool = False) -> None:
        facts = feed.facts
        self._source = source
        self._feed = feed
        self._is_resumed = is_resumed
        timed = has_times(facts.container) or facts.rate_origin == "arrival"
        self._shown = ShownFrames(timed, facts.codec, facts.time_base)
        self._notes = PictureNotes(facts)
        self._errors = StreamDamage()
        self._held_pictures = HeldPictures(self._shown, self._errors)
        self._strict = StrictDecoder(facts.codec, feed.decoder)
        self._aspects = SampleAspects(feed.decoder)
        self._ready: deque[Arrival] = deque()
        self._ended = False
        # (what is missing, time of the first packet behind the gap).
        self._missing: tuple[str, int | None] | None = None
        self.num_decoded = 0
        """Pictures that the decoder has output so far."""
        self._known: tuple[tuple[int, bool], VideoIndex, VideoInfo] | None = None
        with libav_messages() as self._said:
            self._await_first_frame()
        if feed.reading.rate is not None and not self._shown.counts:
            raise rate_refusal(source.name)

    @property
    def num_frames(self) -> int:
        """Frames known so far."""
        return self._shown.num_frames

    def times(self, start: int, stop: int) -> tuple[NDArray[np.int64], Fraction]:
        """Return (times of known frames in ticks, seconds of a tick), as `known` has them so far."""
        return self._shown.times(start, stop, self._feed.facts.claimed_rates)

    def must_wait(self) -> bool:
        """Return whether the next item needs data that is still to come; decodes what is there."""
        while not self._ready and not self._ended:
            if self._feed.must_wait():
                return True
            self._advance()
        return False

    def known(self) -> tuple[VideoIndex, VideoInfo]:
        """Return index and description of the frames known so far."""
        state = self._shown.num_frames, self._ended
        if self._known is None or self._known[0] != state:
            facts = self._feed.facts.of_frames(counted=self._shown.counts)
            frames = self._shown.frames(facts.claimed_rates)
            index = index_of(self._source.path, self._feed.reading, facts, frames)
            self._known = state, index, with_choices(index, self._notes.describe(index, facts))
        return self._known[1:]

    def next(self) -> Arrival | None:
        """Return the next item, in the order of frames, as soon as it is there; None at the end.

        Raises:
            DecodeError: the source broke off; all that came before was returned.
        """
        while not self._ready:
            if self._ended:
                if self._feed.failure is not None:
                    raise self._feed.failure
                return None
            self._advance()
        return self._ready.popleft()

    def put_back(self, arrival: Arrival) -> None:
        """Make the last arrival the next one again."""
        self._ready.appendleft(arrival)

    def _await_first_frame(self) -> None:
        while not any(arrival.picture is not None for arrival in self._ready):
            if self._ended:
                raise self._feed.failure or self._source.error(
                    f"no frame of {self._source.name} can be decoded{reason_said(self._said)}"
                    f"{self._feed.hint}",
                )
            self._advance()
        if self._notes.dolby_vision is not None:
            self._notes.dolby_vision.check(self._source.name)

    def _advance(self) -> None:
        """Decode the next packet, and number its pictures."""
        packet = self._feed.next_packet()
        self._ended = packet is None
        if packet is not None and self._feed.missing:
            self._missing = self._feed.missing, packet.pts
        if self._is_resumed and self._feed.failure is not None:
            # The decoder is not flushed: its last pictures come again with the next connection.
            return
        if packet is None:
            self._shown.end_packets()
        else:
            self._add_packet(packet)
        self._check_numbers(self._shown.num_frames)
        try:
            pictures = self._feed.decoder.decode(packet)
        except MemoryError:
            raise
        except av.FFmpegError:
            self._shown.add_error()
            self._errors.fail(packet)
            pictures = []
        self.num_decoded += len(pictures)
        self._aspects.see(self._feed.decoder, None if packet is None else packet.pts)
        for picture in pictures:
            self._held_pictures.add(picture)
        while (picture := self._held_pictures.take(at_end=self._ended)) is not None:
            self._number(picture)
        if self._ended:
            self._add_lost(self._shown.finish())

    def _add_packet(self, packet: Any) -> None:
        facts = packet_facts(self._feed.facts.codec, self._feed.facts.extradata, packet)
        self._shown.add_packet(facts)
        self._notes.see_traits(facts.traits)
        self._errors.feed(packet, is_start=facts.is_start)
        if self._shown.is_comparing and self._strict.fails(packet):
            self._shown.add_error()

    def _number(self, picture: Any) -> None:
        if not self._notes.has_picture or self._shown.is_comparing:
            self._notes.see(picture)
        placed = self._shown.add_output(self._feed.facts.time_of(picture), is_keyframe=picture.key_frame)
        self._add_lost(placed.lost)
        is_doubtful = self._errors.is_doubtful(picture, counts=self._shown.counts)
        if placed.index is None:
            return
        self._check_numbers(placed.index)
        self._say_missing(placed.index, picture)
        numbers = range(placed.index, placed.index + 1)
        self._ready.append(Arrival(numbers, picture, self._aspects.of(picture.pts), is_doubtful))

    def _say_missing(self, index: int, picture: Any) -> None:
        """Report a gap of unknown length once, before the first frame behind it."""
        if self._missing is None:
            return
        reason, pts = self._missing
        if pts is not None and picture.pts is not None and picture.pts < pts:
            return
        self._missing = None
        self._report(
            index,
            f"frames are missing before frame {index} of {self._source.name}: {reason}; their number is unknown",
        )

    def _add_lost(self, frames: range) -> None:
        if frames:
            self._ready.append(Arrival(frames))

    def _check_numbers(self, index: int) -> None:
        """Report once where numbers begin to differ from those of the whole video; see `StreamReader`."""
        reason, self._shown.renumbered = self._shown.renumbered, None
        if reason is None:
            return
        self._report(
            index,
            f"from frame {index} on the frames of {self._source.name} are only counted: {reason}. Frames "
            "were lost before it, so their numbers are not those of the saved file; where they must be, "
            f"{self._source.remedy}",
        )

    def _report(self, index: int, text: str) -> None:
        """Raise an error in the reader before a frame, at which it can continue."""
        here = range(index, index)
        text += f". Reading can continue at frame {index}"
        self._ready.append(Arrival(here, error=self._source.error(text, lost=here)))
