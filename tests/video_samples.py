"""Small videos made on the spot: frame i shows the number i, so that an off-by-one is read, not guessed."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from bvas import DecodeError

HEIGHT, WIDTH = 48, 80
NUM_BITS = 10


def picture(number: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """Gray picture, uint8 [H, W]: the number in black and white bars above a moving texture."""
    height, width = size
    luma = np.empty(size, np.uint8)
    bars, bar = height // 2, width // NUM_BITS
    for bit in range(NUM_BITS):
        luma[:bars, bit * bar : (bit + 1) * bar] = 220 if number >> bit & 1 else 30
    rng = np.random.default_rng(number // 20)
    texture = rng.integers(40, 200, (height - bars, width), dtype=np.uint8)
    luma[bars:] = np.roll(texture, number * 2, axis=1)
    return luma


def number_in(luma: np.ndarray) -> int:
    """The number that a picture of any size shows."""
    height, width = luma.shape
    bar = width // NUM_BITS
    rows = luma[height // 8 : height * 3 // 8, : bar * NUM_BITS].astype(float)
    bars = rows.reshape(len(rows), NUM_BITS, bar)[:, :, bar // 4 : bar - bar // 4].mean(axis=(0, 2))
    return sum(1 << bit for bit in range(NUM_BITS) if bars[bit] > 125)


def numbers_in(frames: np.ndarray) -> list[int]:
    return [number_in(frame) for frame in np.asarray(frames)]


def make_video(
    path: Path,
    *,
    num_frames: int = 60,
    codec: str = "libx264",
    rate: Fraction | int = 25,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    times: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    pixel_format: str = "yuv420p",
    sample_aspect: Fraction | None = None,
    rotation: int | None = None,
    mirrored: bool = False,
    size: tuple[int, int] = (HEIGHT, WIDTH),
    first_number: int = 0,
    store: Callable[[np.ndarray], np.ndarray] = lambda luma: luma,
) -> Path:
    """Write a video of numbered frames.

    `times` are presentation times in units of `time_base`; `store` turns a picture into what is encoded,
    for files that are shown turned. The tags turn counterclockwise, then mirror left and right.
    """
    options = dict(options or {})
    if codec == "libx264":
        options.setdefault("preset", "veryfast")
        options.setdefault("g", "12")
        options.setdefault("bf", "3")
    if codec == "libx265":
        options["x265-params"] = "log-level=none:keyint=12:min-keyint=12:" + options.get("x265-params", "")
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = store(picture(0, size)).shape
        stream.pix_fmt = pixel_format
        stream.codec_context.time_base = time_base or 1 / Fraction(rate)
        stream.codec_context.thread_count = 1
        if sample_aspect is not None:
            stream.codec_context.sample_aspect_ratio = sample_aspect
        if rotation is not None or mirrored:
            stream.set_display_rotation(rotation or 0, hflip=mirrored)
        for number in range(num_frames):
            frame = as_frame(store(picture(first_number + number, size)), pixel_format)
            frame.pts = number if times is None else times[number]
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def as_frame(luma: np.ndarray, pixel_format: str) -> av.VideoFrame:
    """A frame whose luma is exactly `luma` where the format has a luma plane; in 4:2:0 its color follows the luma."""
    gray = av.VideoFrame.from_ndarray(np.ascontiguousarray(luma), "gray")
    if pixel_format.startswith(("yuv420p", "yuvj420p")):
        wide = "10le" in pixel_format
        frame = av.VideoFrame(luma.shape[1], luma.shape[0], pixel_format)
        coarse = luma[::2, ::2]
        for plane, values in zip(frame.planes, (luma, 96 + coarse // 4, 160 - coarse // 4), strict=True):
            dtype = np.uint16 if wide else np.uint8
            target = np.frombuffer(plane, dtype).reshape(plane.height, -1)
            target[:] = 512 if wide else 128
            target[:, : plane.width] = values.astype(dtype) << (2 if wide else 0)
        return frame
    return gray.reformat(format=pixel_format)


def remux(source: Path, target: Path, change, container_options: dict[str, str] | None = None) -> Path:
    """Copy the packets of a video; `change(number, packet)` alters each, or returns False to drop it."""
    with av.open(str(source)) as old, av.open(str(target), "w", options=container_options or {}) as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        number = 0
        for packet in old.demux(stream):
            if packet.dts is None:
                continue
            packet.stream = copy
            if change(number, packet) is not False:
                new.mux(packet)
            number += 1
    return target


def read_luma(reader, indices) -> np.ndarray:
    """Frames of a reader as an array, without torch."""
    out = np.empty((len(indices), *reader.size), np.uint8)
    reader.read_into(indices, out)
    return out


def stream_past_damage(reader, batch_size: int = 16) -> tuple[list[int], list[range]]:
    """Numbers of all frames that can be had, and the lost ranges between them."""
    numbers: list[int] = []
    lost: list[range] = []
    start = 0
    while True:
        try:
            for _, batch in reader.stream(start, batch_size=batch_size):
                numbers += numbers_in(batch)
        except DecodeError as error:
            lost.append(error.lost)
            start = error.lost.stop
        else:
            return numbers, lost


def damage(path: Path, frames: Sequence[int]) -> None:
    """Overwrite the inside of the packets at these places of the file (in decode order)."""
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
    data = bytearray(path.read_bytes())
    for number in frames:
        packet = packets[number]
        data[packet.pos + 4 : packet.pos + packet.size] = b"\xff" * (packet.size - 4)
    path.write_bytes(data)


def make_changing_video(
    path: Path,
    parts: Sequence[tuple[int, tuple[int, int], Fraction | int]],
    *,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
) -> Path:
    """Write numbered frames whose picture changes: (frames, size, sample aspect) of each part, one after the other.

    Each part begins with a keyframe and its own parameters, as where a broadcaster switches to an advertisement.
    """
    number = 0
    with av.open(str(path), "w") as container:
        stream = None
        for num_frames, size, aspect in parts:
            encoder = av.CodecContext.create(codec, "w")
            encoder.height, encoder.width = size
            encoder.pix_fmt, encoder.framerate, encoder.time_base = "yuv420p", Fraction(25), Fraction(1, 25)
            encoder.sample_aspect_ratio = aspect
            encoder.thread_count = 1
            encoder.options = {"g": "12", "bf": "2"} if options is None else options
            if stream is None:
                stream = container.add_stream(codec, rate=25)
                stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
                stream.codec_context.sample_aspect_ratio = aspect
                stream.codec_context.options = encoder.options
                stream.time_base = Fraction(1, 25)
            packets = []
            for _ in range(num_frames):
                frame = as_frame(picture(number, size), "yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                packets += encoder.encode(frame)
                number += 1
            for packet in packets + list(encoder.encode(None)):
                packet.stream = stream
                packet.time_base = Fraction(1, 25)
                container.mux(packet)
    return path
