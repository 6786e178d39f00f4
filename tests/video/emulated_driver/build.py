"""Compiles the stand-ins for the driver's libraries, once for each state of their sources."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
# The dynamic loader takes a library that is loaded already for any other of its name, wherever that lies.
LIBRARIES = ("libcuda.so.1", "libnvcuvid.so.1", "libnvidia-encode.so.1")
_SOURCES = ("libcuda.c", "libnvcuvid.c", "libnvidia-encode.c")
# With unwind tables: PyNvVideoCodec throws through its callbacks.
_OPTIONS = ("-shared", "-fPIC", "-O2", "-fexceptions")
# pytest's cache, which `make clean` removes.
_CACHE = HERE.parents[2] / ".pytest_cache" / "emulated-driver"


class CannotBuildError(Exception):
    """A compiler or the headers are missing."""


def build() -> list[Path]:
    """Return the libraries, in the order in which they are to be loaded.

    Raises:
        CannotBuildError: names what is missing, and where it comes from.
    """
    if shutil.which("gcc") is None:
        raise CannotBuildError("there is no gcc")
    sources = b"".join((HERE / name).read_bytes() for name in ("emulation.h", *_SOURCES))
    folder = _CACHE / hashlib.sha256(sources + "".join(_OPTIONS).encode()).hexdigest()[:16]
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.{os.getpid()}")
        part.mkdir(parents=True, exist_ok=True)
        for source, name in zip(_SOURCES, LIBRARIES, strict=True):
            _compile(source, part, name)
        try:
            part.rename(folder)
        except OSError:
            # Another process was first.
            shutil.rmtree(part)
    return [folder / name for name in LIBRARIES]


def _compile(source: str, folder: Path, name: str) -> None:
    # libnvcuvid is held against the allocations of libcuda.
    needed = [str(folder / "libcuda.so.1")] if name == "libnvcuvid.so.1" else []
    command = ["gcc", *_OPTIONS, f"-Wl,-soname,{name}", "-o", str(folder / name), str(HERE / source), *needed]
    done = subprocess.run(
        [*command, "-lpthread"], capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}
    )
    if "ffnvcodec" in done.stderr and "No such file" in done.stderr:
        raise CannotBuildError("NVIDIA's headers are missing: apt-get install libffmpeg-nvenc-dev")
    if done.returncode:
        raise RuntimeError(done.stderr)
