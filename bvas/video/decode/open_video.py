"""Opening a video: the one door to all backends."""

import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

from bvas.errors import ConfigError, DecodeError
from bvas.values.checks import checked_seconds, checked_size
from bvas.video.container.read_options import ReadOptions, Tone
from bvas.video.container.sources import Source, source_of
from bvas.video.decode.backends import (
    BackendModule,
    BackendOptions,
    OnDamage,
    backend_names,
    load_backend,
)
from bvas.video.decode.decoder_pool import DecoderPool
from bvas.video.decode.protocol import FrameDecoder
from bvas.video.decode.video_reader import VideoReader
from bvas.video.index.index_cache import Verdict, load_verdict, store_verdict
from bvas.video.index.video_index import VideoIndex, build_index
from bvas.video.index.video_info import VideoInfo
from bvas.video.live.packet_feed import Patience
from bvas.video.live.stream_reader import StreamReader

logger = logging.getLogger(__name__)


def open_video(
    source: Path | str,
    backend: str = "auto",
    *,
    size: tuple[int, int] | None = None,
    cache: bool = True,
    on_damage: OnDamage = "deliver",
    device: str = "cpu",
    pool: DecoderPool[Any] | None = None,
    growing: bool = False,
    idle_seconds: float = 5.0,
    stream: int | None = None,
    rate: float | Fraction | None = None,
    tone: Tone = "sdr",
) -> FrameDecoder:
    """Open a video for reading frames by index. The file itself is opened at the first read.

    What is no finished file is opened at once, and the first frame waited for: its reader knows the frames
    that came so far, and gives them in order, by `stream`.

    Args:
        source: A video file; or a named pipe, `-` for standard input, or a URL (http, https, HLS, RTSP, UDP,
            TCP and what else libav was built with), which are read once, from front to back.
        backend: `pyav` decodes on the CPU and reads everything; `opencv` likewise, and refuses files that
            it may get wrong; `nvdec` decodes on an NVIDIA GPU. `auto` is `nvdec` where `device` is a CUDA
            device and it can decode this file there, else `pyav`. Any other file in backends/ is one too.
        size: (H, W) that each frame is fitted into (fit.py); None for the picture's own size.
        cache: Keep the index of the file, and what `opencv` was seen to make of it, in the cache folder.
        on_damage: Frames that the decoder outputs after an error that it reported, up to the next keyframe:
            `deliver` hands them out, warns once and lists them in `info.damaged`; `raise`
            refuses them. Frames that it does not output raise in either case. Damage that libav conceals
            without reporting it cannot be seen.
        device: `cpu`, `cuda` or `cuda:N`: where `read` puts its tensors, and where `nvdec` decodes.
        pool: Decoders that go on from file to file; of this process and thread. Who opens many videos on a
            GPU hands the same one to each, and closes it at the end.
        growing: The file is still being written: at its end reading waits for more. So can be read what
            describes itself as it goes: mkv, ts, fragmented mp4.
        idle_seconds: A growing file is complete when it has not grown for so long.
        stream: Number of the video stream in the container, as ffprobe counts all its streams; None: the best one.
        rate: Frames per second of a source whose frames have no times of their own; None: what its headers say.
        tone: `sdr` maps HDR (PQ, HLG) to SDR; `none` only shifts its bits to 8. SDR is the same in both.

    Raises:
        DecodeError: there is no such file, it holds no video, or the backend cannot decode it.
        ConfigError: an unknown backend, policy, device or tone, a size below 1 x 1, a stream below 0, or a rate or
            `idle_seconds` that is not positive.
    """
    names = backend_names()
    if backend not in ("auto", *names):
        raise ConfigError(f"unknown backend {backend!r}; known are auto, {', '.join(names)}")
    if on_damage not in get_args(OnDamage):
        raise ConfigError(f"unknown on_damage {on_damage!r}; known are {', '.join(get_args(OnDamage))}")
    name, _, number = device.partition(":")
    if not (device in ("cpu", "cuda") or (name == "cuda" and number.isdecimal())):
        raise ConfigError(f"unknown device {device!r}; known are cpu, cuda and cuda:N")
    size = None if size is None else checked_size(size)
    if not checked_seconds(idle_seconds, "idle_seconds") > 0:
        raise ConfigError(f"idle_seconds must be positive, got {idle_seconds}")
    reading = replace(ReadOptions.of(stream, rate, tone), fit=size)
    origin = source_of(source, growing=growing)
    if not origin.is_indexable:
        return _open_stream(origin, backend, size, on_damage, Patience(idle=idle_seconds), reading)
    index, info = build_index(origin.location, reading=reading, cache=cache)
    # A pool of one's own keeps nothing: a decoder ends with its reader.
    pool = DecoderPool(max_idle=0) if pool is None else pool
    options = BackendOptions(device=device, on_damage=on_damage, pool=pool)
    if backend == "auto":
        backend = _choose(index, info, options)
    else:
        _admit(backend, index, info, options, cache=cache)
    module = load_backend(backend)
    return VideoReader(
        index,
        info,
        backend=backend,
        open_backend=lambda: module.open_backend(index, info, options),
        size=size,
        device=device,
    )


def _open_stream(
    source: Source,
    backend: str,
    size: tuple[int, int] | None,
    on_damage: OnDamage,
    patience: Patience,
    reading: ReadOptions,
) -> StreamReader:
    if backend not in ("auto", StreamReader.backend):
        raise ConfigError(
            f"{source.name} is a {source.kind}, which backend {backend!r} does not read; take "
            f'backend="{StreamReader.backend}", or {source.remedy}'
        )
    return StreamReader(source, size=size, on_damage=on_damage, patience=patience, reading=reading)


def _choose(index: VideoIndex, info: VideoInfo, options: BackendOptions) -> str:
    """Return the backend that reads this file: on the GPU where it can be, else the one that reads all."""
    if options.device == "cpu":
        return "pyav"
    try:
        load_backend("nvdec").check(index, info, options)
    except DecodeError as error:
        logger.info("%s is decoded on the CPU: %s", info.path.name, error)
        return "pyav"
    return "nvdec"


def _admit(name: str, index: VideoIndex, info: VideoInfo, options: BackendOptions, *, cache: bool) -> None:
    """Ask a backend whether it takes this file, or the cache what it said before.

    Raises:
        DecodeError: it does not.
    """
    module = load_backend(name)
    depends_on = module.verdict_depends_on() if cache else None
    if depends_on is None:
        module.check(index, info, options)
        return
    verdict = load_verdict(info.path, index.reading, depends_on)
    if verdict is None:
        verdict = _verdict(module, index, info, options)
        store_verdict(info.path, index.reading, depends_on, verdict)
    if verdict.refusal is not None:
        raise DecodeError(verdict.refusal, path=info.path)


def _verdict(module: BackendModule, index: VideoIndex, info: VideoInfo, options: BackendOptions) -> Verdict:
    try:
        module.check(index, info, options)
    except DecodeError as error:
        return Verdict(str(error))
    return Verdict(None)
