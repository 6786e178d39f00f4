"""Repeats: frames that are byte-equal to the one before, and stacks and clips that are made of the same frames.

Where a source is slower than the grid, pauses, or holds each picture twice, equal frames give equal stacks, and equal
stacks give equal rows. Each is computed once. Only neighbors are compared: that finds all of these cases.

In batches of one, as of large frames on a CPU, rows are equal to the bit to those of a run that computes all. A larger
batch decides about the last bits of its results: by its size, and in PyTorch on a CPU now and then by the place in it
(seen: 3e-6 in a feature, 1e-8 in a logit). So batches are always full, unless rows are prompt, and rows are equal up to
rounding.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bvas.inference.engine_protocol import Engine, EngineArray
from bvas.values.color import FrameForm

# Bytes from one to the next that are compared first: frames that differ do so in most of them, by their noise alone.
# A prime, so that they do not lie in one column.
_SAMPLE_STEP = 1021


def repeated_frames(frames: NDArray[np.uint8], before: NDArray[np.uint8] | None) -> NDArray[np.bool_]:
    """Return whether each frame is byte-equal to the one before it, bool [n].

    Args:
        frames: uint8 [n, ...].
        before: The frame before the first, [1, ...]; None: the first repeats none.
    """
    is_repeat = np.zeros(len(frames), np.bool_)
    previous = None if before is None else before.ravel()
    for place, frame in enumerate(frames):
        own = frame.ravel()
        if previous is not None and np.array_equal(own[::_SAMPLE_STEP], previous[::_SAMPLE_STEP]):
            is_repeat[place] = np.array_equal(own, previous)
        previous = own
    return is_repeat


class FrameRepeats:
    """Recognizes frames that repeat the one before; each call takes the next ones of a video."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._newest: EngineArray | None = None
        """The last frame, [1, ...]."""
        self._meaning: tuple[FrameForm, Fraction] | None = None

    def are_new(
        self, frames: EngineArray, meaning: tuple[FrameForm, Fraction], known: NDArray[np.bool_] | None
    ) -> NDArray[np.bool_]:
        """Return whether each frame differs from the one before, bool [n].

        Args:
            frames: At least one.
            meaning: Form and sample aspect: the same bytes of another form are another frame.
            known: bool [n], whether each is the same source frame as the one before; None: unknown.
        """
        before = self._newest if meaning == self._meaning else None
        if before is not None and known is not None and known.all():
            return ~known
        # Indexed by a list: a copy, since the caller may use the memory again.
        self._newest, self._meaning = frames[[-1]], meaning
        return ~self._engine.repeats(frames, before)

    def push_gap(self) -> None:
        """Note that frames are lost here: the next one repeats none of them."""
        self._newest = None


def new_items(
    parts: NDArray[np.int64], is_ready: NDArray[np.bool_], before: NDArray[np.int64] | None
) -> NDArray[np.bool_]:
    """Return whether each item is ready and made of other parts than the ready one before it, bool [M].

    Args:
        parts: Numbers [M, P] of what each item is made of.
        is_ready: bool [M]; the others are not compared.
        before: Parts of the last ready item before these; None: there was none.
    """
    ready = parts[is_ready]
    differs = np.ones(len(ready), np.bool_)
    differs[1:] = (ready[1:] != ready[:-1]).any(axis=1)
    if before is not None and len(ready):
        differs[0] = (ready[0] != before).any()
    is_new = np.zeros(len(parts), np.bool_)
    is_new[is_ready] = differs
    return is_new
