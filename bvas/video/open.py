"""Opening a video: the one door to all backends."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from bvas.errors import ConfigError, DecodeError
from bvas.video import pyav
from bvas.video.index import VideoIndex, build_index
from bvas.video.protocol import FrameDecoder, VideoInfo
from bvas.video.pyav import OnDamage
from bvas.video.reader import Backend, VideoReader

logger = logging.getLogger(__name__)

BackendName = Literal["auto", "pyav", "opencv", "nvdec"]


def open_video(
    path: Path | str,
    backend: BackendName = "auto",
    *,
    size: tuple[int, int] | None = None,
    cache: bool = True,
    on_damage: OnDamage = "deliver",
    device: str = "cpu",
) -> FrameDecoder:
    """Open a video for reading frames by index. The file itself is opened at the first read.

    Args:
        path: The video file.
        backend: `pyav` decodes on the CPU and reads everything; `opencv` likewise, and refuses files that
            it may get wrong; `nvdec` decodes on an NVIDIA GPU. `auto` is `nvdec` where `device` is a CUDA
            device and it can decode this file there, else `pyav`.
        size: (H, W) that each frame is fitted into (fit.py); None for the picture's own size.
        cache: Keep the index of the file in the cache folder.
        on_damage: Frames that the decoder outputs after an error that it reported, up to the next keyframe:
            `deliver` hands them out, warns once and lists them in the reader's `damaged`; `raise` refuses them.
            Frames that it does not output raise in either case. Damage that libav conceals without reporting
            it cannot be seen.
        device: `cpu`, `cuda` or `cuda:N`: where `read` puts its tensors, and where `nvdec` decodes.

    Raises:
        DecodeError: there is no such file, it holds no video, or the backend cannot decode it.
        ConfigError: an unknown backend, policy or device, or a size below 1 x 1.
    """
    if backend not in get_args(BackendName):
        raise ConfigError(f"unknown backend {backend!r}; known are {', '.join(get_args(BackendName))}")
    if on_damage not in get_args(OnDamage):
        raise ConfigError(f"unknown on_damage {on_damage!r}; known are {', '.join(get_args(OnDamage))}")
    name, _, number = device.partition(":")
    if not (device in ("cpu", "cuda") or (name == "cuda" and number.isdecimal())):
        raise ConfigError(f"unknown device {device!r}; known are cpu, cuda and cuda:N")
    index, info = build_index(path, cache=cache)
    chosen, opener = _choose(backend, index, info, on_damage, device)
    return VideoReader(index, info, backend=chosen, open_backend=opener, size=size, device=device)


def _choose(
    backend: BackendName, index: VideoIndex, info: VideoInfo, on_damage: OnDamage, device: str
) -> tuple[str, Callable[[], Backend]]:
    """Return the name of the backend that reads this file, and what opens it."""
    # Imported here: who reads on the CPU needs neither a GPU library nor OpenCV's video part.
    if backend == "opencv":
        from bvas.video import opencv

        opencv.check(index, info)
        return "opencv", lambda: opencv.open_backend(index, info)
    if backend == "nvdec" or (backend == "auto" and device != "cpu"):
        from bvas.video import nvdec

        try:
            nvdec.check(index, info, device)
        except DecodeError as error:
            if backend == "nvdec":
                raise
            logger.info("%s is decoded on the CPU: %s", info.path.name, error)
        else:
            return "nvdec", lambda: nvdec.open_backend(index, info, device)
    return "pyav", lambda: pyav.open_backend(index, info, on_damage=on_damage)
