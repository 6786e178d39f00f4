"""Damage in a stream: pictures are held until they are known to be whole or doubtful.

Without damage a picture is certain as soon as the decoder outputs it, and is not held. After an error it is held, as in
a file, until the pictures that it refers to are known to be whole or broken. Where a frame before it is missing, it is
held for some more pictures, because broken times are output in mixed order.

A file is decoded again from the last keyframe at its first error; a stream cannot go back. So pictures returned before
that error are not listed as damaged, though they may refer to the broken one.
"""

from typing import Any

from bvas.video.container.time_repair import NO_TIME
from bvas.video.decode.damage_tracking import CountedDamage, Damage
from bvas.video.index.frame_numbering import ShownFrames

# So many frames of later times may be output before a missing one counts as lost; as many as in a file.
_MAX_EARLY = 8
# No codec reorders more pictures: one that is held longer has a broken time.
_MAX_WAITING = 32


class StreamDamage:
    """Errors reported in a stream, tracked by the times of its packets and by counting."""

    def __init__(self) -> None:
        self._counted = CountedDamage()
        self._timed = Damage(NO_TIME)
        self._has_started = False
        self._newest_output = NO_TIME

    def feed(self, packet: Any, *, is_start: bool) -> None:
        """Note a packet that is about to be decoded; `is_start`: decoding can begin there."""
        self._counted.feed(is_keyframe=packet.is_keyframe)
        if packet.is_corrupt:
            self._counted.fail()
        if packet.pts is None:
            self._timed.feed_nameless(is_corrupt=packet.is_corrupt)
            return
        if is_start and not self._has_started:
            # Errors before the first keyframe do not affect what follows it.
            self._timed = Damage(packet.pts)
            self._has_started = True
        self._timed.feed(packet.pts, is_keyframe=is_start, is_corrupt=packet.is_corrupt)

    def fail(self, packet: Any | None) -> None:
        """Note that decoding a packet, or flushing at the end (None), raised an error."""
        self._counted.fail()
        if packet is not None:
            self._timed.fail(packet.pts)

    def see(self, picture: Any) -> None:
        """Note a picture that the decoder outputs."""
        if picture.pts is None:
            return
        self._newest_output = picture.pts
        if picture.is_corrupt:
            self._timed.show_broken(picture.pts)

    def is_settled(self, picture: Any) -> bool:
        """Return whether all pictures that one may refer to are known to be whole or broken."""
        return not self._timed.num_errors or self._timed.doubt_until(picture.pts) <= self._newest_output

    def is_doubtful(self, picture: Any, *, counts: bool) -> bool:
        """Return whether the next picture was decoded after an error and before the next keyframe.

        Args:
            picture: Each picture of the decoder in turn.
            counts: Frames are numbered as they come out.
        """
        by_order = self._counted.is_doubtful(picture)
        by_time = picture.pts is not None and self._timed.is_doubtful(picture.pts)
        if picture.pts is not None:
            self._timed.forget(picture.pts)
        return by_order if counts else by_time


class HeldPictures:
    """Pictures that the decoder has output, held until they are certain.

    Args:
        shown: The rule that numbers them.
        damage: Errors reported so far.
    """

    def __init__(self, shown: ShownFrames, damage: StreamDamage) -> None:
        self._shown = shown
        self._damage = damage
        self._held: list[Any] = []

    def add(self, picture: Any) -> None:
        """Take a picture from the decoder."""
        self._damage.see(picture)
        self._held.append(picture)

    def take(self, *, at_end: bool) -> Any | None:
        """Return the next picture to be numbered, or None while none is certain; at the end all are."""
        if not self._held:
            return None
        shown = self._shown
        if shown.counts or shown.is_comparing or self._held[0].pts is None:
            return self._held.pop(0)
        picture = min(self._held, key=lambda held: NO_TIME if held.pts is None else held.pts)
        if not at_end and not self._is_certain(picture):
            return None
        self._held.remove(picture)
        return picture

    def _is_certain(self, picture: Any) -> bool:
        if picture.pts is None or len(self._held) > _MAX_WAITING:
            return True
        if len(self._held) < _MAX_EARLY and self._shown.misses_before(picture.pts):
            return False
        return self._damage.is_settled(picture)
