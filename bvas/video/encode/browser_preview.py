"""Previews for browsers: small H.264 with sound, and short keyframe intervals for fast seeking.

Time zero is the first shown frame, and the frames have the times of the source's index. Frames of a damaged source that
cannot be decoded are missing; the frame before them stays on screen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bvas.errors import ConfigError, DataError, DecodeError
from bvas.video.container.color_tags import ColorTags
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.decode.damage_scan import DecodablePictures
from bvas.video.decode.fit import plan_fit
from bvas.video.encode.copied_frames import FrameCopier, check_times, copied_color
from bvas.video.encode.encoder import Coding, EncodedFile
from bvas.video.encode.sound import SoundTrack
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.video_index import build_index

# All browsers play 8-bit 4:2:0 in H.264, as mp4.
_PLAYED_FORMATS = ("yuv420p", "yuvj420p")


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewConfig:
    """How a preview is coded."""

    max_height: int = 540
    """Taller pictures are scaled down to it; others keep their size."""
    keyframe_interval: int = 12
    """Frames from one keyframe to the next."""
    crf: int = 25
    """Quality, 0 (best) to 51."""

    def __post_init__(self) -> None:
        if self.max_height < 2:
            raise ConfigError(f"max_height must be at least 2, got {self.max_height}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """Result of making a preview."""

    num_lost: int
    """Frames that could not be decoded, and are missing."""
    reused: bool
    """It existed already, with the right times."""


def make_preview(
    source: Path,
    target: Path,
    config: PreviewConfig | None = None,
    *,
    reading: ReadOptions = DEFAULT_READING,
    progress: Callable[[int, int], None] | None = None,
) -> Preview:
    """Write the preview of a video, unless one with the same times exists that is newer than the video.

    Args:
        source: The video.
        target: Where the preview goes, `.mp4`.
        config: How it is coded.
        reading: Which stream of the video is shown, and how it is read.
        progress: Called with the frames done and all there are.

    Raises:
        DecodeError: the source is not a video, or none of its frames can be decoded.
        DataError: the disk is full, the folder cannot be written, or the times came out wrong.
    """
    config = config or PreviewConfig()
    index, info = build_index(source, reading=reading)
    size = preview_size(info, config.max_height)
    color = copied_color(info, reading.tone, size[0])
    if _is_current(source, target, index, size, color):
        return Preview(num_lost=0, reused=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    coding = Coding(
        size=size,
        rate=index.rate,
        time_base=index.time_base,
        keyframe_interval=config.keyframe_interval,
        # Without B-frames the file needs no edit list, which players handle differently.
        max_b_frames=0,
        crf=config.crf,
        threads=0,
        color_range=info.color_range,
        color=color,
    )
    fit = plan_fit((info.height, info.width), size, info.sample_aspect)
    copier = FrameCopier(index, info, coding, fit, for_people=True)
    options = {"movie_timescale": str(index.time_base.denominator)}
    pictures = DecodablePictures(index, info)
    shown: list[int] = []
    start = int(index.pts[0]) * index.time_base
    with SoundTrack(source, start) as sound, EncodedFile(target, coding, options=options) as file:
        sound.add_to(file)
        for number, frame in pictures:
            picture = copier.picture(frame, number, pictures.sample_aspect)
            picture.pts = int(index.pts[number] - index.pts[0])
            file.encode(picture)
            shown.append(number)
            sound.write_until(float(index.seconds_of(number)), file)
            if progress is not None:
                progress(number + 1, index.num_frames)
        if not shown:
            raise DecodeError(f"no frame of {source} can be decoded", path=source)
        sound.write_until(index.duration_seconds, file)
        file.finish()
        check_times(file.part, index.seconds[shown], index, "preview")
        file.publish()
    return Preview(num_lost=index.num_frames - len(shown), reused=False)


def why_not_played(index: VideoIndex, info: VideoInfo) -> str | None:
    """Return why browsers may not play a video frame by frame as it is, or None if they do."""
    if info.codec != "h264" or info.pixel_format not in _PLAYED_FORMATS:
        return f"browsers play H.264 in 8-bit 4:2:0, and it is {info.codec} in {info.pixel_format}"
    if index.container != "mov":
        return f"browsers play mp4, and it is {index.container}"
    if info.start_seconds != 0:
        return f"its first frame is at {info.start_seconds:.3f} s, which browsers count differently"
    if index.variable_rate and index.decode_order:
        return "its frames have no times of their own"
    return None


def preview_size(info: VideoInfo, max_height: int) -> tuple[int, int]:
    """Return (H, W) of a small copy, even, for square samples."""
    height = min(info.height, max_height)
    width = round(height * info.width * info.sample_aspect / info.height)
    return height + height % 2, max(width + width % 2, 2)


def _is_current(
    source: Path, target: Path, index: VideoIndex, size: tuple[int, int], color: ColorTags
) -> bool:
    if not target.is_file() or target.stat().st_mtime < source.stat().st_mtime:
        return False
    try:
        found, info = check_times(target, index.seconds, index, "preview")
    except (DataError, DecodeError):
        return False
    return (info.height, info.width, info.color) == (*size, color) and found.pts[0] == 0
