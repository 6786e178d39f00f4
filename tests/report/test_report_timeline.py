import io

import numpy as np
import pytest
from PIL import Image
from report_samples import shown_video

from bvas.report import palette
from bvas.report.timeline import default_row_seconds, row_points, timeline_png
from bvas.values.annotations import Annotation, Gap, LabelSet, Spot
from bvas.values.score_curve import ScoreCurve

BALL = LabelSet(("PASS", "DRIVE"))


def picture_of(video, labels=BALL):
    png = timeline_png(video, labels)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def video_of(spots=(), annotations=None, seconds=60.0, name="a.mkv", labels=BALL, **options):
    return shown_video(
        name, spots, labels, duration_seconds=seconds, operating_point=0.2, annotations=annotations, **options
    )


def columns_of(picture, color, top=80):
    """Columns below the key that hold pixels of a color."""
    near = np.abs(picture[top:] - palette.rgb(color)).max(axis=2) < 12
    return np.flatnonzero(near.any(axis=0))


def test_a_hit_a_miss_and_a_false_alarm_are_drawn_at_their_times():
    video = video_of(
        [Spot("PASS", 15.0, 0.9), Spot("PASS", 45.0, 0.9)],
        [Annotation("PASS", 15.0), Annotation("PASS", 30.0)],
    )

    picture = picture_of(video)

    hit, miss, alarm = (
        columns_of(picture, color).mean() for color in (palette.HIT, palette.MISS, palette.FALSE_ALARM)
    )
    assert hit < miss < alarm
    assert (alarm - hit) / 30 == pytest.approx((miss - hit) / 15, rel=0.03)


def test_without_annotations_nothing_is_called_wrong():
    picture = picture_of(video_of([Spot("PASS", 15.0, 0.9)]))

    assert len(columns_of(picture, palette.HIT))
    assert not len(columns_of(picture, palette.FALSE_ALARM, top=0))
    assert not len(columns_of(picture, palette.MISS, top=0))


def test_a_longer_video_takes_more_rows_not_a_wider_picture():
    one, five = picture_of(video_of(seconds=60.0)), picture_of(video_of(seconds=300.0))

    assert one.shape[1] == five.shape[1]
    assert 3 < five.shape[0] / one.shape[0] < 5


def test_rows_grow_with_the_video_and_stay_about_ten_at_most():
    assert [default_row_seconds(seconds) for seconds in (20, 300, 1200, 2700)] == [20, 60, 120, 300]
    assert default_row_seconds(0) > 0


def test_a_curve_with_a_gap_is_drawn_without_a_warning():
    scores = np.full((1500, 2), 0.5, np.float32)
    scores[500:700] = np.nan
    curve = ScoreCurve(scores, np.arange(1500) / 25, BALL.names)

    picture = picture_of(video_of(curve=curve, gaps=(Gap(20.0, 28.0, 200, "no scores"),)))

    assert len(columns_of(picture, palette.CURVE_FILL))


def test_a_name_is_drawn_as_it_is_and_not_as_a_formula():
    def width(name):
        # The name stands in the upper left, the key in the upper right.
        head = picture_of(video_of(name=name))[:60, :400]
        return np.ptp(np.flatnonzero((head < 128).all(axis=2).any(axis=0)))

    # As a formula, "$x_1$" has two letters and "x_1" three.
    assert width("$x_1$") > width("x_1") > width("x1")
    assert width("$x_1$ {odd} <name> \\frac") > width("$x_1$ {odd} <name> frac")


def test_joining_rows_of_a_curve_keeps_its_peak_and_its_gaps():
    scores = np.zeros((10_000, 1), np.float32)
    scores[4321] = 0.75
    scores[6000:6100] = np.nan
    curve = ScoreCurve(scores, np.arange(10_000) / 25, ("PASS",))

    seconds, joined = row_points(curve, 0.0, 400.0, 1000)

    assert len(seconds) == len(joined) == 1000
    assert np.nanmax(joined) == 0.75
    assert seconds[np.nanargmax(joined)] == pytest.approx(4321 / 25, abs=0.4)
    assert np.isnan(joined).sum() == 10


def test_a_short_stretch_of_a_curve_is_drawn_point_by_point():
    curve = ScoreCurve(np.zeros((100, 1), np.float32), np.arange(100.0), ("PASS",))
    seconds, _ = row_points(curve, 10.0, 20.0, 1000)
    assert seconds.tolist() == list(range(9, 21))
