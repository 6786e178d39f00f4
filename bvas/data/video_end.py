"""Check that the time of an annotation lies within its video."""

from bvas.video.index.frame_table import VideoIndex


def after_end(
    seconds: float, index: VideoIndex, grid_rate: float, *, latest: float | None = None
) -> str | None:
    """Return a message for a time after the end of a video; None for a time within it.

    A time counts as within the video up to one grid frame after its end.

    Args:
        seconds: From the first shown frame.
        index: The video's frames.
        grid_rate: Grid frames per second.
        latest: Latest time among the video's annotations, for a hint about the unit; None: `seconds`.
    """
    end = index.duration_seconds + 1.0 / grid_rate
    if seconds <= end:
        return None
    latest = seconds if latest is None else latest
    hint = "is the file cut short?"
    if latest / float(index.rate) <= end:
        hint = "are the times frame numbers? Those are given as 'frame'"
    elif latest / 1000 <= end:
        hint = "are the times milliseconds? Divide them by 1000"
    return f"{seconds} s lies after the end of {index.path} ({index.duration_seconds:.3f} s); {hint}"
