"""`open_video`: opens a finished file with any backend."""

import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import get_args

from bvas.errors import ConfigError, DecodeError
from bvas.values.checks import checked_size
from bvas.video.container.read_options import ReadOptions, Tone
from bvas.video.decode.backends import BACKENDS, BackendOptions, OnDamage, load_backend
from bvas.video.decode.pynvvideocodec import DecoderPool, num_engines
from bvas.video.decode.video_reader import FrameReader
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)


def open_video(
    source: Path | str,
    backend: str = "auto",
    *,
    size: tuple[int, int] | None = None,
    cache: bool = True,
    on_damage: OnDamage = "deliver",
    device: str = "cpu",
    pool: DecoderPool | None = None,
    stream: int | None = None,
    rate: float | Fraction | None = None,
    tone: Tone = "sdr",
) -> FrameReader:
    """Open a finished file for reading frames by index. The file itself is opened at the first read.

    A source that runs (pipe, growing file, URL) is opened by `open_stream`.

    Args:
        source: A video file, or a folder of numbered pictures.
        backend: `pyav` decodes on the CPU and reads everything; `opencv` likewise, and refuses files that
            it may get wrong; `nvdec` decodes on an NVIDIA GPU. `auto` is `nvdec` where `device` is a CUDA
            device and it can decode this file there, else `pyav`.
        size: (H, W) that each frame is fitted into (fit.py); None for the picture's own size.
        cache: Keep the index of the file, and a refusal by `opencv`, in the cache folder.
        on_damage: Frames decoded after a reported error, up to the next keyframe: `deliver` returns them, warns
            once and lists them in `info.damaged`; `raise` refuses them. Frames that the decoder does not output
            raise in either case. Damage that libav conceals without reporting it is not seen.
        device: `cpu`, `cuda` or `cuda:N`: where `read` puts its tensors, and where `nvdec` decodes.
        pool: Decoders that are reused from file to file, of this process and thread. To open many videos on a GPU,
            pass the same pool to each, and close it at the end.
        stream: Number of the video stream in the container, as ffprobe counts all its streams; None: the best one.
        rate: Frames per second of a source whose frames have no times of their own; None: what its headers say.
        tone: `sdr` maps HDR (PQ, HLG) to SDR; `none` only shifts its bits to 8. SDR is the same in both.

    Raises:
        DecodeError: the file does not exist, it holds no video, the backend cannot decode it, or the source runs.
        ConfigError: an unknown backend, policy, device or tone, a size below 1 x 1, a stream below 0, or a rate
            that is not positive.
    """
    if backend not in ("auto", *BACKENDS):
        raise ConfigError(f"unknown backend {backend!r}; known are auto, {', '.join(BACKENDS)}")
    if on_damage not in get_args(OnDamage):
        raise ConfigError(f"unknown on_damage {on_damage!r}; known are {', '.join(get_args(OnDamage))}")
    name, _, number = device.partition(":")
    if not (device in ("cpu", "cuda") or (name == "cuda" and number.isdecimal())):
        raise ConfigError(f"unknown device {device!r}; known are cpu, cuda and cuda:N")
    size = None if size is None else checked_size(size)
    reading = replace(ReadOptions.of(stream, rate, tone), fit=size)
    index, info = build_index(source, reading=reading, cache=cache)
    options = BackendOptions(device=device, on_damage=on_damage, cache=cache, pool=pool)
    if backend == "auto":
        backend = _choose(index, info, options)
    else:
        load_backend(backend).check(index, info, options)
    module = load_backend(backend)
    return FrameReader(
        index,
        info,
        backend=backend,
        open_backend=lambda: module.open_backend(index, info, options),
        size=size,
        device=device,
        num_engines=num_engines(info, device) if backend == "nvdec" else 1,
    )


def _choose(index: VideoIndex, info: VideoInfo, options: BackendOptions) -> str:
    """Return the backend that reads this file: `nvdec` where it can, else `pyav`, which reads every file."""
    if options.device == "cpu":
        return "pyav"
    try:
        load_backend("nvdec").check(index, info, options)
    except DecodeError as error:
        logger.info("%s is decoded on the CPU: %s", info.path.name, error)
        return "pyav"
    return "nvdec"
