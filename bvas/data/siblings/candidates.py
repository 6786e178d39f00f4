"""Candidate pairs of copies: videos whose keypoints fall into the same buckets of a hash.

The hash is locality-sensitive: signs of random projections. A pair gets votes where its keypoints of one moment agree:
all are mirrored or none, and all are turned by one angle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bvas.data.siblings.motion_features import MotionFeatures

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

_NUM_DIMENSIONS = 32
_NUM_TABLES = 8
_SPARE_BITS = 8
# A bucket with more is of something that all pictures have.
_MOST_IN_BUCKET = 32
_LEAST_VOTES = 5
_MOST_PARTNERS = 8
_ANGLE_BINS = 24
_FITTED_ON = 100_000


def _mirrored() -> Integers:
    """Return the order of a descriptor's 128 numbers when the picture is mirrored."""
    rows, columns, directions = np.meshgrid(np.arange(4), np.arange(4), np.arange(8), indexing="ij")
    return ((3 - rows) * 32 + columns * 8 + (-directions) % 8).ravel()


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Keypoints of many videos, N together, with descriptors that do not depend on mirroring."""

    descriptors: Floats
    """[N, 32], of length 1."""
    is_mirrored: NDArray[np.bool_]
    """Whether the descriptor is that of the mirrored picture, [N]."""
    angles: Floats
    points: Floats
    moments: NDArray[np.uint8]
    starts: Integers
    """Number of the first keypoint of each video, and behind the last, [V + 1]."""

    @classmethod
    def of(cls, videos: Sequence[MotionFeatures | None]) -> Self:
        """Return the keypoints of all videos; one without movement has none."""
        there = [video for video in videos if video is not None]
        counts = [0 if video is None else len(video.points) for video in videos]
        raw = np.concatenate([video.descriptors for video in there])
        descriptors, is_mirrored = _reduced(raw)
        return cls(
            descriptors=descriptors,
            is_mirrored=is_mirrored,
            angles=np.concatenate([video.angles for video in there]),
            points=np.concatenate([video.points for video in there]),
            moments=np.concatenate([video.moments for video in there]),
            starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        )


def _reduced(raw: NDArray[np.uint8]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return descriptors in their main directions, and which of them were mirrored.

    A descriptor and its mirror image differ. The one is taken that lies on the positive side of the main direction of
    these differences.
    """
    order = _mirrored()
    sample = _root(raw[:: max(1, len(raw) // _FITTED_ON)])
    mean = (sample + sample[:, order]).mean(axis=0) / 2
    sample -= mean
    side = _main_directions(sample - sample[:, order], 1)[:, 0]
    flips = sample @ side < 0
    sample[flips] = sample[flips][:, order]
    directions = _main_directions(sample, _NUM_DIMENSIONS)
    descriptors = np.empty((len(raw), _NUM_DIMENSIONS), np.float32)
    is_mirrored = np.empty(len(raw), np.bool_)
    for start in range(0, len(raw), _FITTED_ON):
        chunk = slice(start, start + _FITTED_ON)
        values = _root(raw[chunk]) - mean
        flips = is_mirrored[chunk] = values @ side < 0
        values[flips] = values[flips][:, order]
        descriptors[chunk] = values @ directions
    descriptors /= np.maximum(np.linalg.norm(descriptors, axis=1, keepdims=True), 1e-9)
    return descriptors, is_mirrored


def _root(raw: NDArray[np.uint8]) -> Floats:
    """Return the square roots of descriptors of sum 1: distances then follow the Hellinger kernel (RootSIFT)."""
    values = raw.astype(np.float32)
    values /= np.maximum(values.sum(axis=1, keepdims=True), 1.0)
    return np.sqrt(values, out=values)


def _main_directions(values: Floats, number: int) -> Floats:
    return np.linalg.eigh(values.T @ values)[1][:, -number:].astype(np.float32)


def find_candidates(keypoints: Keypoints, sides: Integers) -> list[tuple[int, int, bool]]:
    """Return pairs of videos on different sides with the most votes, and whether one is mirrored.

    Args:
        keypoints: Of V videos.
        sides: Number of the side of each video, [V].
    """
    num_videos = len(sides)
    owner = np.repeat(np.arange(num_videos), np.diff(keypoints.starts))
    first, second = _colliding(keypoints, owner, sides)
    is_mirrored = keypoints.is_mirrored[first] != keypoints.is_mirrored[second]
    a, b = keypoints.angles[first], keypoints.angles[second]
    turn = np.where(is_mirrored, a + b, a - b) % 360.0
    pair = (owner[first] * num_videos + owner[second]) * 2 + is_mirrored
    angle_bin = (turn * (_ANGLE_BINS / 360.0)).astype(np.int64) % _ANGLE_BINS
    # Each vote counts in two bins, so that no edge between bins cuts what belongs together.
    keys = np.concatenate(
        [pair * _ANGLE_BINS + angle_bin, pair * _ANGLE_BINS + (angle_bin - 1) % _ANGLE_BINS]
    )
    keys, votes = np.unique(keys, return_counts=True)
    keys, votes = keys[votes >= _LEAST_VOTES] // _ANGLE_BINS, votes[votes >= _LEAST_VOTES]
    chosen, taken = [], np.zeros(num_videos, np.int64)
    seen: set[int] = set()
    for place in np.argsort(-votes, kind="stable").tolist():
        pair_number, mirrored = divmod(int(keys[place]), 2)
        if pair_number in seen:
            continue
        seen.add(pair_number)
        one, other = divmod(pair_number, num_videos)
        if min(taken[one], taken[other]) < _MOST_PARTNERS:
            taken[[one, other]] += 1
            chosen.append((one, other, bool(mirrored)))
    return chosen


def _colliding(keypoints: Keypoints, owner: Integers, sides: Integers) -> tuple[Integers, Integers]:
    """Return pairs of keypoints that share a bucket of any table, those of the earlier video first."""
    num = len(owner)
    rng = np.random.default_rng(0)
    step = max(1, num // _FITTED_ON)
    bits = int(np.ceil(np.log2(max(num, 2)))) + _SPARE_BITS
    found = [np.empty(0, np.int64)]
    for _ in range(_NUM_TABLES):
        codes = keypoints.moments.astype(np.int64)
        for direction in rng.standard_normal((bits, _NUM_DIMENSIONS), dtype=np.float32):
            projected = keypoints.descriptors @ direction
            codes = codes * 2 + (projected > np.median(projected[::step]))
        order = np.argsort(codes, kind="stable")
        starts = np.flatnonzero(np.concatenate([[True], np.diff(codes[order]) != 0]))
        sizes = np.diff(np.append(starts, num))
        for size in range(2, _MOST_IN_BUCKET + 1):
            members = order[starts[sizes == size][:, None] + np.arange(size)]
            left, right = np.triu_indices(size, 1)
            # Order is stable: the left one is of an earlier video, or of the same.
            one, other = members[:, left].ravel(), members[:, right].ravel()
            differ = sides[owner[one]] != sides[owner[other]]
            found.append(one[differ] * num + other[differ])
    pairs = np.unique(np.concatenate(found))
    return pairs // num, pairs % num
