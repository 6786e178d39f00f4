"""`VideoWriter`: gray, RGB or YUV frames to a video file in H.264 or HEVC, written whole or not at all."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from bvas.values.luma import ColorRange
from bvas.video.container.color_tags import BT709, SMPTE170M
from bvas.video.container.frame_rate import as_rate
from bvas.video.encode.encoder import Codec, Coding, EncodedFile
from bvas.video.index.stored_picture import samples_of

_NEUTRAL_CHROMA = 128


class VideoWriter(EncodedFile):
    """A file of frames. Use it as a context manager.

    Frames go to a file `<name>.part` beside `path`, which takes its name when the writer is
    closed without an error; after an exception nothing is left. The stream is 8-bit 4:2:0 of
    limited range and constant rate. It is tagged BT.709 if its first frame is RGB, and with the matrix of BT.601 if
    the first has chroma. Gray needs no matrix, and OpenCV 5 changes the luma of files that name one other than BT.601.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        size: tuple[int, int],
        rate: Fraction | float,
        codec: Codec = "h264",
        keyframe_interval: int = 250,
        crf: int = 23,
        sound_rate: int | None = None,
    ) -> None:
        """Open the file.

        Args:
            path: Where the video goes; `.mkv` or `.mp4`.
            size: (H, W) of the frames, both even.
            rate: Frames per second.
            codec: The coding.
            keyframe_interval: Frames from one keyframe up to the next, at most.
            crf: Quality: 0 is the best, 51 the worst.
            sound_rate: Samples per second of the sound; None: the file has none.

        Raises:
            ConfigError: a value out of its range.
            DataError: the folder cannot be written.
        """
        self.size = size
        self.num_frames = 0
        exact_rate = as_rate(rate)
        coding = Coding(
            size=size,
            rate=exact_rate,
            time_base=1 / exact_rate,
            codec=codec,
            keyframe_interval=keyframe_interval,
            crf=crf,
        )
        super().__init__(Path(path), coding)
        self._num_samples = 0
        if sound_rate is not None:
            self.add_sound(sound_rate)

    def write(self, frame: NDArray[np.uint8], *chroma: NDArray[np.uint8]) -> None:
        """Add one frame.

        Args:
            frame: uint8 [H, W] of limited-range luma, stored as given, or uint8 [H, W, 3] of RGB.
            chroma: Blue and red difference of BT.601 beside luma, uint8 [H / 2, W / 2] each; none for gray.

        Raises:
            DataError: the disk is full, or the file cannot be written for another reason.
        """
        if self.closed:
            raise ValueError(f"the writer of {self.path.name} is closed")
        if frame.dtype != np.uint8 or frame.shape not in (self.size, (*self.size, 3)):
            raise ValueError(
                f"a frame must be uint8 of shape {self.size} or {(*self.size, 3)}, "
                f"got {frame.dtype} {frame.shape}"
            )
        halved = self.size[0] // 2, self.size[1] // 2
        if chroma and (frame.ndim != 2 or [plane.shape for plane in chroma] != [halved, halved]):
            raise ValueError(
                f"chroma must be two planes of shape {halved} beside luma, got {[plane.shape for plane in chroma]}"
            )
        if not self.num_frames and (frame.ndim == 3 or chroma):
            # The encoder takes tags until its first picture.
            encoder = self._stream.codec_context
            encoder.color_primaries = encoder.color_trc = BT709
            encoder.colorspace = SMPTE170M if chroma else BT709
        # The encoder may still hold the last picture, so each frame gets a new one.
        picture = yuv_picture(frame, *(chroma or _neutral(frame))) if frame.ndim == 2 else rgb_picture(frame)
        picture.pts = self.num_frames
        self.encode(picture)
        self.num_frames += 1

    def write_sound(self, samples: NDArray[np.float32]) -> None:
        """Add sound at the end of that so far, not far from the frames of its time.

        Args:
            samples: float32 [N] in [-1, 1], for both channels.

        Raises:
            DataError: as `write`.
        """
        sound = av.AudioFrame.from_ndarray(np.stack([samples, samples]), format="fltp", layout="stereo")
        sound.sample_rate = self._sound.rate
        sound.time_base = Fraction(1, sound.sample_rate)
        sound.pts = self._num_samples
        self.add_piece(sound)
        self._num_samples += len(samples)

    def close(self) -> None:
        """Finish the file and give it its name. A second call does nothing.

        Raises:
            DataError: the disk is full, or the file cannot be written; nothing is left of it then.
        """
        if self.closed:
            return
        try:
            self.finish()
            self.publish()
        except BaseException:
            self.abort()
            raise

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


def _neutral(luma: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    neutral = np.full((luma.shape[0] // 2, luma.shape[1] // 2), _NEUTRAL_CHROMA, np.uint8)
    return neutral, neutral


def rgb_picture(frame: NDArray[np.uint8], color_range: ColorRange = "limited") -> Any:
    """Return a yuv420p frame of PyAV in BT.709, from uint8 [H, W, 3] of RGB."""
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24").reformat(
        format="yuv420p",
        src_colorspace=BT709,
        dst_colorspace=BT709,
        src_color_range=2,
        dst_color_range=2 if color_range == "full" else 1,
    )


def yuv_picture(luma: NDArray[np.uint8], *chroma: NDArray[np.uint8]) -> Any:
    """Return a yuv420p frame of PyAV with these planes.

    Args:
        luma: uint8 [H, W], both even.
        chroma: Blue and red difference, uint8 [H / 2, W / 2] each.
    """
    picture = av.VideoFrame(luma.shape[1], luma.shape[0], "yuv420p")
    for plane, values in zip(picture.planes, (luma, *chroma), strict=True):
        samples_of(plane)[...] = values
    return picture
