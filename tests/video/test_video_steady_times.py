from fractions import Fraction

import numpy as np
import pytest

from bvas.video.container.time_repair import NO_TIME, SteadyTimes, ascending_times


def steady(*times, known=(0, 40)):
    made = SteadyTimes(np.array(known, dtype=np.int64), 40)
    for time in times:
        made.add(time)
    return made.view().tolist()[len(known) :]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        # As they are.
        ((80, 120), (80, 120)),
        # A clock that begins again, twice.
        ((80, 0, 40, 80, 0, 40), (80, 120, 160, 200, 240, 280)),
        # One frame has no time.
        ((80, NO_TIME, 160), (80, 120, 160)),
        # Two frames have one time.
        ((80, 80, 120), (80, 81, 120)),
        # A time that is too late is kept; those behind it wait until they are later.
        ((80, 240, 160, 200, 240, 280), (80, 240, 241, 242, 243, 280)),
        # A time that is too early is none: the clock goes on.
        ((80, 120, 7, 200, 240), (80, 120, 160, 200, 240)),
        # A pause before the clock begins again is no period.
        ((80, 4000, 0, 40), (80, 4000, 4120, 4160)),
    ],
)
def test_times_ascend_as_frames_come_and_stay(times, expected):
    assert steady(*times) == list(expected)


def test_joined_recordings_have_the_times_of_a_stream_of_them():
    first, second = list(range(0, 600, 40)), list(range(80, 680, 40))
    times, time_base = ascending_times([*first, *second], Fraction(1, 1000), ())
    assert time_base == Fraction(1, 1000)
    assert times.tolist() == list(range(0, 1200, 40))
    # A gap between recordings stays one.
    times, _ = ascending_times([*first, *(time + 3000 for time in second), *first], Fraction(1, 1000), ())
    assert times.tolist()[15:17] == [3080, 3120]
    assert times.tolist()[30:32] == [3680, 3720]
