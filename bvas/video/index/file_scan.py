"""Scan of a video file: one pass over its packets finds the shown frames, their times and the keyframes.

Where packets carry reliable times, only the first few frames are decoded, to compare them (frame_numbering.py).
Else the whole file is decoded once and its frames are counted.
"""

import logging
from collections.abc import Set
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any

import av
import numpy as np

from bvas.errors import ConfigError, DecodeError
from bvas.values.plural import count_text
from bvas.video.container.coded_rate import CodedRate, StrictDecoder
from bvas.video.container.color_tags import ColorTags, HeaderColors
from bvas.video.container.completeness import PacketTally, remark_on_bytes
from bvas.video.container.joined_bytes import find_joints
from bvas.video.container.libav_io import PlaylistFetcher, is_playlist
from bvas.video.container.mp4_boxes import check_sample_counts
from bvas.video.container.open_container import libav_messages, open_container, read_packets, reason_said
from bvas.video.container.read_options import ReadOptions
from bvas.video.container.stream_choice import VideoStream
from bvas.video.container.time_repair import DEFAULT_RATE
from bvas.video.container.transport_stream import Joints
from bvas.video.index.frame_folder import CONTAINER, decode_picture, find_frames
from bvas.video.index.frame_numbering import NumberedFrames, ShownFrames
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.index_assembly import PictureNotes, index_of, with_choices
from bvas.video.index.stream_facts import StreamFacts, has_times, packet_facts, stream_facts

logger = logging.getLogger(__name__)

# Packets that are decoded to learn libav's reason, where no frame can be.
_NUM_TRIED = 50
_RECODE = "code it once more in one codec: ffmpeg -i IN -c:v libx264 OUT"


def scan_file(path: Path, reading: ReadOptions) -> tuple[VideoIndex, VideoInfo]:
    """Scan a video file; return its frame table and facts.

    Args:
        path: The file.
        reading: Which stream of it is read, and how.

    Raises:
        DecodeError: it is not a video, or no frame of it can be decoded.
        ConfigError: a rate is given, and the frames have times.
    """
    if path.is_dir():
        return _scan_folder(path, reading)
    check_sample_counts(path)
    scan = _Scan(path, reading)
    scan.read_through()
    scan.number()
    if not scan.notes.has_picture:
        held = count_text(scan.tally.num_packets, "packet")
        raise DecodeError(f"no frame of {path} can be decoded; it holds {held}{scan.reason()}", path=path)
    if reading.rate is not None and not scan.shown.counts:
        raise rate_refusal(str(path))
    if scan.notes.dolby_vision is not None:
        scan.notes.dolby_vision.check(str(path))
    for tags in scan.later_tags:
        scan.notes.see_color(tags)
    facts = scan.facts
    frames, lost = _with_lost(scan.shown.frames(facts.claimed_rates), scan.joints, path)
    if lost:
        lost += f" instead of {facts.codec}, which cannot be read with the others; {_RECODE}"
    index = index_of(path, reading, facts, frames)
    index = replace(index, joints=scan.joints, is_fetched=scan.is_fetched)
    return index, with_choices(index, scan.notes.describe(index, facts), scan.remarks, lost)


def rate_refusal(name: str) -> ConfigError:
    """Return the error for a rate that is given for frames with times."""
    return ConfigError(
        f"{name} has times of its own; a rate is for frames without times, such as those of a .h264 file"
    )


class _Scan:
    """One scan of a file: a pass over its packets, then decoding as far as numbering needs it."""

    facts: StreamFacts
    shown: ShownFrames
    notes: PictureNotes
    later_tags: Set[ColorTags]
    """Color tags of later headers."""
    remarks: list[str]
    """Lines on what of the file is missing, or not read."""

    def __init__(self, path: Path, reading: ReadOptions) -> None:
        self.joints = find_joints(path) if path.is_file() else None
        self.tally = PacketTally()
        self.is_fetched = False
        self._path = path
        self._reading = reading
        self._coded_rate: Fraction | None = None

    def read_through(self) -> None:
        """Pass over all packets, without decoding them."""
        path = self._path
        fetcher = PlaylistFetcher(None) if is_playlist(str(path)) else None
        container, stream = open_container(path, reading=self._reading, joints=self.joints, fetcher=fetcher)
        with container:
            facts = self.facts = stream_facts(container, stream, path)
            if facts.dolby_vision is not None:
                facts.dolby_vision.check(str(path))
            self.shown = ShownFrames(has_times(facts.container), facts.codec, facts.time_base)
            self.notes = PictureNotes(facts)
            headers = HeaderColors(facts.codec, facts.extradata)
            coded = CodedRate(stream.codec_context) if facts.untimed else None
            for packet in read_packets(container, stream):
                if coded is not None:
                    coded.see(packet)
                fields = packet_facts(facts.codec, facts.extradata, packet)
                self.shown.add_packet(fields)
                self.notes.see_traits(fields.traits)
                headers.add(packet)
                self.tally.see(packet)
            remarks = [
                remark_on_bytes(path) if path.is_file() else "",
                self.tally.shortfall(container, stream),
                "" if fetcher is None else fetcher.take_missing(),
            ]
        self.shown.end_packets()
        self.later_tags, self.remarks = headers.found, list(filter(None, remarks))
        self._coded_rate = None if coded is None else coded.rate
        if fetcher is not None and fetcher.lost_codec:
            raise DecodeError(
                f"the video of {path} changes to {fetcher.lost_codec}; cut it where it does", path=path
            )
        self.is_fetched = fetcher is not None and fetcher.is_joined

    def number(self) -> None:
        """Compare the decoder's first pictures with the packets, or count all of them."""
        if not self.shown.counts and not self.is_fetched:
            self._decode()
            self.shown.finish()
        if self.shown.counts or not self.shown.num_frames or self.is_fetched:
            # The comparison may have ended in the middle of the file: counting starts at its beginning.
            if self.notes.has_picture or not has_times(self.facts.container):
                logger.warning(
                    "%s: its packets carry no reliable presentation times, so its frames are counted by decoding it "
                    "once and reads go through it in order; `bvas video prepare` makes a copy that reads fast",
                    self._path.name,
                )
            self.shown = self.shown.restarted_to_count()
            self.facts = self.facts.with_rate(self._reading.rate, self._coded_rate)
            self._decode()
        self.facts = self.facts.of_frames(counted=self.shown.counts)

    def reason(self) -> str:
        """Return libav's reason for not decoding the first packets, to follow a message; empty where it gives none."""
        container, stream = self._open_again()
        with container, libav_messages() as said:
            for packet in islice(read_packets(container, stream), _NUM_TRIED):
                with suppress(av.FFmpegError):
                    stream.codec_context.decode(packet)
        return reason_said(said)

    def _open_again(self) -> tuple[Any, Any]:
        reading = replace(self._reading, stream=self.facts.stream)
        return open_container(self._path, reading=reading, joints=self.joints, is_fetched=self.is_fetched)

    def _decode(self) -> None:
        """Decode from the start, as long as pictures are compared with the packets, or counted."""
        container, stream = self._open_again()
        shown, counts = self.shown, self.shown.counts
        strict = StrictDecoder(self.facts.codec, stream.codec_context)
        with container:
            for packet in chain(read_packets(container, stream), [None]):
                if strict.fails(packet):
                    shown.add_error()
                try:
                    frames = stream.codec_context.decode(packet)
                except av.FFmpegError:
                    shown.add_error()
                    continue
                for frame in frames:
                    self.notes.see(frame)
                    shown.add_output(self.facts.time_of(frame), is_keyframe=frame.key_frame)
                    if shown.counts is not counts or not shown.is_comparing:
                        return


def _scan_folder(path: Path, reading: ReadOptions) -> tuple[VideoIndex, VideoInfo]:
    """Scan a folder of numbered pictures.

    Raises:
        DecodeError: it holds no numbered pictures, or its first picture cannot be decoded.
    """
    if reading.stream not in (None, 0):
        raise DecodeError(
            f"stream {reading.stream} of {path}: a folder of pictures has stream 0 only", path=path
        )
    files = find_frames(path)
    picture = decode_picture(files.paths[0])
    codec = av.CodecContext.create(files.decoder, "r").codec.canonical_name
    stream = VideoStream(number=0, codec=codec, height=picture.height, width=picture.width, is_default=True)
    rate = reading.rate or DEFAULT_RATE
    shown = np.array(sorted(files.paths), np.int64)
    frames = NumberedFrames(np.arange(files.num_frames), shown, shown, 1, 1 / rate, False, False)
    facts = StreamFacts(
        stream=0,
        container=CONTAINER,
        codec=codec,
        time_base=1 / rate,
        claimed_rates=(rate,),
        streams=(stream,),
        untimed=True,
        rate_origin="assumed" if reading.rate is None else "option",
    )
    notes = PictureNotes(facts)
    notes.see(picture)
    index = index_of(path, reading, facts, frames)
    lost = ""
    if files.missing:
        few = ", ".join(map(str, files.missing[:5])) + (" and others" if len(files.missing) > 5 else "")
        lost = (
            f"lost: {count_text(len(files.missing), 'frame')}, as pictures are missing between others ({few})"
        )
    return index, with_choices(index, notes.describe(index, facts), lost=lost)


def _with_lost(frames: NumberedFrames, joints: Joints | None, path: Path) -> tuple[NumberedFrames, str]:
    """Return the frames, with those that are coded otherwise and cannot be read, and a text that names these.

    Raises:
        DecodeError: their place is unknown.
    """
    found = () if joints is None else joints.joints
    codec = next((joint.codec for joint in found if joint.codec and joint.number), "")
    if joints is None or not codec:
        return frames, ""
    pts = frames.pts
    times = np.unique(np.array(joints.lost_times, np.int64))
    last, step = int(pts[-1]), max(int(np.median(np.diff(pts))) if len(pts) > 1 else 1, 1)
    if frames.decode_order:
        if found[-1].pid >= 0:
            raise DecodeError(
                f"{path} changes to {codec} and back, and its times start again; cut it where it does",
                path=path,
            )
        # Of another clock than the counted frames: one period apart behind them.
        times = last + step * np.arange(1, len(times) + 1)
    elif len(times) and times[0] <= last and found[-1].pid < 0:
        # A clock that began again is continued.
        times = last + step + times - times[0]
    with_lost = np.union1d(pts, times)
    num_lost = len(with_lost) - len(pts)
    text = f"{count_text(num_lost, 'frame')} coded as {codec}" if num_lost else ""
    return frames._replace(pts=with_lost), text
