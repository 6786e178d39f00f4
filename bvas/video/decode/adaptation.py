"""Adaptation of a video to a model: its rate, orientation and size."""

from bvas.video.container.frame_rate import as_rate, same_rate
from bvas.video.decode.fit import plan_fit
from bvas.video.index.video_info import VideoInfo


def adaptation(info: VideoInfo, size: tuple[int, int], rate: float) -> str:
    """Return a text on how a video is brought to a model's size (H, W) and rate; empty where it has both.

    >>> adaptation(info, (736, 1280), 25)  # doctest: +SKIP
    '50 frames per second are put on a grid of 25; 1080x1920 is turned upright by 90 degrees; ...'
    """
    parts = []
    if info.variable_rate or not same_rate(info.rate, as_rate(rate)):
        times = "variable times" if info.variable_rate else f"{float(info.rate):.5g} frames per second"
        parts.append(f"{times} are put on a grid of {rate:g} per second")
    if info.rotation or info.mirrored:
        turned = f"turned by {info.rotation} degrees" if info.rotation else ""
        parts.append(
            " and ".join(filter(None, ["mirrored" if info.mirrored else "", turned])) + " to be upright"
        )
    plan = plan_fit((info.height, info.width), size, info.sample_aspect)
    if plan.is_resampled:
        parts.append(
            f"{info.width}x{info.height} is scaled to {plan.content[1]}x{plan.content[0]} within "
            f"{size[1]}x{size[0]}"
        )
    return "; ".join(parts)
