"""Damage tracking: pictures decoded after a reported error, up to the next keyframe, are doubtful.

Pictures are decoded in one order and shown in another, and an error may be reported late. So a picture is doubtful by
its place in the order of decoding:

    decoded   I0  P3  B1  B2  P6  B4  B5  I9  B7  B8     an error in P3
    doubtful      x   x   x   x   x   x       x   x      B7 and B8 may still refer to P6
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bvas.errors import DecodeError
from bvas.video.container.time_repair import NO_TIME
from bvas.video.decode.backends import OnDamage

logger = logging.getLogger(__name__)


class Damage:
    """Errors reported since decoding started at a keyframe.

    Pictures are identified by their times. A picture may be output before the broken one that it refers to;
    `doubt_until` returns how far to wait.
    """

    def __init__(self, start: int) -> None:
        self.num_errors = 0
        # Pictures that lead the first keyframe refer to pictures that were not decoded; they are not asked for.
        self._start = start
        # Time -> is it a keyframe, in the order of decoding; of pictures not yet delivered or passed.
        self._fed: dict[int, bool] = {}
        self._is_broken = False
        self._follows_loss = False
        # Pictures that lead a keyframe may still refer to what came before it.
        self._sound_from = NO_TIME
        self._doubtful: set[int] = set()

    def feed(self, pts: int, *, is_keyframe: bool, is_corrupt: bool) -> None:
        """Note a packet that is about to be decoded; `is_corrupt`: the container reports that parts are missing."""
        self._fed[pts] = is_keyframe
        # A TS demuxer notices a loss late, and libav's parser sets the flag on the packet before. So the keyframe
        # right behind a flagged packet may itself be broken, or followed by a gap: it ends no doubt.
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
        """Note that a picture was output of which the decoder concealed parts."""
        if pts < self._start:
            return
        self.num_errors += 1
        self._doubtful.add(pts)
        # The packets fed behind it are already decoded: the doubt is spread over them afterwards, by `feed`'s rule.
        order = list(self._fed)
        is_broken = True
        for later in order[order.index(pts) + 1 :] if pts in self._fed else order:
            if self._fed[later] and is_broken:
                # A keyframe ends the doubt, except for pictures that lead it.
                is_broken = False
                self._sound_from = max(self._sound_from, later)
            if is_broken or later < self._sound_from:
                self._doubtful.add(later)
        self._is_broken |= is_broken

    def doubt_until(self, pts: int) -> int:
        """Return the latest time among a picture and those decoded before it."""
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
        if self._doubtful:
            self._doubtful = {later for later in self._doubtful if later > pts}


class CountedDamage:
    """Errors reported in a stream without reliable times, where pictures are only counted."""

    def __init__(self) -> None:
        # An error was reported, and no keyframe fed behind it has been output yet.
        self._is_broken = False
        # That keyframe is in the decoder.
        self._is_recovering = False

    def feed(self, *, is_keyframe: bool) -> None:
        """Note a packet that is about to be decoded."""
        self._is_recovering = self._is_broken and (self._is_recovering or is_keyframe)

    def fail(self) -> None:
        """Note that the packet that was fed last is broken."""
        self._is_broken, self._is_recovering = True, False

    def is_doubtful(self, picture: Any) -> bool:
        """Return whether the next picture that is output was decoded after an error."""
        self._is_broken &= not (self._is_recovering and picture.key_frame)
        return self._is_broken or bool(picture.is_corrupt)


class DamageLog:
    """Doubtful frames of one video that were delivered.

    Args:
        path: The video.
        on_damage: Whether doubtful frames are delivered, or refused.
    """

    def __init__(self, path: Path, on_damage: OnDamage) -> None:
        self.frames: set[int] = set()
        self._refuses = on_damage == "raise"
        self._path = path

    def add(self, frame: int, seconds: float, next_sound: Callable[[int], int]) -> None:
        """List a frame that is about to be delivered; warns of the first.

        Args:
            frame: Its number.
            seconds: Its time.
            next_sound: Returns the number of the next frame that is not doubtful, for a refused one.

        Raises:
            DecodeError: doubtful frames are refused; `lost` reaches up to the next sound one.
        """
        if self._refuses:
            stop = next_sound(frame)
            raise DecodeError(
                f"frame {frame} ({seconds:.3f} s) of {self._path} follows a decoding error and may be wrong up to "
                f'the next keyframe (frame {stop}); on_damage="deliver" accepts such frames',
                path=self._path,
                lost=range(frame, max(stop, frame + 1)),
            )
        if not self.frames:
            logger.warning(
                "%s is damaged: frame %d (%.3f s) and others up to the next keyframe may be wrong",
                self._path,
                frame,
                seconds,
            )
        self.frames.add(frame)
