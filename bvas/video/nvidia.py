"""PyNvVideoCodec and the GPU that it would decode on, if they are there: what both can do, and why not."""

from functools import lru_cache
from importlib import import_module
from typing import Any

from bvas.errors import DecodeError
from bvas.video.protocol import VideoInfo


def load_pynvvideocodec(info: VideoInfo) -> Any:
    """Import PyNvVideoCodec.

    Raises:
        DecodeError: it does not load, so `info` cannot be decoded with it; with the remedy.
    """
    # It links the driver's libraries when it is imported, so it is imported by whom decodes with it, and
    # fails with whatever its loader raises.
    try:
        return import_module("PyNvVideoCodec")
    except (ImportError, RuntimeError, OSError) as error:
        raise refusal(
            info,
            f"cannot be decoded by NVDEC here, PyNvVideoCodec does not load ({first_line(error)}): "
            "install the NVIDIA driver; in a container set NVIDIA_DRIVER_CAPABILITIES=compute,utility,video",
        ) from error


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


@lru_cache
def capabilities(nvc: Any, gpu: int, codec: str, bit_depth: int) -> dict[str, int]:
    """Return what a GPU decodes of a codec at a depth, 4:2:0: `supported`, `width_min`, `width_max` ...

    Args:
        nvc: The module PyNvVideoCodec.
        gpu: Number of the GPU.
        codec: PyNvVideoCodec's name of it.
        bit_depth: 8, 10 or 12.
    """
    # Of a chip, so they do not change; asking again for each file of an epoch takes its time.
    found: dict[str, int] = nvc.GetDecoderCaps(
        gpuid=gpu,
        codec=getattr(nvc.cudaVideoCodec, codec),
        chromaformat=getattr(nvc.cudaVideoChromaFormat, "420"),
        bitdepth=bit_depth,
    )
    return found
