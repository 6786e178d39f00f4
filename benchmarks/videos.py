"""Videos for benchmarks: a camera that pans over a textured plane, small things that move, and noise."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


def make_video(
    path: Path, *, size: tuple[int, int], num_frames: int, keyframe_interval: int, seed: int = 0
) -> None:
    """Write an H.264 video at 25 frames per second, without color tags.

    OpenCV 5 changes the luma of files that carry BT.709 tags, so that our OpenCV backend refuses them.

    Args:
        path: Where it goes, `.mp4` or `.mkv`.
        size: (H, W), both even.
        num_frames: Its length.
        keyframe_interval: Frames from one keyframe to the next.
        seed: Of the picture.
    """
    height, width = size
    random = np.random.default_rng(seed)
    plane = _plane(random, (height + 256, width + 1024))
    noise = random.integers(-3, 4, size=(8, height, width), dtype=np.int16)
    starts = random.uniform(0, 1, size=(40, 2)) * (height - 24, width - 24)
    speeds = random.normal(0, 2.5, size=(40, 2))
    options = {"preset": "veryfast", "g": str(keyframe_interval), "keyint_min": str(keyframe_interval)}
    options |= {"bf": "3", "crf": "23", "sc_threshold": "0", "threads": "1"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        for number in range(num_frames):
            top = int(128 + 100 * np.sin(number / 90))
            left = int(512 + 480 * np.sin(number / 150))
            frame = plane[top : top + height, left : left + width].astype(np.int16)
            for row, column in (starts + speeds * number) % (height - 24, width - 24):
                frame[int(row) : int(row) + 24, int(column) : int(column) + 10] = 200
            frame += noise[number % len(noise)]
            luma = np.clip(frame, 16, 235).astype(np.uint8)
            planes = np.vstack([luma, np.full((height // 2, width), 128, np.uint8)])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())


def _plane(random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return smooth texture: coarse grains and fine ones."""
    plane = np.zeros(shape)
    for grain, height in ((64, 40.0), (16, 20.0), (4, 12.0)):
        coarse = random.normal(0, height, size=(shape[0] // grain + 2, shape[1] // grain + 2))
        plane += np.kron(coarse, np.ones((grain, grain)))[: shape[0], : shape[1]]
    return np.clip(plane + 110, 16, 235).astype(np.uint8)
