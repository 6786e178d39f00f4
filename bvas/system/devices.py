"""Devices and number formats of this machine."""

from typing import TYPE_CHECKING, Literal

from bvas.errors import ConfigError

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "float32", "bfloat16", "float16"]
EngineName = Literal["auto", "torch", "onnxruntime", "openvino"]
"""Library that computes; `auto` is decided by a measurement."""


def choose_device(name: str = "auto") -> "torch.device":
    """Return the device to compute on.

    Args:
        name: `auto` (CUDA where there is a device, else the CPU), `cpu`, `cuda`, `cuda:1` ...

    Raises:
        ConfigError: the device is unknown or not on this machine.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"unknown device {name!r}; use auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device {name!r} is not supported; use auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"no device {name!r}: this machine has {torch.cuda.device_count()} CUDA devices; use --device cpu"
        )
    return device


def use_device(device: "torch.device") -> None:
    """Make a GPU named by number the current device of this process, for calls that take no device."""
    import torch

    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)


def to_device(values: "torch.Tensor", device: "torch.device") -> "torch.Tensor":
    """Return a small tensor on a device, without waiting for the work that is queued there.

    A copy from pageable memory waits for the device; torch keeps page-locked memory until it was read.
    """
    if device.type == "cuda" and values.device.type == "cpu":
        values = values.pin_memory()
    return values.to(device, non_blocking=True)


def autocast_dtype(device: "torch.device", precision: Precision = "auto") -> "torch.dtype | None":
    """Return the half precision to compute in, or None for float32.

    Args:
        device: Device of the computation.
        precision: `auto` is the fastest format of the device.
    """
    import torch

    if precision != "auto":
        return {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
