"""Decoding with OpenCV's VideoCapture, for files that it provably reads right.

OpenCV numbers frames by the container's rate. It gives black or stale pictures for interlaced video without an error.
It changes the luma of files tagged BT.709 (version 5.0), and returns no more than 8 bits. At the first damaged packet
it ends silently, or returns what libav conceals. So a file is admitted by its index and by three frames that equal the
reference's (`check`). The time of each frame read is compared with the index.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.video.container.coded_packets import annex_b, parameter_sets
from bvas.video.container.open_container import read_packets
from bvas.video.container.sequence_tracking import HEADER_CODECS, SequenceHeaders
from bvas.video.decode import pyav_backend as pyav
from bvas.video.decode.backends import Backend, BackendOptions
from bvas.video.decode.packet_seek import NEAR_FRAMES
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.stored_picture import changes_system, table_of_video
from bvas.video.index.video_index import remembered_refusal

_CONTAINERS = ("mov", "matroska")
_PIXEL_FORMATS = ("yuv420p", "yuvj420p")
_NUM_PROBES = 3
# A picture flatter than this is indistinguishable from the black one that a failure gives.
_FLAT = 16


def check(index: VideoIndex, info: VideoInfo, options: BackendOptions) -> None:
    """Refuse a file that OpenCV may number or decode wrongly. Decodes some frames of it twice, once for each version.

    Raises:
        DecodeError: names the reason and the remedy.
    """

    if options.is_color:
        raise _refusal(info, "is to be read in color, and OpenCV gives luma alone as it is stored")

    def find() -> str | None:
        try:
            _probe_file(index, info)
        except DecodeError as error:
            return str(error)
        return None

    version = f"OpenCV {cv2.__version__}"
    reason = remembered_refusal(info.path, index.reading, version, find) if options.cache else find()
    if reason is not None:
        raise DecodeError(reason, path=info.path)


def _probe_file(index: VideoIndex, info: VideoInfo) -> None:
    reasons = [
        (index.decode_order, "carries no reliable presentation times"),
        (index.container not in _CONTAINERS, f"is in a {index.container} container, not mp4 or mkv"),
        (len(info.streams) > 1, "holds several video streams"),
        (index.variable_rate, "has a variable frame rate"),
        (index.gradual_refresh, "refreshes gradually, or marks packets as keyframes that are not"),
        (info.interlaced, "is interlaced"),
        (changes_system(info), "changes between SDR and HDR"),
        # OpenCV aborts the process at such a name.
        (not _is_decodable(info.path), "has a name that is not UTF-8"),
        (info.pixel_format not in _PIXEL_FORMATS, f"stores {info.pixel_format}, not 8-bit 4:2:0 planes"),
    ]
    for applies, reason in reasons:
        if applies:
            raise _refusal(info, reason)
    if picture_may_change(index):
        raise _refusal(info, "changes its picture in mid-stream, which OpenCV scales to the first size")
    whole = BackendOptions(on_damage="raise")
    with OpencvBackend(index, info) as backend, pyav.open_backend(index, info, whole) as reference:
        _probe(backend, reference, index, info)


def open_backend(index: VideoIndex, info: VideoInfo, options: BackendOptions) -> Backend:
    """Prepare to decode a file that `check` admits; it is opened at the first read."""
    return OpencvBackend(index, info)


class OpencvBackend(Backend):
    """Frames of one open file by OpenCV, in luma as stored."""

    def __init__(self, index: VideoIndex, info: VideoInfo) -> None:
        self._index = index
        self._info = info
        self._table = table_of_video(info, index.reading.tone)
        self._capture: Any = None
        self._next = 0
        self._has_sought = False
        self._counts_to = index.num_frames
        """Counting from the start is known to fail from this frame on."""

    def frames(self, indices: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (index, luma as stored); see `Backend`."""
        for index in indices:
            luma = self._picture(index)
            if luma is None and self._has_sought and index < self._counts_to:
                # Its seeks fail near the end of some files; counted from the start, the frame is right.
                self.close()
                luma = self._picture(index, may_seek=False)
            if luma is None:
                if not self._has_sought:
                    # Counting to a later frame would fail at the same damage.
                    self._counts_to = min(index, self._counts_to)
                self.close()
                raise self._index.error(
                    f"OpenCV does not give frame {index} ({self._index.seconds_of(index):.3f} s) of "
                    f'{self._index.path}; open it with backend="pyav"',
                    lost=range(index, index + 1),
                )
            yield index, luma

    def close(self) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _picture(self, index: int, *, may_seek: bool = True) -> NDArray[np.uint8] | None:
        """Return a frame; None where OpenCV gives none, or one of another time or shape."""
        if self._capture is None:
            self._capture = _open_capture(self._info)
            self._next, self._has_sought = 0, False
        keyframe = self._index.first_of_keyframe(self._index.keyframe_of(index))
        if may_seek and (index < self._next or keyframe - self._next > NEAR_FRAMES):
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, index)
            self._next, self._has_sought = index, True
        while self._next <= index:
            if not self._capture.grab():
                return None
            self._next += 1
            self._num_decoded += 1
        with _quiet():
            ok, luma = self._capture.retrieve()
        seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        off = abs(seconds - self._index.seconds_of(index)) * float(self._index.rate)
        sound = ok and off < 0.45 and luma.dtype == np.uint8 and luma.shape == self._info.stored_size
        if not sound:
            return None
        found: NDArray[np.uint8] = luma if self._table is None else cv2.LUT(luma, self._table)
        return found


def _is_decodable(path: Path) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in str(path.absolute()))


def _open_capture(info: VideoInfo) -> Any:
    capture = cv2.VideoCapture(str(info.path.absolute()), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        raise _refusal(info, f"cannot be opened by OpenCV {cv2.__version__}")
    # Without conversion it returns plane 0 of the stored picture; the reader turns it upright.
    capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    return capture


def _probe(backend: Backend, reference: Backend, index: VideoIndex, info: VideoInfo) -> None:
    """Compare up to three frames that show something with what the reference decodes."""
    spread = np.unique(np.linspace(0, index.num_frames - 1, 9).astype(np.int64)).tolist()
    num_compared = 0
    # Both ends and the middle come first, what lies between only if those are flat.
    for candidate in sorted(spread, key=lambda frame: spread.index(frame) % 4):
        try:
            luma = next(reference.frames([candidate]))[1]
        except DecodeError as error:
            raise _refusal(info, "is damaged") from error
        if int(luma.max()) - int(luma.min()) < _FLAT:
            continue
        try:
            same = np.array_equal(luma, next(backend.frames([candidate]))[1])
        except DecodeError as error:
            raise _refusal(info, f"is not read by OpenCV at frame {candidate}") from error
        if not same:
            raise _refusal(info, f"comes out of OpenCV with other pixels (frame {candidate})")
        num_compared += 1
        if num_compared == _NUM_PROBES:
            return
    if not num_compared:
        raise _refusal(info, "shows only flat pictures where it was probed, like those of a failing decoder")


def _refusal(info: VideoInfo, reason: str) -> DecodeError:
    return DecodeError(f'{info.path} {reason}; open it with backend="pyav"', path=info.path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress OpenCV's warning, one per frame, that plane 0 of yuv420p is returned as it is."""
    logging = cv2.utils.logging
    level = logging.setLogLevel(logging.LOG_LEVEL_ERROR)
    try:
        yield
    finally:
        logging.setLogLevel(level)


def picture_may_change(index: VideoIndex) -> bool:
    """Return whether pictures of a file have other headers than those before them, by one pass over it.

    Headers of H.264, HEVC, VP9 and AV1 are read. Of other codecs the keyframes are decoded and their sizes compared.

    Raises:
        DecodeError: the file cannot be opened.
    """
    container, stream = index.open()
    with container:
        codec = str(stream.codec_context.codec.canonical_name)
        kinds = _headers(codec, container, stream) if codec in HEADER_CODECS else _sizes(container, stream)
        first = next(kinds, None)
        return any(kind != first for kind in kinds)


def _headers(codec: str, container: Any, stream: Any) -> Iterator[bytes]:
    extradata = stream.codec_context.extradata
    headers = SequenceHeaders(codec)
    is_coded_in_units = codec in ("h264", "hevc")
    if is_coded_in_units:
        headers.at(parameter_sets(codec, extradata))
    for packet in read_packets(container, stream):
        coded = annex_b(codec, extradata, bytes(packet)) if is_coded_in_units else bytes(packet)
        sequence = headers.at(coded)
        if sequence is not None:
            yield sequence.header


def _sizes(container: Any, stream: Any) -> Iterator[tuple[int, int]]:
    decoder = stream.codec_context
    decoder.skip_frame = "NONKEY"
    for packet in read_packets(container, stream):
        if not packet.is_keyframe:
            continue
        try:
            yield from ((picture.height, picture.width) for picture in decoder.decode(packet))
        except av.FFmpegError:
            # Damage is reported where the frames are read.
            continue
