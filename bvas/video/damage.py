"""What becomes of frames that a decoder outputs behind an error which it reported."""

import logging

from bvas.errors import DecodeError
from bvas.video.backends import OnDamage
from bvas.video.index import VideoIndex

logger = logging.getLogger(__name__)


class DamageLog:
    """The frames of one file that were delivered although they may be wrong."""

    def __init__(self, index: VideoIndex, on_damage: OnDamage) -> None:
        self.frames: set[int] = set()
        self._index = index
        self._on_damage = on_damage

    def add(self, frame: int) -> None:
        """List a frame that is about to be delivered; warns of the first.

        Raises:
            DecodeError: such frames are to be refused; `lost` reaches up to the next keyframe.
        """
        path, seconds = self._index.path, self._index.seconds_of(frame)
        if self._on_damage == "raise":
            stop = self._index.first_of_keyframe(self._index.keyframe_of(frame) + 1)
            raise DecodeError(
                f"frame {frame} ({seconds:.3f} s) of {path} follows a decoding error and may be wrong up to "
                f'the next keyframe (frame {stop}); on_damage="deliver" accepts such frames',
                path=path,
                lost=range(frame, max(stop, frame + 1)),
            )
        if not self.frames:
            logger.warning(
                "%s is damaged: frame %d (%.3f s) and others up to the next keyframe may be wrong",
                path,
                frame,
                seconds,
            )
        self.frames.add(frame)
