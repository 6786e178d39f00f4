"""How many random clips and frames a second does a GPU decode, with how many readers and processes?

    python benchmarks/bench_nvdec.py --videos /tmp/videos --json benchmarks/results/nvdec-speed--NAME.json

A setup PxN is N readers, each in a thread of its own, in each of P processes, all at work at the same time on
one video, each in another order. Readings: random clips of 15 frames, every 2nd, that stay on the GPU; all frames
in sequence by `read`, which stay there; all frames in sequence by `stream`, which go to the host. Costs are of
a clip or a frame, and divided by those of one pyav reader on the CPU in the same round.

First the clips of all readers, read at the same time, are compared with pyav's, byte for byte. GPU memory is what
the device has less of: behind the first use of CUDA in a process, and behind the first clip of each reader.

`--backend pyav --device cpu` runs all of it without a GPU, to try the script.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from apart import AbsentError, Apart
from clips import CLIP, random_clips
from harness import Cost, interleave, rows, show, write_as_measured, write_results
from videos import kept_video

from bvas.errors import DecodeError
from bvas.video.decode.open_video import open_video

BASE = "pyav on the CPU"
BATCH_SIZE = 16
# Name -> method of `Readers`, unit of its costs.
READINGS = {
    "random clips": ("read_clips", "clip"),
    "in sequence, read": ("read_all", "frame"),
    "in sequence, stream": ("stream_all", "frame"),
}


class Readers:
    """Readers of one video in the threads of one process."""

    def __init__(self, backend: str, device: str) -> None:
        """Make ready to use the device; raises `AbsentError` where it is not there."""
        import torch

        if device != "cpu" and not torch.cuda.is_available():
            raise AbsentError("torch finds no CUDA device")
        self._torch = torch
        self._backend = backend
        self._device = device
        self._threads: list[ThreadPoolExecutor] = []
        self._readers: list[Any] = []
        if self._uses_gpu:
            torch.zeros(1, device=device)

    @property
    def _uses_gpu(self) -> bool:
        return self._device != "cpu"

    def free_bytes(self) -> int | None:
        """Return the memory that is free on the GPU; None where there is none."""
        if not self._uses_gpu:
            return None
        self._torch.cuda.synchronize()
        self._torch.cuda.empty_cache()
        return int(self._torch.cuda.mem_get_info(self._device)[0])

    def open(self, path: Path, num_readers: int, clip: list[int]) -> list[int | None]:
        """Open a video in each of so many threads; the free memory after the first clip of each.

        Raises:
            AbsentError: the backend does not read it here.
        """
        for thread, reader in zip(self._threads, self._readers, strict=True):
            thread.submit(reader.close).result()
            thread.shutdown()
        self._threads = [ThreadPoolExecutor(max_workers=1) for _ in range(num_readers)]
        self._readers = []
        free = []
        for thread in self._threads:
            opener = partial(open_video, path, self._backend, device=self._device, cache=False)
            try:
                self._readers.append(thread.submit(opener).result())
                thread.submit(self._readers[-1].read, clip).result()
            except DecodeError as error:
                raise AbsentError(str(error)) from error
            free.append(self.free_bytes())
        return free

    def digests(self, clips: Sequence[list[int]]) -> set[str]:
        """Return what tells the clips' frames from all others, of all readers at the same time."""
        return set(self._all_at_once(len(self._readers), partial(_digest, clips)))

    def read_clips(self, num_readers: int, clips: Sequence[list[int]]) -> float:
        """Read the clips by each reader; the CPU time that it took."""
        return self._cpu_seconds(num_readers, partial(_read_each, clips))

    def read_all(self, num_readers: int, num_frames: int) -> float:
        """Read frames in sequence by each reader, onto the device; the CPU time that it took."""
        starts = range(0, num_frames, BATCH_SIZE)
        batches = [list(range(start, min(start + BATCH_SIZE, num_frames))) for start in starts]
        return self._cpu_seconds(num_readers, partial(_read_in_order, batches))

    def stream_all(self, num_readers: int, num_frames: int) -> float:
        """Stream frames by each reader, to the host; the CPU time that it took."""
        return self._cpu_seconds(num_readers, partial(_stream, num_frames))

    def _cpu_seconds(self, num_readers: int, work: Callable[[Any, int], object]) -> float:
        before = time.process_time()
        self._all_at_once(num_readers, work)
        if self._uses_gpu:
            self._torch.cuda.synchronize()
        return time.process_time() - before

    def _all_at_once(self, num_readers: int, work: Callable[[Any, int], Any]) -> list[Any]:
        pairs = zip(self._threads[:num_readers], self._readers, strict=False)
        running = [thread.submit(work, reader, number) for number, (thread, reader) in enumerate(pairs)]
        return [future.result() for future in running]


def _read_each(clips: Sequence[list[int]], reader: Any, number: int) -> None:
    # Each begins elsewhere, so that they do not all decode the same frames at the same time.
    place = number % len(clips)
    for indices in (*clips[place:], *clips[:place]):
        reader.read(indices)


def _read_in_order(batches: Sequence[list[int]], reader: Any, number: int) -> None:
    for indices in batches:
        reader.read(indices)


def _stream(num_frames: int, reader: Any, number: int) -> None:
    for _ in reader.stream(0, num_frames, batch_size=BATCH_SIZE):
        pass


def _digest(clips: Sequence[list[int]], reader: Any, number: int) -> str:
    total = hashlib.sha256()
    for indices in clips:
        total.update(np.ascontiguousarray(reader.read(indices).cpu().numpy()))
    return total.hexdigest()


def run_setup(processes: Sequence[Apart], num_readers: int, method: str, work: Any, num_units: int) -> Cost:
    """Let so many readers of each process do the work at the same time; the cost of one unit of it.

    Args:
        processes: Those that take part.
        num_readers: Readers in each.
        method: Of `Readers`.
        work: Its argument: clips, or a number of frames.
        num_units: Clips or frames that one reader delivers.
    """
    started = time.perf_counter()
    for process in processes:
        process.begin(method, num_readers, work)
    cpu = sum(process.finish() for process in processes)
    wall = time.perf_counter() - started
    total = num_units * num_readers * len(processes)
    return Cost(wall_seconds=wall / total, cpu_seconds=cpu / total)


def memory_of(free: Sequence[int | None]) -> dict[str, Any] | None:
    """Return the bytes that a process and its readers take, from the free bytes before and after each.

    Args:
        free: Before the process, after it began to use the GPU, then after each reader's first clip.
    """
    known = [value for value in free if value is not None]
    if len(known) < len(free):
        return None
    taken = [before - after for before, after in pairwise(known)]
    return {"process_bytes": taken[0], "reader_bytes": taken[1:]}


def parse_setup(text: str) -> tuple[int, int]:
    """Return (processes, readers in each) of `PxN`."""
    processes, _, readers = text.partition("x")
    if not (processes.isdecimal() and readers.isdecimal() and int(processes) and int(readers)):
        raise argparse.ArgumentTypeError(f"a setup is PROCESSESxREADERS, such as 2x4, not {text!r}")
    return int(processes), int(readers)


def measure(
    path: Path, args: argparse.Namespace, *, processes: Sequence[Apart], cpu: Apart, interval: int
) -> list[dict[str, Any]]:
    """Check and measure one video; its rows, of all readings."""
    clips = random_clips(args.clips, num_frames=args.frames, keyframe_interval=interval)
    cpu.call("open", path, 1, clips[0])
    for number, process in enumerate(processes):
        process.call("open", path, max(readers for count, readers in args.setups if count > number), clips[0])
    digests = cpu.call("digests", clips).union(*(process.call("digests", clips) for process in processes))
    if len(digests) > 1:
        raise SystemExit(f"{args.backend} and pyav deliver different pixels of {path.name}")
    result = []
    for reading, (method, unit) in READINGS.items():
        work, num_units = (clips, len(clips)) if unit == "clip" else (args.sequence, args.sequence)
        cases = {BASE: partial(run_setup, [cpu], 1, method, work, num_units)}
        for count, readers in args.setups:
            name = f"{args.backend} {count}x{readers}"
            cases[name] = partial(run_setup, processes[:count], readers, method, work, num_units)
        table = rows(interleave(cases, num_rounds=args.rounds), base=BASE, num_units=1, unit=unit)
        print(f"\n{path.stem}, {reading}")
        show(table, base=BASE, unit=unit)
        result += [{"reading": reading} | row for row in table]
    return result


def main(argv: Sequence[str] | None = None) -> None:
    """Run the setups and show the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    setups = [(1, 1), (1, 2), (1, 4), (1, 8), (2, 1), (2, 4), (4, 1), (4, 2)]
    parser.add_argument("--setups", type=parse_setup, nargs="+", default=setups, metavar="PxN")
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--frames", type=int, default=1000, help="length of the videos")
    parser.add_argument("--codecs", nargs="+", choices=["h264", "hevc"], default=["h264", "hevc"])
    parser.add_argument("--keyframe-intervals", type=int, nargs="+", default=[250, 50])
    parser.add_argument("--clips", type=int, default=8, help="clips a round and reader")
    parser.add_argument("--sequence", type=int, default=300, help="frames in sequence a round and reader")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--backend", default="nvdec")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--videos", type=Path, help="folder that keeps the videos; by default made anew")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    write_as_measured(args.json, __doc__ or "")

    table: list[dict[str, Any]] = []
    memory: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        start = partial(Apart, partial(Readers, args.backend, args.device), runs_on=True)
        try:
            processes = [stack.enter_context(start())]
            cpu = stack.enter_context(Apart(partial(Readers, "pyav", "cpu"), runs_on=True))
            for codec in args.codecs:
                for interval in args.keyframe_intervals:
                    path = kept_video(
                        args.videos or Path(temporary),
                        size=(args.height, args.width),
                        num_frames=args.frames,
                        keyframe_interval=interval,
                        codec=codec,
                    )
                    if codec not in memory:
                        free = [processes[0].call("free_bytes")]
                        with start() as process:
                            free.append(processes[0].call("free_bytes"))
                            most = max(readers for _, readers in args.setups)
                            free += process.call("open", path, most, list(range(CLIP.num_frames)))
                        memory[codec] = memory_of(free)
                    while len(processes) < max(count for count, _ in args.setups):
                        processes.append(stack.enter_context(start()))
                    measured = measure(path, args, processes=processes, cpu=cpu, interval=interval)
                    table += [{"codec": codec, "keyframe_interval": interval} | row for row in measured]
        except AbsentError as error:
            raise SystemExit(f"nothing to measure: {error}") from error
    print(f"\nGPU memory: {memory}")
    if args.json:
        settings = {
            "size": (args.height, args.width),
            "num_frames": args.frames,
            "clips_a_round_and_reader": args.clips,
            "frames_in_sequence_a_round_and_reader": args.sequence,
            "backend": args.backend,
            "device": args.device,
            "clip": [CLIP.num_frames, CLIP.frame_step],
            "gpu_memory": memory,
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
