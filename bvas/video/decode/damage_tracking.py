"""Which pictures an error makes doubtful, those decoded after it up to the next keyframe, and what becomes of them."""

import logging
from pathlib import Path

from bvas.errors import DecodeError
from bvas.video.container.time_array import NO_TIME
from bvas.video.decode.backends import OnDamage
from bvas.video.index.frame_table import VideoIndex

logger = logging.getLogger(__name__)


class Damage:
    """What was reported since decoding started at a keyframe.

    Pictures are named by their times. A decoder is fed in one order and outputs in another, so a picture may
    be output before the broken one that it refers to: `doubt_until` says how far to wait.
    """

    def __init__(self, start: int) -> None:
        self.num_errors = 0
        # Those that lead the first keyframe refer to what was not decoded; nobody asks for them here.
        self._start = start
        # In the order of decoding, with whether it is a keyframe; those not yet asked for or passed.
        self._fed: dict[int, bool] = {}
        self._is_broken = False
        self._follows_loss = False
        # Pictures that lead a keyframe may still refer to what came before it.
        self._sound_from = NO_TIME
        self._doubtful: set[int] = set()

    def feed(self, pts: int, *, is_keyframe: bool, is_corrupt: bool) -> None:
        """Note a packet that is about to be decoded; the container may say that parts of it are missing."""
        self._fed[pts] = is_keyframe
        # A TS notices a loss late, and libav's parser hands the flag to the packet before: the one that
        # follows may itself be broken, or followed by a gap.
        if is_keyframe and self._is_broken and not self._follows_loss:
            self._is_broken = False
            self._sound_from = pts
        self._follows_loss = is_corrupt
        if is_corrupt and pts >= self._start:
            self._is_broken = True
            self.num_errors += 1
        if self._is_broken or pts < self._sound_from:
            self._doubtful.add(pts)

    def feed_nameless(self, *, is_corrupt: bool) -> None:
        """Note a packet without a time that is about to be decoded."""
        self._is_broken |= is_corrupt

    def fail(self, pts: int | None) -> None:
        """Note that decoding the packet that was fed last raised an error."""
        if pts is None or pts >= self._start:
            self._is_broken = True
            self.num_errors += 1
        if pts is not None and pts >= self._start:
            self._doubtful.add(pts)

    def show_broken(self, pts: int) -> None:
        """Note that a picture was output whose gaps the decoder has filled in."""
        if pts < self._start:
            return
        self.num_errors += 1
        self._doubtful.add(pts)
        order = list(self._fed)
        is_broken = True
        for later in order[order.index(pts) + 1 :] if pts in self._fed else order:
            if self._fed[later] and is_broken:
                is_broken = False
                self._sound_from = max(self._sound_from, later)
            if is_broken or later < self._sound_from:
                self._doubtful.add(later)
        self._is_broken |= is_broken

    def doubt_until(self, pts: int) -> int:
        """Return the last time of what was decoded before a picture and is shown after it, or its own."""
        latest = pts
        for earlier in self._fed:
            if earlier == pts:
                break
            latest = max(latest, earlier)
        return latest

    def is_doubtful(self, pts: int) -> bool:
        """Return whether a picture was decoded after an error and before the next keyframe."""
        return pts in self._doubtful

    def forget(self, pts: int) -> None:
        """Drop what is known of a picture and those before it."""
        self._fed = {later: is_keyframe for later, is_keyframe in self._fed.items() if later > pts}
        self._doubtful = {later for later in self._doubtful if later > pts}


class CountedDamage:
    """What was reported of a stream without reliable times, where pictures cannot be told by theirs."""

    def __init__(self) -> None:
        # An error was reported, and no keyframe fed behind it has come out yet.
        self._is_broken = False
        # That keyframe is in the decoder.
        self._is_mending = False

    def feed(self, *, is_keyframe: bool) -> None:
        """Note a packet that is about to be decoded."""
        self._is_mending = self._is_broken and (self._is_mending or is_keyframe)

    def fail(self) -> None:
        """Note that the packet that was fed last is broken."""
        self._is_broken, self._is_mending = True, False

    def is_doubtful(self, *, is_keyframe: bool, is_corrupt: bool) -> bool:
        """Return whether the next picture that is output was decoded after an error."""
        self._is_broken &= not (self._is_mending and is_keyframe)
        return self._is_broken or is_corrupt


class DamageLog:
    """The frames of one video that were delivered although they may be wrong."""

    def __init__(self, path: Path, on_damage: OnDamage) -> None:
        self.frames: set[int] = set()
        self.refuses = on_damage == "raise"
        """Such frames are not to be delivered."""
        self._path = path

    def add(self, frame: int, index: VideoIndex) -> None:
        """List a frame of a file that is about to be delivered; warns of the first.

        Raises:
            DecodeError: such frames are to be refused; `lost` reaches up to the next keyframe.
        """
        if self.refuses:
            stop = index.first_of_keyframe(index.keyframe_of(frame) + 1)
            raise self.refusal(frame, index.seconds_of(frame), stop)
        self.deliver(frame, index.seconds_of(frame))

    def deliver(self, frame: int, seconds: float) -> None:
        """List a frame; warns of the first."""
        if not self.frames:
            logger.warning(
                "%s is damaged: frame %d (%.3f s) and others up to the next keyframe may be wrong",
                self._path,
                frame,
                seconds,
            )
        self.frames.add(frame)

    def refusal(self, frame: int, seconds: float, stop: int) -> DecodeError:
        """Return the error of a frame that is not delivered, nor are those up to `stop`."""
        return DecodeError(
            f"frame {frame} ({seconds:.3f} s) of {self._path} follows a decoding error and may be wrong up to "
            f'the next keyframe (frame {stop}); on_damage="deliver" accepts such frames',
            path=self._path,
            lost=range(frame, max(stop, frame + 1)),
        )
