"""Videos whose frames show their own number, and labelled videos that are never opened."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from bvas.loading.clip_requests import ClipRequest, FixedClips
from bvas.loading.labelled_video import LabelledVideo
from bvas.loading.read_jobs import Clip, ReadJob
from bvas.values.annotations import LabelSet
from bvas.video.index.frame_grid import Grid

LABELS = LabelSet(("PASS", "DRIVE"))
SIZE = (32, 128)
BITS = 8


def barcode(number: int) -> np.ndarray:
    """Return a frame uint8 [32, 128] of 8 upright bars, 16 wide: black and white are the bits of `number`."""
    bits = [(number >> bit) & 1 for bit in range(BITS)]
    row = np.repeat([200 if bit else 40 for bit in bits], SIZE[1] // BITS)
    return np.tile(row.astype(np.uint8), (SIZE[0], 1))


def numbers_in(frames: np.ndarray) -> list[int]:
    """Read the numbers back from frames uint8 [T, 32, 128]."""
    bars = frames.reshape(len(frames), SIZE[0], BITS, SIZE[1] // BITS).mean(axis=(1, 3)) > 120
    return [int(sum(1 << bit for bit in range(BITS) if row[bit])) for row in bars]


def write_barcodes(path, *, first: int = 0, num_frames: int = 100, keyframe_interval: int = 25) -> None:
    """Write a video without color tags: OpenCV 5 changes tagged ones, and its backend refuses them."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": str(keyframe_interval), "crf": "18"})
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(first, first + num_frames):
            planes = np.vstack([barcode(number), np.full((SIZE[0] // 2, SIZE[1]), 128, np.uint8)])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())


def clips_every(stride, clips) -> FixedClips:
    """Return clips around every `stride`-th grid frame of the videos of other clips."""
    return FixedClips(
        clips.videos, clips.clip, [range(0, video.num_frames, stride) for video in clips.videos]
    )


def read_job(job_id, slots, indices, *, path="a.mp4", **options):
    """Return a job for clips of as many frames each, `indices` one clip after the other, about frames 10 apart."""
    clips = [
        Clip(0, ClipRequest(0, 10 * slot, frames, np.zeros(2, np.float32), 0), slot=slot)
        for slot, frames in zip(slots, np.split(np.array(indices), len(slots)), strict=True)
    ]
    return ReadJob(Path(path), tuple(clips), job_id=job_id, **options)


def labelled(num_frames: int, annotations=(), *, num_labels: int = 2, path="unread.mp4", keyframes=(0,)):
    """Return a video that is never opened; `annotations` are (grid frame, label id)."""
    grid = Grid(
        rate=Fraction(25), indices=np.arange(num_frames, dtype=np.int64), seconds=np.arange(num_frames) / 25
    )
    return LabelledVideo(
        path=Path(path),
        form="limited",
        size=(48, 64),
        grid=grid,
        keyframes=np.array(keyframes, dtype=np.int64),
        num_labels=num_labels,
        annotation_frames=np.array([frame for frame, _ in annotations], dtype=np.int64),
        label_ids=np.array([label_id for _, label_id in annotations], dtype=np.int64),
    )
