"""Log lines on a video that is unlike those of training, or that holds single frames for long."""

import logging

import numpy as np

from bvas.experiment.input_config import InputConfig
from bvas.video.decode.orientation import adaptation
from bvas.video.index.frame_grid import Grid
from bvas.video.index.frame_table import VideoInfo

logger = logging.getLogger(__name__)

LONG_STILL_SECONDS = 1.0
"""A frame that is shown for so long is worth a log line."""


def log_adaptation(name: str, info: VideoInfo, settings: InputConfig) -> None:
    """Log how a video is brought to the size and rate that the models were trained on, if it has others."""
    text = adaptation(info, settings.form, settings.rate)
    if text:
        logger.info("%s: %s", name, text)


def log_shared(name: str, num_shared: int, num_rows: int) -> None:
    """Log how many rows of a video were not computed, because their frames are byte-equal; nothing where none was."""
    if num_shared:
        logger.info(
            "%s: %s of %s rows repeat the row before, because their frames are byte-equal",
            name,
            f"{num_shared:,}",
            f"{num_rows:,}",
        )


def log_repeats(name: str, grid: Grid) -> None:
    """Log in one line that a video holds a frame for long, or has a low frame rate throughout."""
    counts = np.bincount(grid.indices - grid.indices[0])
    longest = int(counts.max())
    seconds = longest / float(grid.rate)
    if seconds < LONG_STILL_SECONDS:
        return
    frame = int(counts.argmax()) + int(grid.indices[0])
    begins = float(grid.seconds[np.searchsorted(grid.indices, frame)])
    logger.info(
        "%s: %.3g source frames per second; frame %d stays for %.1f s from %.1f s on, %d of %d rows see one frame "
        "each and repeat; actions between two source frames cannot be seen",
        name,
        len(np.flatnonzero(counts)) * float(grid.rate) / grid.num_frames,
        frame,
        seconds,
        begins,
        grid.num_frames - len(np.flatnonzero(counts)),
        grid.num_frames,
    )
