"""Which frames a video shows, and when: the numbering that every backend follows."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.values.checks import checked_index, checked_seconds
from bvas.values.plural import count_text
from bvas.video.container.frame_rate import rate_of
from bvas.video.container.joined_bytes import Joints
from bvas.video.container.libav_io import PlaylistFetcher
from bvas.video.container.open_container import open_container
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.container.sources import file_of
from bvas.video.container.stream_choice import choice_text
from bvas.video.index.file_scan import Scan, scan_file
from bvas.video.index.frame_folder import CONTAINER
from bvas.video.index.hdr_frames import contradiction_text, hdr_text
from bvas.video.index.index_cache import load_scan, store_scan
from bvas.video.index.video_info import KeyframeIntervals, VideoInfo, say_once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VideoIndex:
    """The shown frames of one video in presentation order, and where decoding can start.

    Index 0 is the first shown frame and time 0 is its moment. Pictures that an edit list
    cuts away, and leading pictures that cannot be decoded, are not counted. No frame count, rate or
    seek by number of the container is used.
    """

    path: Path
    stream: int
    """Number of the video stream in the container, as ffprobe counts all its streams."""
    time_base: Fraction
    """Seconds of a tick."""
    pts: NDArray[np.int64]
    """Presentation time of each frame in ticks of the container's clock, int64 [L], strictly ascending."""
    last_duration: int
    """Ticks that the last frame is shown for."""
    keyframe_pts: NDArray[np.int64]
    """Presentation times of the keyframes, int64, strictly ascending; some may not be shown themselves."""
    keyframe_dts: NDArray[np.int64]
    """Decoding times of the same keyframes."""
    seek_by_dts: bool
    """Containers such as TS find a keyframe by its decoding time, others by its presentation time."""
    decode_order: bool
    """Packets carry no reliable times: frames are numbered as they come out, and read in order."""
    gradual_refresh: bool
    """Some keyframes only begin to refresh the picture bit by bit, or are none; reads begin farther back."""
    container: str
    """Short name that libav has for the container, such as `mov`, `matroska`, `mpegts`, `avi`."""
    rate: Fraction
    """Frames per second: the constant rate that the times follow, else their average."""
    variable_rate: bool
    reading: ReadOptions = DEFAULT_READING
    """How the file is read; who opens it again by this index does so alike."""
    is_fetched: bool = False
    """The pieces of a playlist are joined where libav would not see it."""
    joints: Joints | None = None
    """Of a transport stream: places where its video goes on in packets of another kind."""

    def open(self) -> tuple[Any, Any]:
        """Open the file as it was opened for this index; return and errors as of `open_container`."""
        return open_container(
            self.path,
            reading=replace(self.reading, stream=self.stream),
            joints=self.joints,
            fetcher=PlaylistFetcher(None) if self.is_fetched else None,
        )

    @property
    def num_frames(self) -> int:
        """Shown frames (L)."""
        return len(self.pts)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Time of each frame from the first, float64 [L]."""
        seconds: NDArray[np.float64] = (
            (self.pts - self.pts[0]) * self.time_base.numerator / self.time_base.denominator
        )
        return seconds

    @property
    def duration_seconds(self) -> float:
        """Time from the first shown frame to the end of the last."""
        return float((int(self.pts[-1] - self.pts[0]) + self.last_duration) * self.time_base)

    @property
    def keyframe_intervals(self) -> NDArray[np.int64]:
        """Frames shown from each keyframe up to the next one, or to the end; int64, one for each keyframe."""
        first_frames = np.searchsorted(self.pts, self.keyframe_pts)
        return np.diff(np.append(first_frames, self.num_frames)).astype(np.int64)

    def seconds_of(self, index: int) -> float:
        """Return the time of a frame from the first one.

        Raises:
            IndexError: `index` lies outside [0, num_frames).
            TypeError: it is not an integer.
        """
        index = checked_index(index)
        self.check([index])
        return float((int(self.pts[index]) - int(self.pts[0])) * self.time_base)

    def frame_at(self, seconds: float) -> int:
        """Return the frame on screen at a time, with half a tick of tolerance.

        A time before the first frame gives the first, one after the last the last, so do the infinities;
        `frame_at(seconds_of(i)) == i`.

        Raises:
            ConfigError: `seconds` is NaN or not a number.
        """
        ticks = checked_seconds(seconds) / float(self.time_base) + 0.5
        return max(int(np.searchsorted(self.pts - self.pts[0], ticks, side="right")) - 1, 0)

    def keyframe_of(self, index: int) -> int:
        """Return the number of the keyframe from which frame `index` is decoded."""
        return max(int(np.searchsorted(self.keyframe_pts, self.pts[index], side="right")) - 1, 0)

    def first_of_keyframe(self, keyframe: int) -> int:
        """Return the first frame shown at or after a keyframe; num_frames where there is none."""
        if keyframe >= len(self.keyframe_pts):
            return self.num_frames
        return int(np.searchsorted(self.pts, self.keyframe_pts[keyframe]))

    def check(self, indices: NDArray[np.int64] | list[int]) -> None:
        """Refuse indices outside the video.

        Raises:
            IndexError: names the first such index, the file and its length.
        """
        for index in indices:
            if not 0 <= index < self.num_frames:
                raise IndexError(
                    f"frame {index} of {self.path.name} is outside the video ({count_text(self.num_frames, 'frame')})"
                )


def build_index(
    path: Path | str, *, reading: ReadOptions = DEFAULT_READING, cache: bool = True
) -> tuple[VideoIndex, VideoInfo]:
    """Find the frames of a video by one pass over its packets, or from the cache of earlier passes.

    Args:
        path: The video file.
        reading: Which stream of it is read, and how.
        cache: Keep the result in the cache folder, and take it from there while the file is unchanged.

    Raises:
        DecodeError: there is no such file, it is no video, or no frame of it can be decoded; or it is
            a pipe or a URL, which cannot be indexed beforehand.
    """
    path = file_of(path)
    scan = load_scan(path, reading) if cache else None
    if scan is None:
        scan = scan_file(path, reading)
        if cache:
            store_scan(path, reading, scan)
    index = index_of(path, scan, reading)
    info = info_of(index, scan)
    say_once(info)
    return index, info


def index_of(path: Path, scan: Scan, reading: ReadOptions = DEFAULT_READING) -> VideoIndex:
    """Return the index that a scan gives.

    Raises:
        DecodeError: it found no frame.
    """
    if not len(scan.pts):
        raise DecodeError(f"{path} shows no frame", path=path)
    rate, variable_rate = rate_of(scan.pts, scan.time_base, scan.claimed_rates)
    for array in (scan.pts, scan.keyframe_pts, scan.keyframe_dts):
        array.setflags(write=False)
    return VideoIndex(
        path=path,
        stream=scan.stream,
        reading=reading,
        joints=scan.joints,
        is_fetched=scan.is_fetched,
        time_base=scan.time_base,
        pts=scan.pts,
        last_duration=scan.last_duration or max(round(1 / (rate * scan.time_base)), 1),
        keyframe_pts=scan.keyframe_pts,
        keyframe_dts=scan.keyframe_dts,
        seek_by_dts=scan.container in ("mpegts", "flv"),
        decode_order=scan.decode_order,
        gradual_refresh=scan.gradual_refresh,
        container=scan.container,
        rate=rate,
        variable_rate=variable_rate,
    )


def info_of(index: VideoIndex, scan: Scan) -> VideoInfo:
    """Return what is known of a video from its index and its scan."""
    picture = scan.picture
    # Keyframes that an edit list cuts away have no frame of their own.
    intervals = index.keyframe_intervals[index.keyframe_intervals > 0]
    if not len(intervals):
        intervals = np.array([index.num_frames])
    info = VideoInfo(
        path=index.path,
        num_frames=index.num_frames,
        height=picture.height,
        width=picture.width,
        sample_aspect=picture.sample_aspect,
        rate=index.rate,
        variable_rate=index.variable_rate,
        duration_seconds=index.duration_seconds,
        start_seconds=float(int(index.pts[0]) * index.time_base),
        codec=picture.codec,
        pixel_format=picture.pixel_format,
        bit_depth=picture.bit_depth,
        color_range=picture.color_range,
        color=picture.color,
        container_color=picture.container_color,
        later_transfers=picture.later_transfers,
        dolby_vision=picture.dolby_vision,
        rotation=picture.rotation,
        streams=scan.streams,
        rate_origin=scan.rate_origin,
        mirrored=picture.mirrored,
        interlaced=picture.interlaced,
        crops_corner=picture.crops_corner,
        changes_headers=picture.changes_headers,
        keyframe_intervals=KeyframeIntervals(
            int(intervals.min()), round(float(np.median(intervals))), int(intervals.max())
        ),
    )
    return replace(info, choices=_choices(index, scan, info))


def _choices(index: VideoIndex, scan: Scan, info: VideoInfo) -> tuple[str, ...]:
    """Return what was chosen or assumed for want of a word by the file or the caller, and what is not read."""
    lines = list(scan.remarks)
    if index.reading.stream is None and (text := choice_text(index.stream, scan.streams)):
        lines.append(text)
    if scan.rate_origin == "assumed":
        lines.append(
            f"nothing says how many frames a second it has, so {index.rate} is assumed; --rate R (rate=R) sets it"
        )
    for joint in scan.joints.joints if scan.joints is not None else ():
        if joint.hidden and joint.pid >= 0:
            lines.append(
                f"from byte {joint.position} on its video is in other packets (PID {joint.pid:#x}), and is followed"
            )
    if scan.is_fetched:
        lines.append(
            "its pieces hold the video in different packets, or from different clocks; they are joined"
        )
    if scan.num_lost and scan.container == CONTAINER:
        missing = np.setdiff1d(scan.pts, scan.keyframe_pts).tolist()
        few = ", ".join(map(str, missing[:5])) + (" and others" if len(missing) > 5 else "")
        lines.append(
            f"lost: {count_text(scan.num_lost, 'frame')}, as pictures are missing between others ({few})"
        )
    elif scan.num_lost:
        lines.append(
            f"{count_text(scan.num_lost, 'frame')} coded as {scan.lost_codec} instead of {scan.picture.codec}, which "
            "cannot be read with the others; code it once more in one codec: ffmpeg -i IN -c:v libx264 OUT"
        )
    lines += [text for text in (hdr_text(info, index.reading.tone), contradiction_text(info)) if text]
    return tuple(lines)
