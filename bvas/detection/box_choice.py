"""Choice of a picture's boxes: threshold, non-maximum suppression, and a limit of their number."""

import numpy as np
from numpy.typing import NDArray

from bvas.detection.detector_protocol import Found
from bvas.values.boxes import Boxes, box_overlaps


def choose_boxes(
    boxes: Boxes,
    scores: NDArray[np.floating],
    *,
    threshold: float,
    most: int | None = None,
    nms_overlap: float | None = None,
) -> Found:
    """Return the boxes that are kept and their scores, the highest first.

    Args:
        boxes: [N, 4]; those that are not finite or have no area, as networks put out at edges, are left out.
        scores: [N]
        threshold: Smallest score that is kept. NaN never is.
        most: Largest number of boxes; None: all.
        nms_overlap: Of two boxes with a larger IoU the better one is kept; None: both are.
    """
    is_box = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)
    kept = np.flatnonzero((scores >= threshold) & is_box)
    # Stable: of equal scores the first row comes first, on each machine.
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    if nms_overlap is not None:
        kept = kept[suppress(boxes[kept], nms_overlap)]
    kept = kept[:most]
    return np.asarray(boxes[kept], np.float64), np.asarray(scores[kept], np.float32)


def suppress(boxes: Boxes, most_overlap: float) -> NDArray[np.int64]:
    """Return the places of boxes that remain after greedy non-maximum suppression.

    Args:
        boxes: [N, 4], the best first.
        most_overlap: A box is dropped where its IoU with a better one that remains is larger.
    """
    overlaps = box_overlaps(boxes, boxes) > most_overlap
    dropped = np.zeros(len(boxes), bool)
    for place in range(len(boxes)):
        if not dropped[place]:
            dropped[place + 1 :] |= overlaps[place, place + 1 :]
    return np.flatnonzero(~dropped)
