"""Matching of spots to annotations: the rule behind every figure.

Annotations of one label, in order of time, each take the highest-scoring spot of that label that
lies within the tolerance and is not taken yet; of equal scores the earliest. So a spot matches at
most one annotation, and an annotation at most one spot. This is the rule of the official
SoccerNet metric. (In COCO the *detections* choose, by confidence; results differ slightly.)
"""

import numpy as np

from bvas.values.arrays import Bools, Floats, Ints

Times = Floats | Ints


def match_times(annotation_times: Times, spot_times: Times, confidences: Floats, tolerance: float) -> Ints:
    """Return for each annotation the index of its matched spot, or -1; int64 [M].

    Args:
        annotation_times: [M], ascending; seconds or frames, the same unit as the others.
        spot_times: [P], ascending.
        confidences: [P], finite.
        tolerance: Largest distance of a match, inclusive.
    """
    first = np.searchsorted(spot_times, annotation_times - tolerance, side="left")
    stop = np.searchsorted(spot_times, annotation_times + tolerance, side="right")
    matched = np.full(len(annotation_times), -1, dtype=np.int64)
    free = np.array(confidences, dtype=np.float64)
    for i in np.flatnonzero(stop > first).tolist():
        window = free[first[i] : stop[i]]
        best = int(window.argmax())
        if window[best] > -np.inf:
            matched[i] = first[i] + best
            window[best] = -np.inf  # taken
    return matched


def are_hits(annotation_times: Times, spot_times: Times, confidences: Floats, tolerance: float) -> Bools:
    """Return whether each spot matches an annotation, bool [P]; arguments as of `match_times`."""
    matched = match_times(annotation_times, spot_times, confidences, tolerance)
    hit = np.zeros(len(spot_times), dtype=np.bool_)
    hit[matched[matched >= 0]] = True
    return hit
