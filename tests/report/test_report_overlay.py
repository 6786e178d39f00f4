from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest

from bvas.curve import ScoreCurve
from bvas.errors import ConfigError
from bvas.report import palette
from bvas.report.captions import captions_of, draw_captions
from bvas.report.content import video_report
from bvas.report.overlay import OverlayConfig, frames_between, write_overlay
from bvas.report.strip import ScoreStrip
from bvas.spots import Annotation, LabelSet, Spot

BALL = LabelSet(("PASS", "DRIVE"))


def video_of(spots=(), annotations=None, **options):
    return video_report(
        "a.mkv", spots, BALL, duration_seconds=60.0, operating_point=0.2, annotations=annotations, **options
    )


def frames_of(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def gray(number, size=(90, 161)):
    return [np.full(size, 126, np.uint8) for _ in range(number)]


def write(path, frames, video, start_seconds=0.0):
    return write_overlay(
        path,
        frames,
        video,
        BALL,
        start_seconds=start_seconds,
        rate=25,
        color_range="limited",
        config=OverlayConfig(min_height=180, hold_seconds=0.2),
    )


def has_color(picture, color):
    return bool((np.abs(picture.astype(int) - palette.rgb(color)).max(axis=2) < 40).sum() > 20)


def test_a_caption_lights_up_on_the_frame_of_its_spot_and_goes_after_its_time(tmp_path):
    video = video_of([Spot("PASS", 10.2, 0.9)])

    assert write(tmp_path / "clip.mp4", gray(15), video, start_seconds=10.0) == 15

    pictures = [frame[:180] for frame in frames_of(tmp_path / "clip.mp4")]
    assert [has_color(picture, palette.HIT) for picture in pictures] == [5 <= i < 10 for i in range(15)]


def test_the_clip_holds_every_frame_enlarged_by_a_whole_factor_over_the_strip(tmp_path):
    write(tmp_path / "clip.mp4", gray(3), video_of())

    height, width, _ = frames_of(tmp_path / "clip.mp4")[0].shape
    assert (width, len(frames_of(tmp_path / "clip.mp4"))) == (322, 3)
    assert height > 180
    assert height % 2 == 0


def test_limited_range_luma_is_stretched_to_the_picture_it_stands_for(tmp_path):
    write(tmp_path / "clip.mp4", [np.full((90, 160), 235, np.uint8)], video_of())
    assert frames_of(tmp_path / "clip.mp4")[0][60:100, 200:].min() > 245


def test_an_error_on_the_way_leaves_no_file(tmp_path):
    def failing():
        yield from gray(3)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write(tmp_path / "clip.mp4", failing(), video_of())
    assert list(tmp_path.iterdir()) == []


def test_a_clip_of_no_frames_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no frames from 0"):
        write(tmp_path / "clip.mp4", [], video_of())


def test_captions_say_what_became_of_each_event():
    video = video_of(
        [Spot("PASS", 5.1, 0.9), Spot("DRIVE", 8.0, 0.4)], [Annotation("PASS", 5.0), Annotation("PASS", 7.0)]
    )

    assert [(c.seconds, c.text, c.detail) for c in captions_of(video)] == [
        (5.1, "PASS 0.90", "hit, +0.10 s"),
        (7.0, "PASS", "missed"),
        (8.0, "DRIVE 0.40", "false alarm"),
    ]
    assert captions_of(video_of([Spot("PASS", 5.0, 0.9)]))[0].detail == ""


def test_captions_that_do_not_fit_are_left_out_from_the_oldest():
    picture = np.zeros((100, 400, 3), np.uint8)
    captions = captions_of(video_of([Spot("PASS", float(s), 0.9) for s in range(30)]))

    draw_captions(picture, captions, 29.0)

    assert picture.any()


def test_the_strip_runs_to_the_left_as_time_goes_on():
    scores = np.zeros((1500, 2), np.float32)
    curve = ScoreCurve(scores, np.arange(1500) / 25, BALL.names)
    strip = ScoreStrip(video_of([Spot("PASS", 30.0, 0.9)], curve=curve), BALL, 640, 360, seconds=10.0)

    def column(now):
        near = np.abs(strip.paint(now).astype(int) - palette.rgb(palette.HIT)).max(axis=2) < 30
        return np.flatnonzero(near.any(axis=0)).mean()

    assert column(27.0) > column(29.0)
    assert column(27.0) - column(28.0) == pytest.approx(column(28.0) - column(29.0), abs=1.5)
    assert strip.paint(29.0).shape == (strip.height, 640, 3)


def test_the_strip_draws_nothing_in_a_hole():
    scores = np.full((1500, 2), 0.9, np.float32)
    scores[500:1000] = np.nan
    curve = ScoreCurve(scores, np.arange(1500) / 25, BALL.names)
    strip = ScoreStrip(video_of(curve=curve), BALL, 640, 360, seconds=10.0)

    def filled(now):
        return bool((strip.paint(now) == palette.rgb(palette.CURVE_FILL)).all(axis=2).any())

    assert filled(10.0)
    assert not filled(30.0)


class CountingDecoder:
    """A decoder of 100 frames at 50 per second; frame i is all i."""

    index = SimpleNamespace(seconds_of=lambda i: i / 50, frame_at=lambda seconds: int(seconds * 50 + 1e-6))
    info = SimpleNamespace(num_frames=100, path=SimpleNamespace(name="count.mkv"), duration_seconds=2.0)

    def stream(self, start=0, stop=None, step=1, batch_size=7):
        for first in range(start, stop, batch_size):
            indices = np.arange(first, min(first + batch_size, stop), dtype=np.uint8)
            yield first, np.repeat(indices, 4).reshape(-1, 2, 2)


def shown(start, stop, rate):
    return [int(frame[0, 0]) for frame in frames_between(CountingDecoder(), start, stop, rate)]


def test_frames_are_those_on_screen_at_the_rate_asked_for():
    assert shown(0.5, 0.6, 50) == [25, 26, 27, 28, 29]
    assert shown(0.5, 0.6, Fraction(25)) == [25, 27, 29]
    assert shown(0.5, 0.54, 100) == [25, 25, 26, 26]


def test_a_stretch_over_the_end_stops_with_the_last_frame():
    assert shown(1.94, 5.0, 50) == [97, 98, 99]


@pytest.mark.parametrize(("start", "stop"), [(2.0, 3.0), (1.0, 1.0), (-0.1, 1.0)])
def test_a_stretch_outside_the_video_is_refused(start, stop):
    with pytest.raises(ConfigError, match=r"count\.mkv runs from 0 s to 2\.000 s"):
        shown(start, stop, 50)


@pytest.mark.parametrize("name", ["hold_seconds", "strip_seconds", "min_height"])
def test_a_clip_of_no_size_or_time_is_refused(name):
    with pytest.raises(ConfigError, match=f"{name} must be positive, got 0"):
        OverlayConfig(**{name: 0})
