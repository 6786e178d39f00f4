"""Does NVDEC decode here, exactly? And what only a chip can tell: asked one by one, written after each answer.

    python scripts/nvdec_facts.py --json FILE [--only NAME]

Each question runs in a process of its own for at most 40 seconds: one that NVDEC ends, or that hangs, is an answer too.
"""

import argparse
import ctypes
import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from bvas.system.atomic_files import write_json

LIBRARIES = ("libcuda.so.1", "libnvcuvid.so.1", "libnvidia-encode.so.1")
SIZE = (360, 640)
_SECONDS = 40.0
# VideoWriter has its own settings; these are of the encoder behind `av`.
_OPEN_GOP = {"g": "20", "bf": "2", "x264-params": "open-gop=1"}
Answer = dict[str, Any]


def bars(number: int) -> np.ndarray:
    """Return a frame of moving bars, uint8 [360, 640]."""
    columns = (np.arange(SIZE[1]) + 8 * number) // 40 % 2
    return np.broadcast_to(np.where(columns, 200, 40).astype(np.uint8), SIZE).copy()


def write(path: Path, encoder: str, options: dict[str, str], num: int = 60) -> Path:
    """Write a video of moving bars."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=25, options=options)
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(num):
            planes = np.vstack([bars(number), np.full((SIZE[0] // 2, SIZE[1]), 128, np.uint8)])
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def compare(paths: Sequence[Path], orders: Sequence[Sequence[int]]) -> Answer:
    """Return whether NVDEC's frames of files, read one after the other with one pool, equal the CPU's."""
    from bvas.video.decode.open_video import open_video
    from bvas.video.decode.pynvvideocodec import DecoderPool

    pool: DecoderPool = DecoderPool()
    found: Answer = {"equals_cpu": True, "frames": 0, "different_frames": 0, "largest_difference": 0}
    for path in paths:
        for order in orders:
            with open_video(path, "pyav") as reader:
                wanted = reader.read(order)
            with open_video(path, "nvdec", device="cuda", pool=pool) as reader:
                frames = reader.read(order).cpu()
            differences = (frames.int() - wanted.int()).abs().flatten(1).max(dim=1).values
            found["frames"] += len(order)
            found["different_frames"] += int((differences > 0).sum())
            found["largest_difference"] = max(found["largest_difference"], int(differences.max()))
    found["equals_cpu"] = found["different_frames"] == 0
    pool.close()
    return found


def exact(folder: Path) -> Answer:
    """Frames of H.264 and HEVC in order."""
    found: Answer = {}
    for name, encoder, options in (
        ("h264", "libx264", {"g": "20"}),
        ("hevc", "libx265", {"x265-params": "keyint=20:log-level=none"}),
    ):
        found[name] = compare([write(folder / f"{name}.mp4", encoder, options)], [range(60)])
    return found | {"exact": all(answer["equals_cpu"] for answer in found.values())}


def starts_at_open_gops(folder: Path) -> Answer:
    """Decoding that begins at keyframes which later frames refer across, and begins again after each."""
    path = write(folder / "open.mkv", "libx264", _OPEN_GOP)
    return compare([path], [[45, 5, 25, 41, 59, 0, 20, 19, 40, 39]])


def more_references(folder: Path) -> Answer:
    """A pooled decoder that gets a stream with more reference pictures, and one with fewer again."""
    few, many = (
        write(folder / f"{refs}.mp4", "libx264", {"g": "30", "refs": refs, "bf": "3"}) for refs in ("1", "12")
    )
    return compare([few, many, few], [range(60)])


def damage(folder: Path) -> Answer:
    """A file with a wiped-out packet: an error, other pictures, or the end of the process."""
    import av

    from bvas.errors import DecodeError
    from bvas.video.decode.open_video import open_video

    path = write(folder / "whole.mp4", "libx264", {"g": "30"})
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    position, size = packets[40]
    content[position + 5 : position + size] = bytes(size - 5)
    path.write_bytes(content)
    try:
        with open_video(path, "nvdec", device="cuda") as reader:
            frames = reader.read(range(60)).cpu()
    except DecodeError as error:
        return {"reaction": "DecodeError", "message": str(error)}
    right = np.stack([bars(number) for number in range(60)]).astype(int)
    wrong = np.flatnonzero(np.abs(frames.numpy().astype(int) - right).mean(axis=(1, 2)) > 8)
    return {"reaction": "pictures", "wrong_frames": wrong.tolist()}


def shared_memory(folder: Path) -> Answer:
    """GPU memory between processes (CUDA IPC), and pages of a memfd that are locked."""
    from bvas.errors import DataError
    from bvas.loading.device_slots import DeviceFrames
    from bvas.loading.shared_slots import SharedFrames

    found: Answer = {}
    try:
        SharedFrames(4, (15, *SIZE)).lock_pages(0)()
        found["page_locking"] = "works"
    except DataError as error:
        found["page_locking"] = str(error)
    try:
        DeviceFrames(4, (15, *SIZE), 0).close()
        found["ipc_handle"] = "works"
    except DataError as error:
        found["ipc_handle"] = str(error)
    return found


def engines_and_clocks(folder: Path) -> Answer:
    """Decoders that the GPU names for each codec, and its video clock."""
    from bvas.errors import DecodeError
    from bvas.video.decode.pynvvideocodec import num_engines
    from bvas.video.index.video_index import build_index

    found: Answer = {}
    for codec, encoder in (("h264", "libx264"), ("hevc", "libx265")):
        _, info = build_index(write(folder / f"{codec}.mp4", encoder, {}, num=5))
        try:
            found[f"engines_{codec}"] = num_engines(info, "cuda")
        except (DecodeError, RuntimeError, OSError) as error:
            found[f"engines_{codec}"] = str(error)
    command = [
        "nvidia-smi",
        "--query-gpu=clocks.current.video,clocks.max.video,driver_version",
        "--format=csv",
    ]
    try:
        found["nvidia_smi"] = subprocess.run(
            command, capture_output=True, text=True, check=False
        ).stdout.split("\n")
    except OSError as error:
        found["nvidia_smi"] = str(error)
    return found


def cost_of_sessions(folder: Path) -> Answer:
    """Seconds and GPU memory of the first and of three more decoders of a 360p file."""
    import torch

    from bvas.video.decode.open_video import open_video

    path = write(folder / "cost.mp4", "libx264", {"g": "20"})
    torch.zeros(1, device="cuda")
    found, readers = [], []
    for _ in range(4):
        free, started = torch.cuda.mem_get_info()[0], time.perf_counter()
        readers.append(open_video(path, "nvdec", device="cuda"))
        readers[-1].read([0])
        torch.cuda.synchronize()
        found.append(
            {
                "seconds": round(time.perf_counter() - started, 3),
                "bytes": free - torch.cuda.mem_get_info()[0],
            }
        )
    for reader in readers:
        reader.close()
    return {"sessions": found}


QUESTIONS: dict[str, Callable[[Path], Answer]] = {
    question.__name__: question
    for question in (
        exact,
        starts_at_open_gops,
        more_references,
        engines_and_clocks,
        cost_of_sessions,
        shared_memory,
        damage,
    )
}


def ask(name: str) -> Answer:
    """Ask one question in a process of its own."""
    command = [sys.executable, __file__, "--only", name]
    started = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return {"no_answer": f"none within {_SECONDS:g} s"}
    answer: Answer
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        answer = {"no_answer": f"the process ended with {done.returncode}: {last}"}
    return answer | {"took_seconds": round(time.monotonic() - started, 1)}


def library_answer(name: str) -> str:
    """Return where a driver library was loaded from, or why it cannot be loaded."""
    try:
        ctypes.CDLL(name)
    except OSError as error:
        return str(error)
    maps = Path("/proc/self/maps")
    found = re.search(
        rf"/\S*/{re.escape(name.removesuffix('.1'))}\S*", maps.read_text() if maps.is_file() else ""
    )
    return found.group() if found else "found"


def package_version(name: str) -> str:
    """Return a package's version, or `not installed`."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def machine() -> Answer:
    """Return what the machine is."""
    import torch

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "packages": {name: package_version(name) for name in ("PyNvVideoCodec", "av", "kornia", "timm")},
        "libraries": {name: library_answer(name) for name in LIBRARIES},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Ask, print and write; 0 where NVDEC's frames equal the CPU's."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--only", choices=QUESTIONS, help="print the answer to this question alone")
    args = parser.parse_args(argv)
    if args.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(QUESTIONS[args.only](Path(folder))))
        return 0
    found: Answer = {"is_complete": False, "machine": machine(), "answers": {}}
    print(json.dumps(found["machine"], indent=1), flush=True)
    for name in QUESTIONS:
        found["answers"][name] = answer = ask(name)
        print(f"{name}: {json.dumps(answer)}", flush=True)
        found["is_complete"] = len(found["answers"]) == len(QUESTIONS)
        if args.json is not None:
            write_json(args.json, found)
    return 0 if found["answers"]["exact"].get("exact") is True else 1


if __name__ == "__main__":
    sys.exit(main())
