from fractions import Fraction

import pytest
from video_samples import make_video, numbers_in, read_luma, remux

from bvas import open_video
from bvas.video.container.time_repair import ascending_times, is_one_recording, usual_rates

TICK = Fraction(1, 1000)


def times_of(output):
    times, time_base = ascending_times(output, TICK, [Fraction(50)])
    return times.tolist(), time_base


def test_times_that_ascend_are_kept():
    assert times_of([3, 40, 85, 1000]) == ([3, 40, 85, 1000], TICK)


def test_frames_of_one_time_are_put_a_tick_apart():
    assert times_of([0, 40, 40, 40, 80]) == ([0, 40, 41, 42, 80], TICK)


def test_a_few_missing_times_are_fitted_in_between_and_at_both_ends():
    output = [None, *range(40, 1200, 40), None]
    output[10] = None
    assert times_of(output) == (list(range(0, 1240, 40)), TICK)


@pytest.mark.parametrize("broken", [0, 119, 2**40, -(2**40)])
def test_a_time_out_of_order_is_replaced_by_what_fits_between_its_neighbors(broken):
    output = list(range(0, 1200, 40))
    output[10] = broken
    assert times_of(output) == (list(range(0, 1200, 40)), TICK)


def test_large_times_keep_their_last_digits():
    first = 2**60 + 1
    output = [first, first + 1, None, *range(first + 3, first + 30)]
    assert times_of(output)[0] == list(range(first, first + 30))


def test_where_one_time_in_ten_is_missing_frames_are_a_period_of_the_rate_apart():
    output = [0, 40, None, 120, 160, 200, None, 280, 320, 360]
    assert times_of(output) == (list(range(10)), Fraction(1, 50))
    assert ascending_times([None], TICK, [])[1] == Fraction(1, 25)


def test_times_of_more_than_ten_days_are_not_one_recording():
    ten_days = 10 * 24 * 3600 * 1000
    assert is_one_recording(5, ten_days + 5, TICK)
    assert not is_one_recording(5, ten_days + 6, TICK)
    assert times_of([0, ten_days + 1]) == ([0, 1], Fraction(1, 50))


def test_rates_that_no_camera_has_are_left_out():
    claims = (None, Fraction(0), Fraction(1, 101), Fraction(25), Fraction(90000), Fraction(30000, 1001))
    assert usual_rates(claims) == (Fraction(25), Fraction(30000, 1001))


def test_a_time_weeks_ahead_costs_a_file_neither_its_frames_nor_its_duration(tmp_path):
    def weeks_ahead(number, packet):
        if number == 59:
            packet.pts = packet.dts = packet.pts + 30 * 24 * 3600 * 1000

    path = remux(make_video(tmp_path / "a.mkv", options={"bf": "0"}), tmp_path / "b.mkv", weeks_ahead)
    with open_video(path, cache=False) as reader:
        assert reader.info.duration_seconds == pytest.approx(2.4)
        assert numbers_in(read_luma(reader, [59, 0, 31])) == [59, 0, 31]


def test_a_packet_without_a_time_late_in_a_broadcast_leaves_the_times_of_the_others(tmp_path):
    path = make_video(tmp_path / "a.ts", num_frames=100, options={"bf": "0"})
    data = bytearray(path.read_bytes())
    starts = [place for place in range(0, len(data), 188) if data[place + 1 : place + 3] == b"\x41\x00"]
    header = data.index(b"\x00\x00\x01\xe0", starts[70])
    # ISO/IEC 13818-1, 2.4.3.7: the top two bits of this byte say that a presentation and a decoding time follow.
    data[header + 7] &= 0x3F
    path.write_bytes(data)
    with open_video(path, cache=False) as reader:
        assert reader.index.decode_order
        assert reader.info.num_frames == 100
        for frame in (0, 50, 70, 71, 99):
            assert numbers_in(read_luma(reader, [frame])) == [frame]
            assert reader.seconds_of(frame) == pytest.approx(frame / 25)
