"""Decoding without torch, checked in a few seconds: what `.ci/run` runs on Pythons that the test suite does not.

Makes videos whose frame i shows the number i, reads them with each decoder, checks and copies them. A wrong frame,
count or exit code ends it with a traceback.
    usage: python tests/decode_check.py
"""

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from sound_samples import make_video_with_sound
from video_samples import make_video, numbers_in, read_luma

import bvas
from bvas.video.encode.browser_preview import make_preview

NUM_FRAMES = 60


def check_reading(path: Path, backend: str) -> None:
    """Read all frames in order, and some at random."""
    with bvas.open_video(path, backend=backend, device="cpu") as reader:
        streamed = [number for _, frames in reader.stream() for number in numbers_in(frames)]
        assert streamed == [*range(NUM_FRAMES)], f"{path.name}, {backend}: {streamed}"
        wanted = [41, 7, 7, 58, 0]
        assert numbers_in(read_luma(reader, wanted)) == wanted, f"{path.name}, {backend}"
        assert reader.index.frame_at(reader.index.seconds_of(33)) == 33


def bvas_video(*args: object) -> str:
    """Run `bvas video`, and return what it prints."""
    return subprocess.check_output([sys.executable, "-m", "bvas", "video", *map(str, args)], text=True)


def main() -> None:
    assert "torch" not in sys.modules
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        videos = [
            make_video(folder / "h264.mp4", num_frames=NUM_FRAMES),
            make_video(folder / "hevc.mkv", num_frames=NUM_FRAMES, codec="libx265"),
            make_video_with_sound(folder / "sound.mp4", num_frames=NUM_FRAMES),
        ]
        for video in videos:
            for backend in ("pyav", "opencv"):
                check_reading(video, backend)
            found = json.loads(bvas_video("check", video, "--decode", "--json"))
            assert found["num_frames"] == NUM_FRAMES, found
        bvas_video("prepare", videos[0], "--out", folder / "copies", "--quiet")
        preview = folder / "preview.mp4"
        make_preview(videos[-1], preview)
        with av.open(preview) as container:
            assert container.streams.audio
        copies = [folder / "copies" / "h264.mp4", preview]
        for video in copies:
            check_reading(video, "pyav")
    print(
        f"decoding with Python {platform.python_version()}, PyAV {av.__version__}, NumPy {np.__version__}: "
        f"{len(videos)} videos and {len(copies)} copies passed"
    )


if __name__ == "__main__":
    main()
