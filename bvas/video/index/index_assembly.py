"""Frame table and facts of a video, from its numbered frames and what its stream states."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bvas.errors import DecodeError
from bvas.video.container.frame_rate import rate_of
from bvas.video.container.joined_bytes import Joints
from bvas.video.container.read_options import ReadOptions
from bvas.video.container.stream_choice import choice_text
from bvas.video.index.frame_numbering import NumberedFrames
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.hdr_frames import contradiction_text, hdr_text
from bvas.video.index.stream_facts import StreamFacts

# libav finds a keyframe of these by its decoding time, in others by its presentation time.
_SOUGHT_BY_DTS = ("mpegts", "flv")


def index_of(
    path: Path,
    reading: ReadOptions,
    facts: StreamFacts,
    frames: NumberedFrames,
    *,
    joints: Joints | None = None,
    is_fetched: bool = False,
) -> VideoIndex:
    """Return the frame table of a video.

    Args:
        path: The file, or the name of a source as a path.
        reading: Which stream of it is read, and how.
        facts: What container and stream state.
        frames: The frames.
        joints: Of a transport stream: places where its video continues in packets of another kind.
        is_fetched: The pieces of a playlist are joined outside libav.

    Raises:
        DecodeError: the video has no frame.
    """
    if not len(frames.pts):
        raise DecodeError(f"{path} shows no frame", path=path)
    rate, variable_rate = rate_of(frames.pts, frames.time_base, facts.claimed_rates)
    if not frames.last_duration:
        frames = frames._replace(last_duration=max(round(1 / (rate * frames.time_base)), 1))
    return VideoIndex(
        **frames._asdict(),
        path=path,
        stream=facts.stream,
        reading=reading,
        joints=joints,
        is_fetched=is_fetched,
        seek_by_dts=facts.container in _SOUGHT_BY_DTS,
        container=facts.container,
        rate=rate,
        variable_rate=variable_rate,
    )


def with_choices(
    index: VideoIndex, info: VideoInfo, remarks: Sequence[str] = (), lost: str = ""
) -> VideoInfo:
    """Return the facts with one line for each choice made where the file or the caller left it open.

    Args:
        index: The video's frames.
        info: The facts.
        remarks: Lines on what of the file is missing, or not read.
        lost: A line on frames that cannot be read; empty for none.
    """
    lines = list(remarks)
    if index.reading.stream is None and (text := choice_text(index.stream, info.streams)):
        lines.append(text)
    if info.rate_origin == "assumed":
        lines.append(
            f"nothing says how many frames a second it has, so {index.rate} is assumed; --rate R (rate=R) sets it"
        )
    for joint in index.joints.joints if index.joints is not None else ():
        if joint.hidden and joint.pid >= 0:
            lines.append(
                f"from byte {joint.position} on its video is in other packets (PID {joint.pid:#x}), and is followed"
            )
    if index.is_fetched:
        lines.append(
            "its pieces hold the video in different packets, or from different clocks; they are joined"
        )
    lines += [text for text in (lost, hdr_text(info, index.reading.tone), contradiction_text(info)) if text]
    return replace(info, choices=tuple(lines))
