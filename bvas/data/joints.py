"""Joints of a clip's player: a `.npy` file beside the video, as SpaceJam has them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError

# A file with more is not the joints of a short clip.
_MOST_VALUES = 10_000_000


def joints_file(video: Path) -> Path | None:
    """Return the file of joints beside a video: its name with `.npy`; None without one."""
    path = video.with_suffix(".npy")
    return path if path.is_file() else None


def read_joints(path: Path) -> NDArray[np.float32]:
    """Return the joints in a file, float32 [T, J, 2]: x and y in the plane of the picture.

    Raises:
        DataError: it is not a NumPy file of numbers, has another shape, or holds NaN or infinity.
    """
    try:
        # Mapped, so that the shape is known before anything is read.
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} is not a NumPy file that can be read: {error}; get it again") from error
    if not isinstance(stored, np.ndarray) or stored.dtype.kind not in "iuf":
        kind = getattr(stored, "dtype", "an archive")
        raise DataError(f"{path} holds {kind}; joints are real numbers [frames, joints, 2]")
    if stored.ndim != 3 or stored.shape[2] != 2 or not 0 < stored.size <= _MOST_VALUES:
        raise DataError(f"{path} has shape {stored.shape}; joints have [frames, joints, 2]")
    joints = np.asarray(stored, np.float32)
    wrong = np.argwhere(~np.isfinite(joints))
    if len(wrong):
        frame, joint, _ = wrong[0].tolist()
        raise DataError(f"{path}: joint {joint} of frame {frame} is NaN or infinite; get the file again")
    return joints
