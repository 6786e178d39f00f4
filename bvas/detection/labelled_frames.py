"""Frames of videos with the true boxes of their players, to train a small detector on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.detection.tiny_detector import TinyConfig, input_size, scale_picture
from bvas.errors import DataError
from bvas.tracking.mot_files import read_truth
from bvas.values.boxes import Boxes
from bvas.values.plural import count_text
from bvas.values.progress import Progress
from bvas.video.decode.open_video import open_video


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFrame:
    """A picture at the size that the network works at, and its boxes."""

    picture: NDArray[np.uint8]
    """RGB, uint8 [H, W, 3]"""
    boxes: Boxes
    """[N, 4] in pixels of this picture; their centers lie inside of it."""


def truth_beside(video: Path) -> Path:
    """Return the file of true boxes beside a video: `<stem>_gt.txt`, `gt.txt` or `gt/gt.txt`.

    Halves of matches have the height in their names, and their boxes not: `1_gt.txt` is that of `1_224p.mkv`.

    Raises:
        DataError: no such file is there.
    """
    half = video.stem.partition("_")[0]
    names = list(dict.fromkeys([f"{video.stem}_gt.txt", f"{half}_gt.txt", "gt.txt", "gt/gt.txt"]))
    for name in names:
        if (video.parent / name).is_file():
            return video.parent / name
    raise DataError(
        f"no true boxes beside {video} ({', '.join(names)}); name their file with --boxes, or make a match that has "
        "them: bvas data synth --boxes"
    )


def read_labelled_frames(
    video: Path, truth: Path, config: TinyConfig, *, most: int, progress: Progress | None = None
) -> list[LabelledFrame]:
    """Return frames of a video, evenly spaced among those from the first to the last that has a box.

    Args:
        video: The file.
        truth: Its true boxes, MOT text (`bvas.tracking.mot_files`).
        config: Says the size of the pictures.
        most: Frames at most.
        progress: Receives the frames read and all that will be.

    Raises:
        DataError: the boxes are malformed, have frames beyond the video, or the file has no box.
        DecodeError: the video cannot be read.
    """
    rows = read_truth(truth)
    if not len(rows.frames):
        raise DataError(f"{truth} holds no box; give the true boxes of {video.name}")
    with open_video(video, "pyav", channels="rgb") as reader:
        last = int(rows.frames.max())
        if last >= reader.index.num_frames:
            raise DataError(
                f"{truth} has a box in frame {last + 1}, and {video.name} has "
                f"{count_text(reader.index.num_frames, 'frame')}; give the boxes of this video"
            )
        first = int(rows.frames.min())
        frames = np.unique(np.linspace(first, last, min(most, last + 1 - first)).round().astype(np.int64))
        picture = reader.size
        size = input_size(picture, config)
        scale = np.tile([size[1] / picture[1], size[0] / picture[0]], 2)
        found = []
        pixels = np.empty((1, *reader.frame_shape), np.uint8)
        for done, frame in enumerate(frames.tolist(), start=1):
            reader.read_into([frame], pixels)
            boxes = rows.boxes[rows.frames == frame] * scale
            found.append(LabelledFrame(scale_picture(pixels[0], size).copy(), inner_boxes(boxes, size)))
            if progress is not None:
                progress(done, len(frames))
    return found


def inner_boxes(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Return the boxes [N, 4] whose centers lie inside of a picture of (H, W)."""
    x, y = (boxes[:, :2] + boxes[:, 2:] / 2).T
    kept: Boxes = boxes[(x >= 0) & (x < size[1]) & (y >= 0) & (y < size[0])]
    return kept


def mean_size_of(frames: Iterable[LabelledFrame]) -> tuple[float, float]:
    """Return the geometric mean (h, w) of all boxes.

    Raises:
        DataError: no box lies inside of the pictures.
    """
    boxes = _all_boxes(frames)
    if not len(boxes):
        raise DataError("no true box lies inside of its picture; give the boxes of these videos")
    width, height = np.exp(np.log(boxes[:, 2:]).mean(axis=0)).tolist()
    return float(height), float(width)


def _all_boxes(frames: Iterable[LabelledFrame]) -> Boxes:
    return np.concatenate([np.empty((0, 4)), *(frame.boxes for frame in frames)])


def split_frames(
    videos: Sequence[Sequence[LabelledFrame]], share: float
) -> tuple[list[LabelledFrame], list[LabelledFrame]]:
    """Return the frames to train on, and the last `share` of each video, at least one, to choose a threshold on."""
    trained: list[LabelledFrame] = []
    held: list[LabelledFrame] = []
    for frames in videos:
        cut = min(max(round(len(frames) * (1 - share)), 1), max(len(frames) - 1, 1))
        trained += frames[:cut]
        held += frames[cut:]
    return trained, held or trained
