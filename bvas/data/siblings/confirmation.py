"""Confirmation of a pair of videos as copies: matched keypoints, and one map that fits all moments."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.data.siblings.candidates import Keypoints
from bvas.data.siblings.motion_features import NUM_MOMENTS, SIDE, THUMBNAIL

_LEAST_COSINE = 0.6
_LEAST_INLIERS = 8
_LEAST_INLIERS_A_MOMENT = 2
_INLIER_PIXELS = 4.0
_MOST_DEGREES = 35.0
_MOST_SCALE = 1.2
# A quarter of the width, and a little for the turn about another point than the center.
_MOST_SHIFT = 0.3 * SIDE
_DETAIL_PIXELS = 1.5
_BLACK = 20
LEAST_AGREEMENT = 0.77
"""Of copies; set on other clips than those of the benchmark."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FittedMap:
    """A map from one video to another."""

    matrix: NDArray[np.float64]
    """[2, 3], in pixels of the square."""
    share: float
    """Share of the matched keypoints that it fits."""
    is_mirrored: bool
    """Whether the first video is mirrored, left to right, before the map."""


def fitted_map(keypoints: Keypoints, one: int, other: int, *, is_mirrored: bool) -> FittedMap | None:
    """Return the map from the keypoints of one video to those of another; None where none fits.

    It is a similarity: a turn of at most 35 degrees, a shift of the center of at most 0.3 of the side, and hardly a
    change of scale. At least two moments must agree on it.

    Args:
        keypoints: Of all videos.
        one: Number of the first video.
        other: Number of the second.
        is_mirrored: The first is mirrored, left to right, before the map.
    """
    a, b = _matches(keypoints, one, other, is_mirrored=is_mirrored)
    if len(a) < _LEAST_INLIERS:
        return None
    points = keypoints.points[a].copy()
    if is_mirrored:
        points[:, 0] = SIDE - 1 - points[:, 0]
    found, inliers = cv2.estimateAffinePartial2D(
        points, keypoints.points[b], method=cv2.RANSAC, ransacReprojThreshold=_INLIER_PIXELS, maxIters=500
    )
    if found is None:
        return None
    counts = np.bincount(keypoints.moments[a[inliers.ravel() == 1]], minlength=NUM_MOMENTS)
    if counts.sum() < _LEAST_INLIERS or np.sum(counts >= _LEAST_INLIERS_A_MOMENT) < 2:
        return None
    scale = math.hypot(found[0, 0], found[1, 0])
    degrees = abs(math.degrees(math.atan2(found[1, 0], found[0, 0])))
    center = np.full(2, (SIDE - 1) / 2)
    shift = np.abs(found[:, :2] @ center + found[:, 2] - center).max()
    if not 1 / _MOST_SCALE <= scale <= _MOST_SCALE or degrees > _MOST_DEGREES or shift > _MOST_SHIFT:
        return None
    return FittedMap(np.asarray(found, np.float64), float(counts.sum() / len(a)), is_mirrored)


def _matches(
    keypoints: Keypoints, one: int, other: int, *, is_mirrored: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return keypoints of two videos that are each other's nearest of their moment."""
    first = np.arange(keypoints.starts[one], keypoints.starts[one + 1])
    second = np.arange(keypoints.starts[other], keypoints.starts[other + 1])
    cosines = keypoints.descriptors[first] @ keypoints.descriptors[second].T
    fits = keypoints.moments[first][:, None] == keypoints.moments[second]
    fits &= (keypoints.is_mirrored[first][:, None] != keypoints.is_mirrored[second]) == is_mirrored
    cosines[~fits] = -1.0
    nearest = cosines.argmax(axis=1)
    rows = np.arange(len(first))
    mutual = (cosines.argmax(axis=0)[nearest] == rows) & (cosines[rows, nearest] > _LEAST_COSINE)
    return first[mutual], second[nearest[mutual]]


def agreement(one: NDArray[np.uint8], other: NDArray[np.uint8], found: FittedMap) -> float:
    """Return how well two videos agree under a map, in [-1, 1].

    It is the mean of three figures: correlation of the movements, correlation of the pictures' details, share of the
    keypoints. Movement alone takes two players with the same gait for one. The picture alone takes two moments of one
    background for one.

    Args:
        one: Thumbnails of the first video, [6, 48, 48]: differences, then frames.
        other: Those of the second.
        found: The map from the first to the second.
    """
    scale = THUMBNAIL / SIDE
    # Centers of pixels stay centers of pixels.
    offset = (1 / scale - 1) / 2
    small = found.matrix.copy()
    small[:, 2] = (small[:, :2] @ np.full(2, offset) + small[:, 2] - offset) * scale
    if found.is_mirrored:
        one = np.ascontiguousarray(one[:, :, ::-1])
    moved = np.stack([cv2.warpAffine(picture, small, picture.shape[::-1]) for picture in one])
    # Padding, and black edges that a rotation or shift left, are no part of the picture.
    shown = (moved[NUM_MOMENTS:].max(axis=0) > _BLACK) & (other[NUM_MOMENTS:].max(axis=0) > _BLACK)
    shown = cv2.erode(shown.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1) > 0
    movement = _correlation(moved[:NUM_MOMENTS, shown] - 128.0, other[:NUM_MOMENTS, shown] - 128.0)
    picture = _correlation(_details(moved[NUM_MOMENTS:])[:, shown], _details(other[NUM_MOMENTS:])[:, shown])
    return float(movement + picture + found.share) / 3


def _details(pictures: NDArray[np.uint8]) -> Floats:
    """Return pictures without what is coarser than a few pixels."""
    values = pictures.astype(np.float32)
    return np.stack([picture - cv2.GaussianBlur(picture, (0, 0), _DETAIL_PIXELS) for picture in values])


def _correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Return the mean over the moments: each counts alike, however much moves."""
    tops = np.einsum("ij,ij->i", one, other)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(np.mean(tops / np.maximum(norms, 1e-9)))
