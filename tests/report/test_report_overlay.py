from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hdr_samples import HLG, PQ, write_hdr
from report_samples import shown_video
from sound_samples import make_video_with_sound as make_sound
from video_samples import make_video, remux

from bvas.errors import ConfigError
from bvas.report import palette
from bvas.report.captions import caption_of, draw_captions
from bvas.report.overlay import OverlayConfig, write_overlay
from bvas.report.strip import ScoreStrip
from bvas.values.annotations import Annotation, LabelSet, Spot
from bvas.values.score_curve import ScoreCurve
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.decode.open_video import open_video
from bvas.video.encode.video_writer import VideoWriter
from bvas.video.index.video_index import build_index

BALL = LabelSet(("PASS", "DRIVE"))


def video_of(spots=(), annotations=None, **options):
    return shown_video(
        "a.mkv", spots, BALL, duration_seconds=60.0, operating_point=0.2, annotations=annotations, **options
    )


def shown_in(path):
    """(time in seconds, RGB picture) of each frame."""
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def write(path, source, video=None, config=None, reading=DEFAULT_READING, **options):
    video = video or video_of()
    file = replace(video.result.video, path=source, reading=reading)
    video = replace(video, result=replace(video.result, video=file))
    config = config or OverlayConfig(min_height=180, hold_seconds=0.2)
    return write_overlay(path, video, BALL, config=config, **options)


def plain_video(path, num_frames=15, luma=126, size=(90, 162)):
    with VideoWriter(path, size=size, rate=25) as writer:
        for _ in range(num_frames):
            writer.write(np.full(size, luma, np.uint8))
    return path


def has_color(picture, color):
    return bool((np.abs(picture.astype(int) - palette.rgb(color)).max(axis=2) < 40).sum() > 20)


def loud_seconds(path):
    """When the sound begins and ends to be loud."""
    times = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            (loud,) = np.nonzero(np.abs(frame.to_ndarray()).max(axis=0) > 0.1)
            times += [frame.time + sample / frame.sample_rate for sample in loud.tolist()]
    return min(times), max(times)


def test_a_caption_lights_up_on_the_frame_of_its_spot_and_goes_after_its_time(tmp_path):
    source = plain_video(tmp_path / "a.mp4")

    made = write(tmp_path / "clip.mp4", source, video_of([Spot("PASS", 0.2, 0.9)]))

    assert (made.num_frames, made.lost, made.num_damaged, made.sound) == (15, (), 0, "none")
    pictures = [picture[:180] for _, picture in shown_in(tmp_path / "clip.mp4")]
    assert [has_color(picture, palette.HIT) for picture in pictures] == [5 <= i < 10 for i in range(15)]


def test_the_copy_holds_every_frame_enlarged_by_a_whole_factor_over_the_strip(tmp_path):
    write(tmp_path / "clip.mp4", plain_video(tmp_path / "a.mp4", 3))

    ((_, first), *rest) = shown_in(tmp_path / "clip.mp4")
    assert (first.shape[1], len(rest)) == (324, 2)
    assert first.shape[0] > 180
    assert first.shape[0] % 2 == 0


def test_a_tall_picture_is_scaled_down(tmp_path):
    source = plain_video(tmp_path / "a.mp4", 2, size=(400, 700))
    write(tmp_path / "clip.mp4", source, config=OverlayConfig(max_height=200, min_height=100))
    assert shown_in(tmp_path / "clip.mp4")[0][1].shape[1] == 350


def test_limited_range_luma_is_stretched_to_the_picture_it_stands_for(tmp_path):
    write(tmp_path / "clip.mp4", plain_video(tmp_path / "a.mp4", 1, luma=235))
    assert shown_in(tmp_path / "clip.mp4")[0][1][80:160, 200:].min() > 245


@pytest.mark.parametrize("color", [(200, 30, 30), (30, 60, 200)])
def test_colors_are_kept(tmp_path, color):
    with VideoWriter(tmp_path / "a.mp4", size=(180, 320), rate=25, crf=1) as writer:
        writer.write(np.full((180, 320, 3), color, np.uint8))

    write(tmp_path / "clip.mp4", tmp_path / "a.mp4")

    with av.open(str(tmp_path / "clip.mp4")) as container:
        shown = next(container.decode(video=0)).reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
    middle = shown[80:120, 140:180].reshape(-1, 3).mean(axis=0)
    assert np.abs(middle - color).max() < 8


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_hdr_is_drawn_as_sdr_or_as_stored_where_told_to_and_that_is_said_once(tmp_path, transfer, caplog):
    # 203 cd/m2 is 58 % PQ and 75 % HLG, and comes out at 0.904 of white.
    signal = 0.58 if transfer == PQ else 0.75
    luma = np.full((180, 320), round((219 * signal + 16) * 4), np.uint16)
    source = write_hdr(tmp_path / "a.mp4", luma, transfer=transfer)
    middles = {}
    for tone in ("sdr", "none"):
        caplog.clear()
        with caplog.at_level("INFO"):
            write(tmp_path / f"{tone}.mp4", source, reading=ReadOptions(tone=tone))
        assert caplog.text.count("a.mp4: HDR") == 1
        info = build_index(tmp_path / f"{tone}.mp4", cache=False)[1]
        assert set(info.color.names.values()) == {"bt709"}
        _, shown = shown_in(tmp_path / f"{tone}.mp4")[0]
        middles[tone] = shown[80:120, 140:180].mean()
    assert middles["sdr"] == pytest.approx(255 * 0.904, abs=3)
    # swscale takes 10 bits to RGB about 2 too dark.
    assert middles["none"] == pytest.approx(255 * signal, abs=5)


def test_a_variable_rate_keeps_every_time(tmp_path):
    times = np.cumsum([500, 1000, 3003, 900, 8000, 4000, 700, 9000] * 4).tolist()
    source = make_video(
        tmp_path / "a.mp4", num_frames=32, times=times, time_base=Fraction(1, 90_000), options={"bf": "0"}
    )

    write(tmp_path / "clip.mp4", source)

    found = [time for time, _ in shown_in(tmp_path / "clip.mp4")]
    assert found == [pytest.approx((time - times[0]) / 90_000, abs=1e-5) for time in times]


@pytest.mark.parametrize(("rotation", "mirrored"), [(90, False), (180, False), (270, True)])
def test_a_turned_video_stands_as_readers_give_it(tmp_path, rotation, mirrored):
    source = make_video(
        tmp_path / "a.mp4", num_frames=2, rotation=rotation, mirrored=mirrored, size=(96, 160)
    )
    with open_video(source, cache=False) as reader:
        ((_, upright),) = list(reader.stream(0, 1))
    expected = cv2.resize(upright[0], None, fx=2, fy=2)

    write(tmp_path / "clip.mp4", source)

    found = shown_in(tmp_path / "clip.mp4")[0][1][: expected.shape[0], :, 1]
    assert found.shape == expected.shape
    # Away from the clock, as large blocks: noise does not survive coding.
    blocks = [
        cv2.resize(p[64:], (4, 4), interpolation=cv2.INTER_AREA).astype(float) for p in (found, expected)
    ]
    assert np.corrcoef(blocks[0].ravel(), blocks[1].ravel())[0, 1] > 0.99
    assert np.ptp(blocks[1]) > 50


@pytest.mark.parametrize(("suffix", "kind"), [("mkv", "copied"), ("ts", "coded")])
@pytest.mark.parametrize("late_seconds", [0.0, 1.5])
def test_sound_stays_with_the_picture(tmp_path, suffix, kind, late_seconds):
    source = make_sound(tmp_path / f"a.{suffix}", num_frames=50, late_seconds=late_seconds)

    made = write(tmp_path / "clip.mp4", source)

    assert made.sound == kind
    assert loud_seconds(tmp_path / "clip.mp4") == (pytest.approx(1.0, abs=0.05), pytest.approx(1.5, abs=0.05))
    assert shown_in(tmp_path / "clip.mp4")[0][0] == 0


def test_of_a_range_picture_sound_and_captions_go_together(tmp_path):
    source = make_sound(tmp_path / "a.mkv")

    video = video_of([Spot("PASS", 1.0, 0.9)])
    made = write(tmp_path / "clip.mp4", source, video, from_seconds=0.8, to_seconds=2.0)

    assert made.num_frames == 30
    assert loud_seconds(tmp_path / "clip.mp4") == (pytest.approx(0.2, abs=0.05), pytest.approx(0.7, abs=0.05))
    lit = [
        time for time, picture in shown_in(tmp_path / "clip.mp4") if has_color(picture[60:180], palette.HIT)
    ]
    assert (min(lit), max(lit)) == (pytest.approx(0.2), pytest.approx(0.36))


def test_frames_that_cannot_be_decoded_are_left_out_and_told(tmp_path):
    whole = make_video(tmp_path / "whole.mp4", options={"bf": "0", "g": "1"})

    def spoil(number, packet):
        if number in (30, 31):
            np.frombuffer(packet, np.uint8)[:] = 0

    source = remux(whole, tmp_path / "a.mp4", spoil)

    made = write(tmp_path / "clip.mp4", source)

    assert made.lost == (range(30, 32),)
    assert made.num_frames == 58
    times = [round(time * 25) for time, _ in shown_in(tmp_path / "clip.mp4")]
    assert times == [number for number in range(60) if number not in (30, 31)]


def test_an_interruption_leaves_no_file(tmp_path):
    source = plain_video(tmp_path / "a.mp4")

    def stop(done, total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "clip.mp4", source, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(("start", "stop"), [(2.0, 3.0), (0.4, 0.4), (-0.1, 0.2)])
def test_a_range_without_frames_is_refused(tmp_path, start, stop):
    source = plain_video(tmp_path / "a.mp4")
    with pytest.raises(ConfigError, match=r"a\.mp4 runs from 0 s to 0\.600 s"):
        write(tmp_path / "clip.mp4", source, from_seconds=start, to_seconds=stop)


def test_captions_say_what_became_of_each_event():
    video = video_of(
        [Spot("PASS", 5.1, 0.9), Spot("DRIVE", 8.0, 0.4)], [Annotation("PASS", 5.0), Annotation("PASS", 7.0)]
    )

    assert [(event.seconds, *caption_of(event)) for event in video.events()] == [
        (5.1, "PASS 0.90", "hit, +0.10 s"),
        (7.0, "PASS", "missed"),
        (8.0, "DRIVE 0.40", "false alarm"),
    ]
    assert caption_of(video_of([Spot("PASS", 5.0, 0.9)]).events()[0]) == ("PASS 0.90", "")


def test_captions_that_do_not_fit_are_left_out_from_the_oldest():
    picture = np.zeros((100, 400, 3), np.uint8)
    events = video_of([Spot("PASS", float(s), 0.9) for s in range(30)]).events()

    draw_captions(picture, events, 29.0)

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


def test_the_strip_draws_nothing_in_a_gap():
    scores = np.full((1500, 2), 0.9, np.float32)
    scores[500:1000] = np.nan
    curve = ScoreCurve(scores, np.arange(1500) / 25, BALL.names)
    strip = ScoreStrip(video_of(curve=curve), BALL, 640, 360, seconds=10.0)

    def filled(now):
        return bool((strip.paint(now) == palette.rgb(palette.CURVE_FILL)).all(axis=2).any())

    assert filled(10.0)
    assert not filled(30.0)


@pytest.mark.parametrize("name", ["hold_seconds", "min_height", "max_height"])
def test_a_clip_of_no_size_or_time_is_refused(name):
    with pytest.raises(ConfigError, match=f"{name} must be positive, got 0"):
        OverlayConfig(**{name: 0})
