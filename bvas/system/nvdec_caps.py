"""NVDEC capabilities of a GPU, and the versions of PyNvVideoCodec that are used."""

import ctypes
import re
from functools import lru_cache
from typing import Any

# Earlier ones give 10-bit pictures with wrong strides, and copy beyond their buffers where a stream changes its size.
OLDEST_PYNVVIDEOCODEC = "2.2.4"


# Our names of codecs -> NVIDIA's (cudaVideoCodec in cuviddec.h).
_CODEC_NUMBERS = {"h264": 4, "hevc": 8, "vp9": 10, "av1": 11}


_CHROMA_420 = 1


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
