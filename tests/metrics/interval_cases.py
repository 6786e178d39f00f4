"""Random cases of true and found intervals, and their figures by plain loops."""

import random

import numpy as np

from bvas.values.annotations import Interval

LABELS = ("IN_FRAME", "DUNK", "BREAK")
DURATION = 60.0


def random_case(seed: int) -> tuple[list[list[Interval]], list[list[Interval]]]:
    """Return true and found intervals of one to four videos, the same on every machine.

    Every second case has boundaries at half seconds and confidences at tenths: tIoUs exactly at a threshold and ties.
    """
    # Python promises the same numbers of `random` only, for all versions.
    draw = random.Random(seed).random
    on_grid = seed % 2 == 0

    def moment(value: float) -> float:
        return round(value * 2) / 2 if on_grid else value

    def confidence() -> float:
        return round(draw(), 1) if on_grid else draw()

    truth, found = [], []
    for _ in range(1 + int(draw() * 4)):
        true_ones, found_ones = [], []
        for label in LABELS:
            place = 5 * draw()
            # Now and then a label without truth, or without anything found.
            is_true, is_found = draw() < 0.8, draw() < 0.85
            while place < DURATION - 12:
                start, end = moment(place), moment(place + 1 + 9 * draw())
                if is_true:
                    true_ones.append(Interval(label, start, end))
                for _ in range(int(draw() * 3) if is_found else 0):
                    moved = moment(start + 2 * draw() - 1), moment(end + 2 * draw() - 1)
                    if moved[1] > moved[0]:
                        found_ones.append(Interval(label, *moved, confidence()))
                place = end + (8 * draw() if on_grid else 8 * draw() - 3)
            if is_found:
                found_ones += [
                    Interval(label, at := moment(50 * draw()), at + 1.5, confidence())
                    for _ in range(int(draw() * 4))
                ]
        truth.append(true_ones)
        found.append(found_ones)
    if not any(truth):
        truth[0].append(Interval(LABELS[0], 1.0, 2.0))
    return truth, found


def naive_average_precision(truth, found, label: str, threshold: float) -> float:
    """Return the average precision of a label by the definition, one interval after the other."""
    total = sum(one.label == label for video in truth for one in video)
    candidates = [(video, one) for video, ones in enumerate(found) for one in ones if one.label == label]
    candidates.sort(key=lambda entry: -entry[1].confidence)
    taken: set[int] = set()
    points, hits = [], 0
    for rank, (video, one) in enumerate(candidates, start=1):
        best, best_iou = None, -1.0
        for other in truth[video]:
            iou = naive_tiou(one, other)
            if (
                other.label == label
                and id(other) not in taken
                and float(np.float32(iou)) >= threshold
                and iou >= best_iou
            ):
                best, best_iou = other, iou
        if best is not None:
            taken.add(id(best))
            hits += 1
        points.append((hits / total, hits / rank))
    area, before = 0.0, 0.0
    for recall, _ in points:
        area += (recall - before) * max(p for r, p in points if r >= recall)
        before = recall
    return area


def naive_tiou(one: Interval, other: Interval) -> float:
    common = min(one.end_seconds, other.end_seconds) - max(one.start_seconds, other.start_seconds)
    if common <= 0:
        return 0.0
    lengths = [item.end_seconds - item.start_seconds for item in (one, other)]
    return common / (lengths[1] + lengths[0] - common)
