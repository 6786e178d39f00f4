"""What does a random clip cost our reader, beside OpenCV's usual way and what libavcodec needs at least?

    python benchmarks/bench_decode.py --json benchmarks/results/decode--NAME.json

A clip is 15 frames, every 2nd, at a random place. Cases:
  libav floor       decode from the keyframe up to the clip's last frame, one thread, deliver nothing
  pyav reader       open_video(..., "pyav").read_into
  opencv reader     open_video(..., "opencv").read_into
  opencv read+cvt   VideoCapture: seek by number, read each frame of the span, cvtColor to gray
  nvdec reader      open_video(..., "nvdec").read onto the GPU, with --device cuda
All keep their file open. The frames of both readers are compared with each other once.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from harness import interleave, rows, show, write_results
from numpy.typing import NDArray
from videos import make_video

from bvas.clips import ClipConfig
from bvas.video.index import VideoIndex
from bvas.video.open import open_video
from bvas.video.protocol import FrameDecoder

CLIP = ClipConfig()


def read_floor(path: Path, index: VideoIndex, clips: Sequence[NDArray[np.int64]]) -> None:
    """Decode what a clip cannot be had without."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for indices in clips:
            keyframe = index.keyframe_of(int(indices[0]))
            last = int(index.pts[indices[-1]])
            container.seek(int(index.keyframe_pts[keyframe]), stream=stream, backward=True)
            for frame in container.decode(stream):
                if frame.pts >= last:
                    break


def read_ours(reader: FrameDecoder, clips: Sequence[NDArray[np.int64]], out: NDArray[np.uint8]) -> None:
    """Read clips with a reader that is open."""
    for indices in clips:
        reader.read_into(indices, out)


def read_opencv(capture: cv2.VideoCapture, clips: Sequence[NDArray[np.int64]]) -> None:
    """Read clips as most programs do."""
    for indices in clips:
        wanted = set(indices.tolist())
        capture.set(cv2.CAP_PROP_POS_FRAMES, int(indices[0]))
        for index in range(int(indices[0]), int(indices[-1]) + 1):
            ok, frame = capture.read()
            assert ok, f"OpenCV does not read frame {index}"
            if index in wanted:
                cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)


def read_nvdec(reader: FrameDecoder, clips: Sequence[NDArray[np.int64]]) -> None:
    """Read clips onto the GPU, and wait for the last one."""
    for indices in clips:
        reader.read(indices)
    torch.cuda.synchronize()


def main() -> None:
    """Run the cases and show the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--frames", type=int, default=1000, help="length of the video")
    parser.add_argument("--keyframe-interval", type=int, default=250)
    parser.add_argument("--clips", type=int, default=8, help="clips a round and case")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()

    size = (args.height, args.width)
    random = np.random.default_rng(0)
    centers = random.integers(CLIP.frames_before, args.frames - CLIP.frames_after, size=args.clips)
    clips = [CLIP.indices(int(center), args.frames) for center in centers]
    out = np.empty((CLIP.num_frames, *size), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        make_video(path, size=size, num_frames=args.frames, keyframe_interval=args.keyframe_interval)
        ours, opencv = open_video(path, "pyav"), open_video(path, "opencv")
        for indices in clips:
            opencv.read_into(indices, out)
            assert np.array_equal(ours.read(indices).numpy(), out), "the readers disagree"
        cases = {
            "libav floor": lambda: read_floor(path, ours.index, clips),
            "pyav reader": lambda: read_ours(ours, clips, out),
            "opencv reader": lambda: read_ours(opencv, clips, out),
            "opencv read+cvt": lambda: read_opencv(capture, clips),
        }
        if args.device != "cpu":
            nvdec = open_video(path, "nvdec", device=args.device)
            for indices in clips:
                assert torch.equal(nvdec.read(indices).cpu(), ours.read(indices)), "NVDEC disagrees"
            cases["nvdec reader"] = lambda: read_nvdec(nvdec, clips)
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        costs = interleave(cases, num_rounds=args.rounds)
        num_bytes = path.stat().st_size
        capture.release()
        ours.close()
        opencv.close()
    table = rows(costs, base="libav floor", num_clips=args.clips)
    show(table, base="libav floor")
    if args.json:
        settings = {
            "size": size,
            "num_frames": args.frames,
            "keyframe_interval": args.keyframe_interval,
            "clips_a_round": args.clips,
            "device": args.device,
            "clip": [CLIP.num_frames, CLIP.frame_step],
            "bits_per_second": num_bytes * 8 * 25 // args.frames,
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
