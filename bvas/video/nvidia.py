"""PyNvVideoCodec and the GPU that it would decode on, if they are there: what both can do, and why not."""

import ctypes
import re
import sys
from functools import lru_cache
from importlib import import_module
from typing import Any

from bvas.errors import DecodeError
from bvas.video.protocol import VideoInfo

# Earlier ones give 10-bit pictures with wrong strides, and copy beyond their buffers where a stream changes its size.
OLDEST_PYNVVIDEOCODEC = "2.2.4"
# Our names of codecs -> NVIDIA's (cudaVideoCodec in cuviddec.h).
_CODEC_NUMBERS = {"h264": 4, "hevc": 8, "vp9": 10, "av1": 11}
_CHROMA_420 = 1


def load_pynvvideocodec(info: VideoInfo) -> Any:
    """Import PyNvVideoCodec.

    Raises:
        DecodeError: it does not load or is too old, so `info` cannot be decoded with it; with the remedy.
    """
    # It links the driver's libraries when it is imported, so it is imported by whom decodes with it, and
    # fails with whatever its loader raises.
    try:
        nvc = import_module("PyNvVideoCodec")
    except (ImportError, RuntimeError, OSError) as error:
        raise refusal(
            info,
            f"cannot be decoded by NVDEC here, PyNvVideoCodec does not load ({first_line(error)}): "
            "install the NVIDIA driver; in a container set NVIDIA_DRIVER_CAPABILITIES=compute,utility,video",
        ) from error
    if fault := fault_of_version(nvc):
        raise refusal(info, f"cannot be decoded by NVDEC here: {fault}")
    _print_to_stderr()
    return nvc


def fault_of_version(nvc: Any) -> str | None:
    """Return why the installed PyNvVideoCodec is not used, with the remedy; None where it is."""
    installed = str(getattr(nvc, "__version__", ""))
    if _numbers(installed) >= _numbers(OLDEST_PYNVVIDEOCODEC):
        return None
    return (
        f"PyNvVideoCodec {installed or 'of unknown version'} gives wrong 10-bit pictures and writes beyond its "
        f"buffers: pip install --upgrade 'PyNvVideoCodec>={OLDEST_PYNVVIDEOCODEC}'"
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


@lru_cache
def _print_to_stderr() -> None:
    """Let C code of this process print to standard error.

    PyNvVideoCodec prints what NVDEC reports of damage, which would stand among the results of a command.
    """
    # Python writes to the file descriptor itself. The C library's `stdout` is a variable that may be set (glibc
    # manual, Standard Streams).
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.fflush(None)
        ctypes.c_void_p.in_dll(libc, "stdout").value = ctypes.c_void_p.in_dll(libc, "stderr").value


def gpu_of(device: str, info: VideoInfo) -> int:
    """Return the number of the GPU that `cuda` or `cuda:N` means. Initialises CUDA.

    Raises:
        DecodeError: it is not there, or torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise refusal(info, "cannot be decoded by NVDEC here, torch is not installed") from error
    if not torch.cuda.is_available():
        raise refusal(info, "cannot be decoded by NVDEC here, torch finds no CUDA device")
    gpu = torch.device(device).index
    gpu = torch.cuda.current_device() if gpu is None else gpu
    if gpu >= torch.cuda.device_count():
        raise refusal(
            info, f"is to be decoded on {device}, torch has {torch.cuda.device_count()} CUDA devices"
        )
    return gpu


def errors_of(nvc: Any) -> tuple[type[Exception], ...]:
    """Return what PyNvVideoCodec raises."""
    return (RuntimeError, ValueError, nvc.PyNvVCException, nvc.PyNvVCExceptionUnsupported)


def first_line(error: BaseException) -> str:
    """Return what went wrong without the advice and traces that follow it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def refusal(info: VideoInfo, reason: str) -> DecodeError:
    """Return the error for a file that NVDEC does not read here."""
    return DecodeError(f'{info.path} {reason}; backend="pyav" reads it on the CPU', path=info.path)


class DecoderCaps(ctypes.Structure):
    """What a GPU decodes of a codec at a depth: `CUVIDDECODECAPS` in NVIDIA's cuviddec.h."""

    _fields_ = (
        ("codec", ctypes.c_int),
        ("chroma_format", ctypes.c_int),
        ("bit_depth_minus_8", ctypes.c_uint),
        ("_reserved_in", ctypes.c_uint * 3),
        ("is_supported", ctypes.c_ubyte),
        ("num_engines", ctypes.c_ubyte),
        ("output_formats", ctypes.c_ushort),
        ("max_width", ctypes.c_uint),
        ("max_height", ctypes.c_uint),
        ("max_macroblocks", ctypes.c_uint),
        ("min_width", ctypes.c_ushort),
        ("min_height", ctypes.c_ushort),
        ("_reserved_out", ctypes.c_uint * 11),
    )


@lru_cache
def decoder_caps(gpu: int, codec: str, bit_depth: int) -> DecoderCaps:
    """Return what a GPU decodes of a codec at a depth, 4:2:0. Initialises CUDA there.

    The driver is asked itself, in torch's context: PyNvVideoCodec makes a context for each question and ends it.

    Args:
        gpu: Number of the GPU.
        codec: h264, hevc, vp9 or av1.
        bit_depth: 8, 10 or 12.

    Raises:
        OSError: the driver's video library does not load.
        RuntimeError: the driver does not answer.
        ValueError: another codec.
    """
    if codec not in _CODEC_NUMBERS:
        raise ValueError(f"NVDEC is asked for {codec}, not for one of {', '.join(_CODEC_NUMBERS)}")
    import torch

    library = ctypes.CDLL("libnvcuvid.so.1")
    caps = DecoderCaps(
        codec=_CODEC_NUMBERS[codec], chroma_format=_CHROMA_420, bit_depth_minus_8=bit_depth - 8
    )
    with torch.cuda.device(gpu):
        # The device's context becomes current on this thread when it is first used.
        torch.cuda.current_stream().synchronize()
        status = library.cuvidGetDecoderCaps(ctypes.byref(caps))
    if status:
        raise RuntimeError(f"cuvidGetDecoderCaps fails with CUDA's error {status}")
    return caps
