"""What does RGB cost our reader and its peers in CPU time, and how far is each from the standard's colors?

    python benchmarks/bench_color.py --videos /tmp/videos --json benchmarks/results/color--NAME.json

H.264, 1280x720, tagged BT.709 limited, chroma at the left; a keyframe every 50 or 250 frames. A clip is 15 frames,
every 2nd; clips begin at random places spread evenly over the keyframe interval. Costs are divided by those of the
floor in the same round. Methods, each with one decoding thread, in a process of its own:
  libav floor   decode from the keyframe up to the last wanted frame, deliver nothing
  ours          open_video(..., channels="rgb"): read, stream
  ours, planes  open_video(..., channels="planes"): what loader and GPU get
  torchcodec    VideoDecoder, exact seeking: get_frames_at, get_frames_in_range
  opencv        VideoCapture: seek by number, read each frame of the span, BGR2RGB
  pyav          seek, decode, to_ndarray("rgb24")
Accuracy: 20 frames against float64 RGB of the planes that libavcodec decodes, with bilinear chroma;
largest and mean difference over all pixels and channels, in 1/255.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from apart import AbsentError, Apart
from clips import random_clips
from harness import Cost, interleave, rows, show, write_as_measured, write_results
from methods import BATCH_SIZE, Floor
from numpy.typing import NDArray

from bvas import open_video

BASE = "libav floor"
SIZE = (720, 1280)
NUM_CHECKED = 20


def color_video(path: Path, num_frames: int, keyframe_interval: int) -> Path:
    """Write a video of saturated texture that pans, with noise, and squares that move."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (46, 80, 3), np.uint8)
    whole = cv2.resize(coarse, (2200, 1500), interpolation=cv2.INTER_CUBIC)
    options = {"g": str(keyframe_interval), "preset": "medium", "b": "4M", "x264-params": "colormatrix=bt709"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.colorspace = stream.codec_context.color_range = 1
        for number in range(num_frames):
            top, left = number * 700 // num_frames, number * 900 // num_frames
            rgb = whole[top : top + SIZE[0], left : left + SIZE[1]].copy()
            for square in range(6):
                x, y = (number * (square + 2) + 200 * square) % 1200, 100 * square + 20
                rgb[y : y + 60, x : x + 60] = np.roll([250, 20, 40], square)
            rgb = cv2.add(rgb, random.integers(0, 10, rgb.shape, np.uint8))
            frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


class Rgb:
    """A method at work on one video, in the process that it is measured in; frames are RGB [n, H, W, 3]."""

    def __init__(self, name: str, path: Path) -> None:
        """Open the video; raises `AbsentError` where the method does not load."""
        self._path = path
        self._clip, self._sequence = OPENERS[name](path)

    def read_clips(self, clips: Sequence[Sequence[int]]) -> Cost:
        """Read clips, and return what that took."""
        return _cost(lambda: [self._clip(indices) for indices in clips])

    def read_sequence(self, stop: int) -> Cost:
        """Read the first `stop` frames, and return what that took."""
        return _cost(lambda: [None for _ in self._sequence(stop)])

    def differences(self, indices: Sequence[int]) -> tuple[float, float]:
        """Return the largest and the mean difference from the reference, in 1/255."""
        wanted = {}
        with av.open(str(self._path)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number in indices:
                    wanted[number] = 255 * _reference(frame)
        largest, total = 0.0, 0.0
        for index, found in zip(indices, self._clip(indices), strict=True):
            off = np.abs(np.asarray(found, np.float64) - wanted[index])
            largest, total = max(largest, float(off.max())), total + float(off.mean())
        return largest, total / len(indices)


def _reference(frame: Any) -> NDArray[np.float64]:
    """Return the RGB [H, W, 3] of a decoded frame by BT.709, limited range, chroma between its samples at the left."""
    planes = [
        np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width].astype(np.float64)
        for plane in frame.planes
    ]
    luma, blue, red = (planes[0] - 16) / 219, *(_upsampled(plane - 128) / 224 for plane in planes[1:])
    r, b = luma + 1.5748 * red, luma + 1.8556 * blue
    return np.clip(np.stack([r, (luma - 0.2126 * r - 0.0722 * b) / 0.7152, b], axis=-1), 0, 1)


def _upsampled(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    for axis, first in ((0, 1.0), (1, 0.5)):
        length = plane.shape[axis]
        at = np.clip((np.arange(2 * length) + 0.5 - first) / 2, 0, length - 1)
        below = np.minimum(at.astype(int), max(length - 2, 0))
        weight = (at - below).reshape((-1, 1) if axis == 0 else (1, -1))
        near, far = plane.take(below, axis), plane.take(below + 1, axis)
        plane = near + (far - near) * weight
    return plane


def _cost(work: Callable[[], object]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(wall_seconds=time.perf_counter() - wall, cpu_seconds=time.process_time() - cpu)


Opened = tuple[Callable[[Sequence[int]], Any], Callable[[int], Iterator[Any]]]


def _ours(path: Path, channels: Any = "rgb") -> Opened:
    reader = open_video(path, "pyav", channels=channels, cache=False)
    return lambda indices: reader.read(indices).numpy(), lambda stop: (
        batch for _, batch in reader.stream(0, stop)
    )


def _torchcodec(path: Path) -> Opened:
    try:
        from torchcodec.decoders import VideoDecoder
    except (ImportError, OSError, RuntimeError) as error:
        raise AbsentError(f"torchcodec: {str(error).strip().splitlines()[0]}") from error
    decoder = VideoDecoder(str(path), dimension_order="NHWC", num_ffmpeg_threads=1)

    def sequence(stop: int) -> Iterator[Any]:
        for start in range(0, stop, BATCH_SIZE):
            yield decoder.get_frames_in_range(start, min(start + BATCH_SIZE, stop)).data

    return lambda indices: decoder.get_frames_at(list(indices)).data.numpy(), sequence


def _opencv(path: Path) -> Opened:
    cv2.setNumThreads(1)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])

    def clip(indices: Sequence[int]) -> NDArray[np.uint8]:
        capture.set(cv2.CAP_PROP_POS_FRAMES, indices[0])
        frames, wanted = [], set(indices)
        for index in range(indices[0], indices[-1] + 1):
            ok, frame = capture.read()
            assert ok, f"OpenCV does not read frame {index}"
            if index in wanted:
                frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        return np.stack(frames)

    def sequence(stop: int) -> Iterator[Any]:
        capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
        for _ in range(stop):
            yield cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)

    return clip, sequence


def _pyav(path: Path) -> Opened:
    container = av.open(str(path))
    stream = container.streams.video[0]
    stream.thread_type = "NONE"
    tick = int(1 / (25 * stream.time_base))

    def frames(indices: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        container.seek(indices[0] * tick, stream=stream, backward=True)
        wanted = {index * tick for index in indices}
        for frame in container.decode(stream):
            if frame.pts in wanted:
                yield frame.to_ndarray(format="rgb24")
            if frame.pts >= indices[-1] * tick:
                return

    return lambda indices: np.stack(list(frames(indices))), lambda stop: frames(range(stop))


def _floor(path: Path) -> Opened:
    method = Floor()(path)
    return method.clip, method.sequence


OPENERS: dict[str, Callable[[Path], Opened]] = {
    BASE: _floor,
    "ours": _ours,
    "ours, planes": partial(_ours, channels="planes"),
    "torchcodec": _torchcodec,
    "opencv": _opencv,
    "pyav": _pyav,
}


def compare(
    path: Path, interval: int, clips: list[list[int]], args: argparse.Namespace
) -> list[dict[str, Any]]:
    """Measure all methods on one video; print and return its rows, clips first."""
    with ExitStack() as stack:
        opened: dict[str, Apart] = {}
        missing: list[dict[str, Any]] = []
        off: dict[str, tuple[float, float]] = {}
        spread = list(range(3, args.frames, args.frames // NUM_CHECKED))
        for name in OPENERS:
            try:
                opened[name] = stack.enter_context(Apart(partial(Rgb, name, path)))
            except AbsentError as absent:
                missing.append({"case": name, "not_run": str(absent)})
                continue
            if name not in (BASE, "ours, planes"):
                off[name] = opened[name].call("differences", spread)
                print(
                    f"{name}: at most {off[name][0]:.2f}/255 from the reference, {off[name][1]:.3f} on average"
                )
        found = []
        for reading, method, argument, number, unit in (
            ("random clips", "read_clips", clips, len(clips), "clip"),
            ("in sequence", "read_sequence", args.sequence, args.sequence, "frame"),
        ):
            cases = {name: partial(one.call, method, argument) for name, one in opened.items()}
            table = rows(interleave(cases, num_rounds=args.rounds), base=BASE, num_units=number, unit=unit)
            print(f"\na keyframe every {interval} frames, {reading}")
            show([*table, *missing], base=BASE, unit=unit)
            for row in [*table, *missing]:
                largest, mean = off.get(row["case"], (None, None))
                about = {"keyframe_interval": interval, "reading": reading}
                found.append(about | row | {"largest_difference": largest, "mean_difference": mean})
        return found


def main(argv: Sequence[str] | None = None) -> None:
    """Run the cases and show the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=500, help="length of the videos")
    parser.add_argument("--keyframe-intervals", type=int, nargs="+", default=[250, 50])
    parser.add_argument("--clips", type=int, default=8, help="clips a round and case")
    parser.add_argument("--sequence", type=int, default=200, help="frames in sequence a round and case")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--videos", type=Path, help="folder that keeps the videos; by default they are made again"
    )
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    write_as_measured(args.json, __doc__ or "")
    table: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.videos or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for interval in args.keyframe_intervals:
            path = folder / f"color-{interval}-{args.frames}.mp4"
            if not path.exists():
                color_video(path, args.frames, interval)
            clips = random_clips(args.clips, num_frames=args.frames, keyframe_interval=interval)
            table += compare(path, interval, clips, args)
    if args.json is not None:
        settings = {name: value for name, value in vars(args).items() if name not in ("json", "videos")}
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
