"""PyNvVideoCodec and the GPU that it decodes on: import, checks and refusals with the remedy."""

from importlib import import_module
from typing import Any

from bvas.errors import DecodeError
from bvas.system.c_output import print_to_stderr
from bvas.system.log_lines import first_line
from bvas.system.nvdec_caps import decoder_caps, fault_of_version
from bvas.video.index.video_info import VideoInfo


def load_pynvvideocodec(info: VideoInfo) -> Any:
    """Import PyNvVideoCodec.

    Raises:
        DecodeError: it does not load or is too old; the message names `info` and the remedy.
    """
    # It links the driver's libraries when it is imported. So only readers that decode with it import it, and the
    # import fails with any error of the loader.
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
    # It prints what NVDEC reports of damage, which would stand among the results of a command.
    print_to_stderr()
    return nvc


def gpu_of(device: str, info: VideoInfo) -> int:
    """Return the number of the GPU that `cuda` or `cuda:N` means. Initialises CUDA.

    Raises:
        DecodeError: the GPU does not exist, or torch is not installed.
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


def num_engines(info: VideoInfo, device: str) -> int:
    """Return how many decoders the GPU has, of which each reader keeps one busy; 1 if the driver states none.

    Args:
        info: A video that NVDEC decodes there.
        device: `cuda` or `cuda:N`.
    """
    caps = decoder_caps(gpu_of(device, info), info.codec, info.bit_depth)
    return max(1, int(caps.num_engines))


def errors_of(nvc: Any) -> tuple[type[Exception], ...]:
    """Return the exceptions that PyNvVideoCodec raises."""
    return (RuntimeError, ValueError, nvc.PyNvVCException, nvc.PyNvVCExceptionUnsupported)


def refusal(info: VideoInfo, reason: str) -> DecodeError:
    """Return the error for a file that NVDEC does not read here."""
    return DecodeError(f'{info.path} {reason}; backend="pyav" reads it on the CPU', path=info.path)
