"""Small videos with sound."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from video_samples import make_video

RATE = 44_100


def make_video_with_sound(
    path: Path, *, num_frames: int = 100, late_seconds: float = 0.0, codec: str = "aac", **options
) -> Path:
    """Numbered frames with sound that is loud from 1.0 to 1.5 s, on a container's clock that may begin late."""
    picture = make_video(
        path.with_name("silent.mkv"),
        num_frames=num_frames,
        options={"bf": "0", "preset": "ultrafast"},
        **options,
    )
    samples = np.zeros((1, int(num_frames / 25 * RATE)), np.float32)
    first, last = RATE, RATE * 3 // 2
    samples[0, first:last] = 0.5 * np.sin(np.arange(last - first) / RATE * 2 * np.pi * 440)
    with av.open(str(picture)) as source, av.open(str(path), "w") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream(codec, rate=RATE)
        sound.layout = "mono"
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                shift = round(late_seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = video
                target.mux(packet)
        for start in range(0, samples.shape[1], 1024):
            frame = av.AudioFrame.from_ndarray(samples[:, start : start + 1024], "fltp", "mono")
            frame.sample_rate = RATE
            frame.pts = start + round(late_seconds * RATE)
            frame.time_base = Fraction(1, RATE)
            target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
    return path
