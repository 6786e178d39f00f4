"""Sheet of classes: first and last frame of some samples of each, and their joints beside them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.data.clip_table import sample_frames, sample_item, shown_label
from bvas.data.joints import joints_file, read_joints
from bvas.data.matches import Half, Match
from bvas.errors import DataError, DecodeError
from bvas.report import palette
from bvas.report.contact_sheet import (
    COLUMN,
    THUMB_WIDTH,
    Picture,
    Words,
    frame_row,
    sheet_width,
    stacked,
    wrapped,
)
from bvas.values.annotations import LabelSet
from bvas.values.plural import count_text
from bvas.video.decode.open_video import open_video
from bvas.video.index.video_index import build_index

EXAMPLES = 3
"""Samples of each class."""
CLASSES_A_SHEET = 40
_LEAST_HEIGHT, _MOST_HEIGHT = 96, 384
_NOTHING = 200
"""Gray of a frame that could not be decoded."""
_EDGE = 10
"""Pixels around joints that lie outside the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class SheetSample:
    """First and last frame of a sample."""

    name: str
    num_frames: int
    frames: NDArray[np.uint8] | None
    """[2, H, THUMB_WIDTH, 3] RGB; None where they cannot be decoded."""
    joints: NDArray[np.float32] | None
    """[T, J, 2]; None where it has none."""
    size: tuple[int, int]
    """(H, W) of its picture."""


def class_sheets(matches: Sequence[Match], labels: LabelSet) -> list[Picture]:
    """Return sheets, uint8 [height, width, 3] RGB, of at most `CLASSES_A_SHEET` classes each.

    Args:
        matches: Samples; of each class some are shown, evenly spaced.
        labels: Their labels, from top to bottom; others of the files follow.
    """
    by_label: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        item = sample_item(match)
        if item is not None:
            by_label[shown_label(item.label, labels)].append(match)
    names = [label for label in labels if label in by_label]
    names += sorted(set(by_label) - set(names))
    counts = {name: len(by_label[name]) for name in names}
    chosen = {name: _spread(by_label[name]) for name in names}
    height = _thumb_height([match for found in chosen.values() for match in found])
    sheets = []
    for start in range(0, len(names), CLASSES_A_SHEET):
        part = names[start : start + CLASSES_A_SHEET]
        samples = {name: [_read(match, height) for match in chosen[name]] for name in part}
        heading = f"{count_text(len(names), 'class')}, first and last frames"
        if len(part) < len(names):
            heading += f": {start + 1} to {start + len(part)}"
        sheets.append(_sheet(samples, counts, height, heading))
    return sheets


def _spread(matches: Sequence[Match]) -> list[Match]:
    """Return some of the samples, evenly spaced."""
    number = min(EXAMPLES, len(matches))
    return [matches[place * len(matches) // number] for place in range(number)]


def _thumb_height(matches: Sequence[Match]) -> int:
    """Return the height of all frames, which the middle one of the pictures' shapes decides; even."""
    shares = []
    for match in matches:
        try:
            _, info = build_index(_video(match))
        except DecodeError:
            continue
        shares.append(info.height / (info.width * float(info.sample_aspect)))
    share = sorted(shares)[len(shares) // 2] if shares else 9 / 16
    return round(min(max(share * THUMB_WIDTH, _LEAST_HEIGHT), _MOST_HEIGHT) / 2) * 2


def _video(match: Match) -> Path:
    assert match.listed is not None
    return Half(1, match.listed.videos[0]).path


def _read(match: Match, height: int) -> SheetSample:
    path, item = _video(match), sample_item(match)
    assert item is not None
    joints = None
    beside = joints_file(path)
    if beside is not None:
        try:
            joints = read_joints(beside)
        except DataError:
            # The check itself names it.
            joints = None
    try:
        index, info = build_index(path)
        first, stop = sample_frames(item, index)
        with open_video(path, "pyav", channels="rgb", size=(height, THUMB_WIDTH)) as reader:
            frames = reader.read_array([first, stop - 1])
    except DecodeError:
        return SheetSample(match.name, 0, None, joints, (height, THUMB_WIDTH))
    return SheetSample(match.name, stop - first, frames, joints, (info.height, info.width))


def _sheet(
    samples: Mapping[str, Sequence[SheetSample]], counts: Mapping[str, int], height: int, heading: str
) -> Picture:
    has_joints = any(sample.joints is not None for row in samples.values() for sample in row)
    width = sheet_width(EXAMPLES * (3 if has_joints else 2))
    rows = []
    for label, found in samples.items():
        pictures: list[NDArray[np.uint8]] = []
        names: list[str] = []
        for sample in found:
            pictures += _pictures(sample, height, with_joints=has_joints)
            names += _names(sample, with_joints=has_joints)
        words = [Words(line, bold=True) for line in wrapped(label, COLUMN, bold=True)]
        words.append(Words(count_text(counts[label], "clip"), palette.FAINT))
        rows.append(frame_row(width, words, np.stack(pictures), names, framed=None))
    notes = ["joints: rings in the first frame, dots in the last, and their ways"] if has_joints else []
    return stacked(rows, width, heading=heading, notes=notes)


def _pictures(sample: SheetSample, height: int, *, with_joints: bool) -> list[NDArray[np.uint8]]:
    frames = sample.frames
    if frames is None:
        frames = np.full((2, height, THUMB_WIDTH, 3), _NOTHING, np.uint8)
    return [*frames, *([joints_picture(sample.joints, sample.size, height)] if with_joints else [])]


def _names(sample: SheetSample, *, with_joints: bool) -> list[str]:
    name = sample.name if len(sample.name) <= 34 else f"...{sample.name[-31:]}"
    last = "cannot be decoded" if sample.frames is None else f"frame {sample.num_frames - 1}"
    joints = "" if sample.joints is None else count_text(sample.joints.shape[1], "joint")
    return [name, last, *([joints] if with_joints else [])]


def joints_picture(joints: NDArray[np.float32] | None, size: tuple[int, int], height: int) -> Picture:
    """Return the joints of a clip on white, uint8 [height, THUMB_WIDTH, 3] RGB; without joints, white.

    Joints within the picture lie where its thumbnail has them; else all of them are fitted.

    Args:
        joints: float32 [T, J, 2], x and y.
        size: (H, W) of the picture.
        height: Of the thumbnail.
    """
    picture = np.full((height, THUMB_WIDTH, 3), 255, np.uint8)
    if joints is None:
        return picture
    low, high = joints.min(axis=(0, 1)), joints.max(axis=(0, 1))
    edge = 0
    if (low >= 0).all() and high[0] <= size[1] and high[1] <= size[0]:
        low, high = np.zeros(2, np.float32), np.array([size[1], size[0]], np.float32)
    else:
        edge = _EDGE
    room = np.array([THUMB_WIDTH - 2 * edge, height - 2 * edge], np.float32)
    scale = float((room / np.maximum(high - low, 1e-6)).min())
    shift = edge + (room - (high - low) * scale) / 2
    points = np.rint((joints - low) * scale + shift).astype(np.int32)
    for joint in range(points.shape[1]):
        way = np.ascontiguousarray(points[:, joint])
        cv2.polylines(picture, [way], False, palette.rgb(palette.CURVE_FILL), 1, cv2.LINE_AA)
    for place in points[0].tolist():
        cv2.circle(picture, place, 4, palette.rgb(palette.FAINT), 1, cv2.LINE_AA)
    for place in points[-1].tolist():
        cv2.circle(picture, place, 3, palette.rgb(palette.HIT), cv2.FILLED, cv2.LINE_AA)
    return picture
