"""What scores the frames of a video, whatever it computes with."""

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ScoresError
from bvas.values.clip_config import ClipConfig
from bvas.values.luma import ColorRange

if TYPE_CHECKING:
    from torch import Tensor


class RowPredictor(Protocol):
    """Frames of a video in, in chunks of any size; one row of scores per frame out.

    A row is final once the frame `clip.frames_after` behind it was pushed, or the video ended. With a stride rows
    come when they fill a batch, unless `is_prompt`.
    """

    clip: ClipConfig
    num_labels: int
    """Columns of a row (K)."""
    stride: int
    """Rows are computed for every so many frames, and filled in between; may change at any time."""
    is_prompt: bool
    """Give rows as soon as they are final, in smaller batches: for video that is watched while it runs."""

    def push(
        self,
        frames: "NDArray[np.uint8] | Tensor",
        color_range: ColorRange = "limited",
        is_repeat: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float32]:
        """Take the next frames, uint8 [n, H, W], luma as stored; return the rows [m, K] that are final with them.

        `is_repeat`, bool [n], says of each whether it is the same source frame as the one before it.
        """
        ...

    def break_here(self, num_missing: int) -> NDArray[np.float32]:
        """Count frames as lost at this place, and return the rows that are final with them, NaN where they touch it."""
        ...

    def reset(self) -> None:
        """Forget the video so far, and be ready for the next one."""
        ...

    def finish(self) -> NDArray[np.float32]:
        """End the video, return its remaining rows, and be ready for the next one."""
        ...


def checked_scores(scores: NDArray[np.float32], half: str = "") -> NDArray[np.float32]:
    """Return scores [m, K] of frames that are there, which a NaN would make lost ones.

    An infinite logit has given a NaN (`mean_of_views`).

    Args:
        scores: From a model.
        half: Name of the half precision that it computes in, if it does.

    Raises:
        ScoresError: one is NaN; in half precision features too large for it may be why.
    """
    if not np.isnan(scores).any():
        return scores
    if half:
        raise ScoresError(
            f"the model gives NaN or infinite scores in {half}, whose range its features may leave; "
            "take --precision float32"
        )
    raise ScoresError(
        "the model gives NaN or infinite scores: its weights are damaged, or its training went astray; train it "
        "again, or take another checkpoint"
    )
