"""Findings about Python, PyTorch, and the FFmpeg inside PyAV and OpenCV."""

import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from bvas import __version__
from bvas.system.doctor.finding import Finding, note, ok, problem, try_import
from bvas.system.extras import INSTALL_TRAIN, TRAIN_PACKAGES

_OLDEST_PYTHON, _NEWEST_PYTHON = (3, 11), (3, 13)
# PyAV and OpenCV are looked at more closely.
_PACKAGES = ("cattrs", "filelock", "matplotlib", "numpy", "onnxruntime", "scipy", "tqdm")
# There is one for GPUs only.
_TRAIN_PACKAGES = sorted(TRAIN_PACKAGES - {"PyNvVideoCodec"})
# Codecs of recordings, and libav's decoders that need no hardware.
_DECODERS = {
    "h264": ("h264",),
    "hevc": ("hevc",),
    "vp9": ("vp9", "libvpx-vp9"),
    "av1": ("libdav1d", "libaom-av1"),
}
_ENCODERS = ("libx264", "libx265")


def inspect_software() -> Iterator[Finding]:
    """Look at the programs and libraries that bvas runs on."""
    yield _python()
    yield _packages()
    yield from _train()
    yield from _pyav()
    yield _opencv()


def _python() -> Finding:
    found = sys.version_info[:2]
    tested = " to ".join(".".join(map(str, end)) for end in (_OLDEST_PYTHON, _NEWEST_PYTHON))
    finding = ok("Python", f"{platform.python_version()}, bvas {__version__}, {platform.platform()}")
    if found < _OLDEST_PYTHON:
        return replace(finding, state="problem", remedy="install Python 3.11 or newer", is_needed=True)
    if found > _NEWEST_PYTHON:
        return replace(finding, state="note", remedy=f"where something fails: tested is Python {tested}")
    return finding


def _packages() -> Finding:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        return problem(
            "packages",
            f"not installed: {', '.join(missing)}",
            "install bvas again, which brings them: pip install -e . in its clone",
            is_needed=True,
        )
    return ok("packages", f"{', '.join(_PACKAGES)} are installed")


def _train() -> Iterator[Finding]:
    missing = [name for name in _TRAIN_PACKAGES if find_spec(name) is None]
    if "torch" in missing:
        yield note(
            "torch", "not installed: exported models run, others do not, nothing is trained", INSTALL_TRAIN
        )
        return
    torch, reason = try_import("torch")
    if torch is None:
        remedy = "see https://pytorch.org/get-started for a build that fits this machine"
        yield problem("torch", f"cannot be imported ({reason})", remedy)
    else:
        build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
        yield ok("torch", f"{torch.__version__}, {build}")
    if missing:
        yield problem("training", f"not installed: {', '.join(missing)}", INSTALL_TRAIN)


def _pyav() -> Iterator[Finding]:
    av, reason = try_import("av")
    if av is None:
        yield _broken("PyAV", reason, "it decodes every video: pip install --force-reinstall av")
        return
    libraries = ", ".join(
        f"{name} {'.'.join(map(str, av.library_versions[name]))}"
        for name in ("libavcodec", "libavformat", "libswscale")
        if name in av.library_versions
    )
    ffmpeg = getattr(av, "ffmpeg_version_info", "of unknown version")
    yield ok("PyAV", f"{av.__version__} with FFmpeg {ffmpeg} ({libraries})")
    without = [codec for codec, names in _DECODERS.items() if not any(_has(av, name, "r") for name in names)]
    text = f"{', '.join(codec for codec in _DECODERS if codec not in without)} on the CPU"
    if without:
        yield problem(
            "decoders",
            f"{text}; not {', '.join(without)}",
            "PyAV's own wheels have all of them: pip install --force-reinstall --only-binary av av",
        )
    else:
        yield ok("decoders", text)
    lacking = [name for name in _ENCODERS if not _has(av, name, "w")]
    if lacking:
        yield note(
            "encoders",
            f"no {', '.join(lacking)}: bvas video prepare and bvas data synth cannot write that codec",
            "PyAV's own wheels have both: pip install --force-reinstall --only-binary av av",
        )


def _has(av: Any, name: str, mode: str) -> bool:
    try:
        av.Codec(name, mode)
    except ValueError:  # PyAV's UnknownCodecError is one.
        return False
    return True


def _opencv() -> Finding:
    cv2, reason = try_import("cv2")
    if cv2 is None:
        return _broken(
            "OpenCV",
            reason,
            "it resizes every picture: pip install --force-reinstall opencv-python-headless (the variant "
            "without -headless needs libGL.so.1)",
        )
    build = cv2.getBuildInformation()
    if not re.search(r"FFMPEG:\s*YES", build):
        return note(
            "OpenCV",
            f"{cv2.__version__} without FFmpeg: the opencv backend reads nothing",
            "pip install --force-reinstall opencv-python-headless",
        )
    versions = re.findall(r"(avcodec|avformat|swscale):\s*YES \(([\d.]+)\)", build)
    libraries = ", ".join(f"lib{name} {version}" for name, version in versions)
    return ok("OpenCV", f"{cv2.__version__} with FFmpeg ({libraries})")


def _broken(topic: str, reason: str, remedy: str) -> Finding:
    return problem(topic, f"cannot be imported ({reason})", remedy, is_needed=True)
