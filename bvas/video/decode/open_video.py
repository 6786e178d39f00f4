"""`open_video`: opens a finished file with any backend."""

import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import get_args

from bvas.errors import ConfigError, DecodeError
from bvas.values.checks import checked_size
from bvas.values.color import FrameForm, ReaderChannels
from bvas.values.input_format import Fit, InputFormat
from bvas.video.container.chroma_location import first_location
from bvas.video.container.read_options import ReadOptions, Tone
from bvas.video.decode.backends import BACKENDS, BackendOptions, OnDamage, load_backend
from bvas.video.decode.orientation import UprightFit
from bvas.video.decode.pynvvideocodec import DecoderPool, num_engines
from bvas.video.decode.rgb_bytes import color_fit
from bvas.video.decode.stored_color import stored_color
from bvas.video.decode.video_reader import FrameFit, FrameReader
from bvas.video.index.frame_folder import CONTAINER
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.stored_picture import has_luma_plane
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
    channels: ReaderChannels = "luma",
    fit: Fit = "pad",
    resize: tuple[int, int] | None = None,
) -> FrameReader:
    """Open a finished file for reading frames by index. The file itself is opened at the first read.

    A source that runs (pipe, growing file, URL) is opened by `open_stream`.

    Args:
        source: A video file, or a folder of numbered pictures.
        backend: `pyav` decodes on the CPU and reads everything; `opencv` likewise, and refuses files that
            it may get wrong; `nvdec` decodes on an NVIDIA GPU. `auto` is `nvdec` where `device` is a CUDA
            device and it can decode this file there, else `pyav`.
        size: (H, W) that each frame is brought to; None for the picture's own size.
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
        channels: `luma` as stored; `rgb`, [H, W, 3] in [0, 255]; or `planes`, the 4:2:0 planes that `to_rgb` makes RGB
            of on any device. For color the file's headers are read at once. `opencv` reads luma only.
        fit: What happens where a picture has another shape than `size`: `pad`, `crop` or `stretch`.
        resize: (H, W) that `crop` and `stretch` scale to before `size` is cut out of the center; None: `size`.

    Raises:
        DecodeError: the file does not exist, it holds no video, the backend cannot decode it, or the source runs; for
            color, its matrix is none that RGB can be made of.
        ConfigError: an unknown backend, policy, device, tone, channels or fit, a size below 1 x 1, a stream below 0, or
            a rate that is not positive.
    """
    if backend not in ("auto", *BACKENDS):
        raise ConfigError(f"unknown backend {backend!r}; known are auto, {', '.join(BACKENDS)}")
    if on_damage not in get_args(OnDamage):
        raise ConfigError(f"unknown on_damage {on_damage!r}; known are {', '.join(get_args(OnDamage))}")
    name, _, number = device.partition(":")
    if not (device in ("cpu", "cuda") or (name == "cuda" and number.isdecimal())):
        raise ConfigError(f"unknown device {device!r}; known are cpu, cuda and cuda:N")
    size = None if size is None else checked_size(size)
    form = checked_form(size, channels, fit, resize)
    reading = replace(ReadOptions.of(stream, rate, tone), fit=size)
    index, info = build_index(source, reading=reading, cache=cache)
    is_color = channels != "luma"
    options = BackendOptions(device=device, on_damage=on_damage, cache=cache, pool=pool, is_color=is_color)
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
        fit=frame_fit(index, info, form, channels),
        device=device,
        num_engines=num_engines(info, device) if backend == "nvdec" else 1,
    )


def checked_form(
    size: tuple[int, int] | None, channels: ReaderChannels, fit: Fit, resize: tuple[int, int] | None
) -> InputFormat | None:
    """Return the form that frames are brought to; None where each keeps its own size.

    Raises:
        ConfigError: unknown channels or fit, or a `fit` without a size.
    """
    if channels not in get_args(ReaderChannels):
        raise ConfigError(f"unknown channels {channels!r}; known are {', '.join(get_args(ReaderChannels))}")
    if size is not None:
        return InputFormat(size=size, fit=fit, resize=resize)
    if fit != "pad" or resize is not None:
        raise ConfigError(
            f"fit {fit!r} and resize {resize} need a size; give the (H, W) that frames are brought to"
        )
    return None


def frame_form(
    index: VideoIndex,
    info: VideoInfo,
    *,
    size: tuple[int, int] | None = None,
    channels: ReaderChannels = "luma",
    fit: Fit = "pad",
    resize: tuple[int, int] | None = None,
) -> FrameForm:
    """Return what the frames mean that `open_video` gives with these options.

    Raises:
        DecodeError: for color, its matrix is none that RGB can be made of.
    """
    if channels == "luma":
        return info.color_range
    made = frame_fit(index, info, checked_form(size, channels, fit, resize), channels)
    assert not isinstance(made, UprightFit)
    return made.layout


def frame_fit(
    index: VideoIndex, info: VideoInfo, form: InputFormat | None, channels: ReaderChannels
) -> FrameFit:
    """Return what brings the frames of a file to a form.

    Raises:
        DecodeError: for color, its matrix is none that RGB can be made of.
    """
    luma = UprightFit(info, form, index.seconds_of)
    if channels == "luma":
        return luma
    location = None
    if index.container != CONTAINER and has_luma_plane(info.pixel_format):
        container, stream = index.open()
        with container:
            location = first_location(container, stream)
    return color_fit(luma, info, stored_color(info, index.reading.tone, location), channels)


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
