"""Findings about the NVIDIA driver, CUDA in PyTorch, and NVDEC."""

import ctypes
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bvas.system.doctor.finding import Finding, note, ok, problem, try_import
from bvas.system.extras import INSTALL_TRAIN
from bvas.system.log_lines import first_line

# PyNvVideoCodec links all three when it is imported. The last two come with the `video` capability of a container.
_CUDA_LIBRARY = "libcuda.so.1"
_VIDEO_LIBRARIES = ("libnvcuvid.so.1", "libnvidia-encode.so.1")
_CODECS = ("h264", "hevc", "av1", "vp9")
_BIT_DEPTHS = (8, 10)


def inspect_gpu(root: Path = Path("/")) -> Iterator[Finding]:
    """Look at the GPU, from the driver up.

    Args:
        root: Folder of `proc`.
    """
    driver = _driver_version(root)
    missing = [name for name in (_CUDA_LIBRARY, *_VIDEO_LIBRARIES) if not can_load(name)]
    has_driver = driver is not None or _CUDA_LIBRARY not in missing
    if has_driver:
        yield _driver(driver, missing)
        yield from _torch_devices(driver)
        absent = [name for name in _VIDEO_LIBRARIES if name in missing]
        if absent and _CUDA_LIBRARY not in missing:
            yield _without_video(absent)
    else:
        yield note(
            "GPU",
            "no NVIDIA driver: everything runs on the CPU",
            "on a machine that has such a GPU install its driver; in a container add --gpus all",
        )
    yield from _pynvvideocodec(has_driver=has_driver)


def can_load(library: str) -> bool:
    """Return whether the dynamic loader finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _driver_version(root: Path) -> str | None:
    try:
        text = (root / "proc/driver/nvidia/version").read_text()
    except OSError:
        return None
    version = re.search(r"\b(\d{3,}\.\d+(?:\.\d+)?)\b", text)
    return version.group(1) if version else "of unknown version"


def _driver(driver: str | None, missing: list[str]) -> Finding:
    name = f"NVIDIA {driver or 'of unknown version'}"
    if _CUDA_LIBRARY in missing:
        return problem(
            "driver",
            f"{name} in the kernel, but {_CUDA_LIBRARY} cannot be loaded",
            "in a container add --gpus all, which brings the driver's libraries in; else install the "
            "driver's user-space part",
        )
    return ok("driver", name)


def _torch_devices(driver: str | None) -> Iterator[Finding]:
    torch, _ = try_import("torch")
    if torch is None:
        return
    if torch.version.cuda is None:
        yield problem(
            "CUDA",
            "there is a driver, and this build of torch cannot use it",
            "install a CUDA build of torch: https://pytorch.org/get-started",
        )
    elif not torch.cuda.is_available():
        yield problem(
            "CUDA",
            f"torch, built for CUDA {torch.version.cuda}, finds no usable device with driver {driver}",
            "update the driver, or install a build of torch for an older CUDA; in a container add "
            "--gpus all, and see that CUDA_VISIBLE_DEVICES is not empty",
        )
    else:
        for number in range(torch.cuda.device_count()):
            device = torch.cuda.get_device_properties(number)
            yield ok(f"cuda:{number}", f"{device.name}, {device.total_memory / 2**30:.0f} GiB")


def _without_video(absent: list[str]) -> Finding:
    given = os.environ.get("NVIDIA_DRIVER_CAPABILITIES")
    here = "" if given is None else f" (it is {given!r} here)"
    return problem(
        "NVDEC",
        f"the driver's video part is absent: {', '.join(absent)} cannot be loaded",
        f"in a container set NVIDIA_DRIVER_CAPABILITIES=compute,utility,video{here}; else install the "
        "driver's decoding and encoding libraries (libnvidia-decode, libnvidia-encode)",
    )


def _pynvvideocodec(*, has_driver: bool) -> Iterator[Finding]:
    topic = "PyNvVideoCodec"
    nvc, reason = try_import(topic)
    if nvc is not None:
        yield _version(topic, nvc)
        yield from _capabilities()
        return
    if reason.startswith("ModuleNotFoundError"):
        text = "not installed: nothing is decoded on the GPU"
        remedy = f"{INSTALL_TRAIN} (Linux on x86-64)" if has_driver else None
    else:
        text = f"cannot be imported ({reason})"
        remedy = "fix the driver as described above" if has_driver else "it works where the driver is"
    yield Finding(topic=topic, state="problem" if has_driver else "note", text=text, remedy=remedy)


def _version(topic: str, nvc: Any) -> Finding:
    from bvas.system.nvdec_caps import OLDEST_PYNVVIDEOCODEC, fault_of_version

    installed = str(getattr(nvc, "__version__", "of unknown version"))
    if fault_of_version(nvc) is None:
        return ok(topic, installed)
    return problem(
        topic,
        f"{installed} is too old, and is not used: its 10-bit pictures are wrong",
        f"pip install --upgrade 'PyNvVideoCodec>={OLDEST_PYNVVIDEOCODEC}'",
    )


def _capabilities() -> Iterator[Finding]:
    torch, _ = try_import("torch")
    if torch is None or not torch.cuda.is_available():
        return
    from bvas.system.nvdec_caps import decoder_caps

    for gpu in range(torch.cuda.device_count()):
        parts = []
        try:
            for codec in _CODECS:
                depths = [str(bits) for bits in _BIT_DEPTHS if decoder_caps(gpu, codec, bits).is_supported]
                parts.append(f"{codec} {' and '.join(depths)} bits" if depths else f"no {codec}")
            yield ok(f"NVDEC {gpu}", f"decodes {', '.join(parts)} (4:2:0)")
        except (OSError, RuntimeError) as error:
            yield problem(
                f"NVDEC {gpu}",
                f"the decoder does not report its capabilities: {first_line(error)}",
                "update the driver; in a container set NVIDIA_DRIVER_CAPABILITIES=compute,utility,video",
            )
