"""Videos for benchmarks: a camera that pans and zooms over texture, small things that move, noise and cuts.

Each frame carries its number as 16 bars along its top, black for 0 and white for 1, the lowest bit first, so
that a delivered frame tells which one it is.
"""

from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Codec = Literal["h264", "hevc"]

_NUM_BITS = 16
_BAR_HEIGHT = 24
_ENCODERS = {"h264": "libx264", "hevc": "libx265"}
# At 720p; other sizes get as many bits a pixel.
_H264_BITS_PER_SECOND = 4_000_000
_FRAMES_TO_A_CUT = 290
# Raise it whenever the same arguments give another video.
_VERSION = 1


def kept_video(
    folder: Path,
    *,
    size: tuple[int, int],
    num_frames: int,
    keyframe_interval: int,
    codec: Codec = "h264",
    seed: int = 0,
) -> Path:
    """Return the video of these settings, made now if the folder does not hold it yet."""
    height, width = size
    about = f"{num_frames}-frames-interval-{keyframe_interval}" + (f"-seed-{seed}" if seed else "")
    name = f"{codec}-{width}x{height}-{about}-v{_VERSION}.mp4"
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Beside it and renamed: an interrupted run leaves no video that looks whole.
        part = path.with_suffix(".part.mp4")
        make_video(
            part,
            size=size,
            num_frames=num_frames,
            keyframe_interval=keyframe_interval,
            codec=codec,
            seed=seed,
        )
        part.replace(path)
    return path


def repeated_video(source: Path, path: Path, times: int) -> Path:
    """Write a video whose packets come `times` times, each time behind the last, and return its path.

    Args:
        source: A video of even frame times that begins with a keyframe; its groups of pictures are closed.
        path: Where it goes; `.mkv`.
        times: How often.
    """
    part = path.with_suffix(".part.mkv")
    with av.open(str(source)) as given, av.open(str(part), "w") as container:
        stream = given.streams.video[0]
        out = container.add_stream_from_template(stream)
        packets = [packet for packet in given.demux(stream) if packet.pts is not None]
        shown = sorted(packet.pts for packet in packets)
        length = shown[-1] - shown[0] + shown[1] - shown[0]
        facts = [(bytes(packet), packet.pts, packet.dts, packet.is_keyframe) for packet in packets]
        for number in range(times):
            for data, pts, dts, is_keyframe in facts:
                packet = av.Packet(data)
                packet.stream = out
                packet.time_base = stream.time_base
                packet.pts, packet.dts = pts + number * length, dts + number * length
                packet.is_keyframe = is_keyframe
                container.mux(packet)
    part.replace(path)
    return path


def make_video(
    path: Path,
    *,
    size: tuple[int, int],
    num_frames: int,
    keyframe_interval: int,
    codec: Codec = "h264",
    seed: int = 0,
) -> None:
    """Write a video at 25 frames per second, without color tags, with keyframes at even intervals.

    H.264 is x264's `faster` with 3 B-frames, 3 references, closed intervals and 4 Mb/s on average at 720p;
    HEVC is x265 as it comes (medium, CRF 28, 4 B-frames, open intervals). Neither puts keyframes at cuts, so
    that the interval is the one asked for. OpenCV 5 changes the luma of files that carry BT.709 tags, so
    that our OpenCV backend refuses them.

    Args:
        path: Where it goes, `.mp4` or `.mkv`.
        size: (H, W), both even, W at least 160.
        num_frames: Its length, at most 65536.
        keyframe_interval: Frames from one keyframe to the next.
        codec: The coding.
        seed: Of the picture.
    """
    height, width = size
    random = np.random.default_rng(seed)
    planes = [_plane(random, (height + 400, width + 1200)) for _ in range(3)]
    noise = random.integers(-3, 4, size=(height + 256, width + 256), dtype=np.int16)
    starts = random.uniform(0, 1, size=(40, 2)) * (height - 24, width - 24)
    speeds = random.normal(0, 2.5, size=(40, 2))
    chroma = np.full((height // 2, width), 128, np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(_ENCODERS[codec], rate=25, options=_options(codec, keyframe_interval))
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        if codec == "h264":
            stream.bit_rate = _H264_BITS_PER_SECOND * height * width // (720 * 1280)
        for number in range(num_frames):
            plane = planes[number // _FRAMES_TO_A_CUT % len(planes)]
            frame = _view(plane, number, size).astype(np.int16)
            for row, column in (starts + speeds * number) % (height - 24, width - 24):
                frame[int(row) : int(row) + 24, int(column) : int(column) + 10] = 200
            down, right = random.integers(256, size=2)
            frame += noise[down : down + height, right : right + width]
            _draw_number(frame, number)
            luma = np.clip(frame, 16, 235).astype(np.uint8)
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.vstack([luma, chroma]), format="yuv420p"))
            )
        container.mux(stream.encode())


def numbers_in(frames: NDArray[np.uint8]) -> list[int]:
    """Return the number that each frame carries.

    Args:
        frames: Luma or gray of any range, uint8 [T, H, W].
    """
    bar = frames.shape[2] // _NUM_BITS
    middle = frames[:, _BAR_HEIGHT // 4 : -(-_BAR_HEIGHT * 3 // 4), : bar * _NUM_BITS]
    bars = middle.reshape(*middle.shape[:2], _NUM_BITS, bar)[..., bar // 4 : -(-bar * 3 // 4)]
    is_white = bars.mean(axis=(1, 3)) > 125
    return [int(number) for number in is_white @ (1 << np.arange(_NUM_BITS))]


def _view(plane: NDArray[np.uint8], number: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return what the camera sees; it moves by fractions of a pixel, as real ones do."""
    height, width = size
    scale = 1 + 0.04 * np.sin(number / 70)
    top = 180 + 120 * np.sin(number / 90)
    left = 560 + 480 * np.sin(number / 150)
    matrix = np.array([[scale, 0, left], [0, scale, top]])
    return cv2.warpAffine(plane, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _draw_number(frame: NDArray[np.int16], number: int) -> None:
    bar = frame.shape[1] // _NUM_BITS
    for bit in range(_NUM_BITS):
        frame[:_BAR_HEIGHT, bit * bar : (bit + 1) * bar] = 235 if number >> bit & 1 else 16


def _options(codec: Codec, keyframe_interval: int) -> dict[str, str]:
    keyframes = f"keyint={keyframe_interval}:min-keyint={keyframe_interval}:scenecut=0"
    if codec == "h264":
        # One thread: the same video on every machine.
        return {"preset": "faster", "x264-params": f"{keyframes}:bframes=3:ref=3:open-gop=0:threads=1"}
    return {"x265-params": f"{keyframes}:log-level=none"}


def _plane(random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return smooth texture: coarse grains and fine ones."""
    plane = np.zeros(shape)
    for grain, height in ((64, 40.0), (16, 20.0), (4, 12.0)):
        coarse = random.normal(0, height, size=(shape[0] // grain + 2, shape[1] // grain + 2))
        plane += np.kron(coarse, np.ones((grain, grain)))[: shape[0], : shape[1]]
    return np.clip(plane + 110, 16, 235).astype(np.uint8)
