"""From the stored luma of a frame to the frame that a reader hands out: upright, and of the size asked for."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.video.fit import plan_fit
from bvas.video.picture import upright
from bvas.video.protocol import VideoInfo

if TYPE_CHECKING:
    from torch import Tensor


class UprightFit:
    """How the frames of one video are turned and fitted.

    Args:
        info: The video.
        size: (H, W) that each frame is fitted into; None for the picture's own size.

    Raises:
        ConfigError: a size below 1 x 1.
    """

    def __init__(self, info: VideoInfo, size: tuple[int, int] | None) -> None:
        self._info = info
        self._plan = plan_fit((info.height, info.width), size, info.sample_aspect)
        self.size = self._plan.size
        """(H, W) of the frames handed out."""

    def apply(self, index: int, luma: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Write frame `index`, whose stored luma is uint8 [h, w], into `out`, uint8 [H, W].

        Raises:
            DecodeError: the picture has another size than the video began with.
        """
        self._check_shape(index, luma.shape)
        shown = upright(luma, self._info.rotation, self._info.mirrored)
        # cv2 wants rows that lie in memory as they are shown.
        if self._plan.is_resampled:
            shown = np.ascontiguousarray(shown)
        self._plan.apply(shown, out)

    def apply_tensor(self, index: int, luma: "Tensor") -> "Tensor":
        """Return frame `index` from its stored luma on the same device, within 1 of `apply`.

        Raises:
            DecodeError: the picture has another size than the video began with.
        """
        import torch

        self._check_shape(index, tuple(luma.shape))
        shown = luma.flip(1) if self._info.mirrored else luma
        return self._plan.apply_tensor(torch.rot90(shown, -self._info.rotation // 90))

    def _check_shape(self, index: int, shape: tuple[int, ...]) -> None:
        height, width = self._info.height, self._info.width
        expected = (width, height) if self._info.rotation in (90, 270) else (height, width)
        if shape != expected:
            raise DecodeError(
                f"frame {index} of {self._info.path.name} is {shape[1]}x{shape[0]}, the video began with "
                f"{expected[1]}x{expected[0]}; re-encode it to one size: ffmpeg -i IN -vf scale=W:H OUT",
                path=self._info.path,
                lost=range(index, index + 1),
            )
