import numpy as np

from bvas.report.interval_answers import interval_answers
from bvas.values.annotations import Interval
from bvas.values.frame_boundaries import nearest_boundary


def test_the_most_confident_interval_chooses_the_range_with_the_largest_overlap_first():
    ranges = [Interval("A", 0, 10), Interval("A", 12, 20), Interval("B", 0, 10)]
    found = [
        Interval("A", 0, 8, 0.5),  # 8 of 10 s of the first, which the next one takes
        Interval("A", 1, 10, 0.9),
        Interval("A", 12, 16, 0.4),  # 4 of 8 s: just enough
        Interval("B", 6, 14, 0.8),  # 4 of 14 s
        Interval("C", 0, 10, 1.0),
    ]
    assert interval_answers(ranges, found) == [-1, 0, 1, -1, -1]


def test_rounded_times_name_the_boundary_of_frames_that_they_come_from():
    times = np.arange(4) / 29.97
    boundaries = [nearest_boundary(times, 4 / 29.97, round(number / 29.97, 3)) for number in range(5)]
    assert boundaries == [0, 1, 2, 3, 4]
    assert nearest_boundary(times, 4 / 29.97, 99.0) == 4
