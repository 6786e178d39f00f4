"""Videos whose pictures say their numbers and whose sound tells the time, and readers of both."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from video_samples import as_frame, numbers_in, picture

from bvas import open_video

SOUND_RATE = 48_000
# The sound of second s is a chirp from this pitch on, rising by this many Hz a second within each period.
_LOW, _HIGH, _PERIOD = 1000.0, 5000.0, 8.0
SIZE = (48, 80)


def chirp(seconds):
    """Return the sound at these times: its pitch rises from 1000 to 5000 Hz in 8 s, so it tells the time."""
    phase = np.mod(seconds, _PERIOD)
    rate = (_HIGH - _LOW) / _PERIOD
    return 0.4 * np.sin(2 * np.pi * (_LOW * phase + rate / 2 * phase**2))


def write_chirped(
    path: Path,
    *,
    num_frames: int,
    rate: Fraction | int = 25,
    times=None,
    time_base=None,
    size=SIZE,
    options=None,
    codec="libx264",
    crf="12",
    with_sound=True,
    sound_rate=SOUND_RATE,
    rotation=None,
    first_number=0,
    store=lambda luma: luma,
) -> Path:
    """Write numbered frames beside a chirp; `times` as in `make_video`."""
    base = time_base or 1 / Fraction(rate)
    pts = list(range(num_frames)) if times is None else list(times)
    total = float((2 * pts[-1] - pts[-2]) * base) if num_frames > 1 else float(base)
    samples = chirp(np.arange(round(total * sound_rate)) / sound_rate).astype(np.float32)[None]
    with av.open(str(path), "w") as container:
        chosen = {"g": "12", "bf": "3", "crf": crf, "preset": "ultrafast", **(options or {})}
        if codec == "libx265":
            chosen = {
                "preset": "ultrafast",
                "x265-params": "log-level=none:keyint=12:min-keyint=12",
                **(options or {}),
            }
        stream = container.add_stream(codec, rate=rate, options=chosen)
        stream.height, stream.width = store(picture(0, size)).shape
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = base
        stream.codec_context.thread_count = 1
        if rotation is not None:
            stream.set_display_rotation(rotation)
        sound = container.add_stream("aac", rate=sound_rate) if with_sound else None
        if sound is not None:
            sound.layout, sound.bit_rate = "mono", 128_000
        written = 0

        def write_sound(until):
            nonlocal written
            while sound is not None and written < min(until, samples.shape[1]):
                part = samples[:, written : written + 1024]
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), "fltp", "mono")
                frame.sample_rate, frame.time_base, frame.pts = sound_rate, Fraction(1, sound_rate), written
                container.mux(sound.encode(frame))
                written += part.shape[1]

        for number, at in enumerate(pts):
            frame = as_frame(store(picture((first_number + number) % 1024, size)), "yuv420p")
            frame.pts, frame.time_base = at, base
            container.mux(stream.encode(frame))
            write_sound(float(at * base) * sound_rate)
        write_sound(samples.shape[1])
        container.mux(stream.encode(None))
        if sound is not None:
            container.mux(sound.encode(None))
    return path


def numbers_and_seconds(path):
    """Return the numbers that the frames show, and their times in the file."""
    with open_video(path, cache=False) as reader:
        numbers = []
        for _, batch in reader.stream(batch_size=64):
            numbers += numbers_in(batch)
        return numbers, reader.index.seconds + reader.info.start_seconds


def sound_of(path):
    """Return the left channel of a file on the clock of its container, from time zero on."""
    with av.open(str(path)) as container:
        frames = [(frame.time, frame.to_ndarray()[0]) for frame in container.decode(audio=0)]
    total = max(round(time * SOUND_RATE) + len(part) for time, part in frames)
    samples = np.zeros(total, np.float32)
    for time, part in frames:
        start = round(time * SOUND_RATE)
        samples[max(start, 0) : start + len(part)] = part[max(-start, 0) :]
    return samples


def sound_offset_seconds(samples, at, source_seconds, length=0.15, most=0.05):
    """Return how much later than it should the sound of a moment of the source is heard.

    Args:
        samples: Of `sound_of`.
        at: Where in the file the stretch begins that is compared.
        source_seconds: Which moment of the source that should be.
        length: Of the stretch; not over its fades.
        most: Largest offset that is looked for.
    """
    count, reach = round(length * SOUND_RATE), round(most * SOUND_RATE)
    begin = round(at * SOUND_RATE)
    heard = np.pad(samples, reach)[begin : begin + count + 2 * reach].astype(float)
    wanted = chirp(source_seconds + np.arange(count) / SOUND_RATE)
    # Normalized, else the loudest place would win.
    energy = np.convolve(heard**2, np.ones(count), "valid")
    match = np.correlate(heard, wanted, "valid") / np.sqrt(np.maximum(energy, 1e-9))
    return (int(match.argmax()) - reach) / SOUND_RATE
