import hashlib
import platform
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest

from bvas.synthetic.canvas import NO_HUE, Canvas, Paint, paint
from bvas.synthetic.config import SyntheticConfig, with_preset
from bvas.synthetic.half_video import film_half, half_renderer, write_half
from bvas.synthetic.kits import draw_kits, team_hues
from bvas.synthetic.tone import SAMPLE_RATE, tone_of
from bvas.video.encode.video_writer import VideoWriter, yuv_picture

SMALL = SyntheticConfig(minutes=0.2, size=(64, 112), seed=4)


class Silent:
    def progress(self, *_):
        pass


def rgb_of(planes):
    return yuv_picture(*planes).to_ndarray(format="rgb24", src_colorspace="ITU601").astype(int)


@pytest.mark.skipif(
    not cv2.__version__.startswith("5.0") or platform.machine() != "x86_64",
    reason="other versions of OpenCV draw other edges",
)
@pytest.mark.parametrize(
    ("task", "preset", "digest"),
    [
        ("ball", "plain", "bcb615af30ea4e2ce8b9bfbbb1d20dfdc151f4379ea4daa43cfa6ef2b9fad4ad"),
        ("action", "broadcast", "d78d41fa288a7ad2e5fa4b89a7d037a23ec4568a62553dd1143eede589c27c6b"),
    ],
)
def test_luma_is_that_of_leagues_made_before_there_was_color(task, preset, digest):
    config = with_preset(SyntheticConfig(minutes=2.0, size=(112, 192), seed=4, task=task), preset)
    renderer = half_renderer(config, 0, 1)
    cuts = [333] if preset == "broadcast" else []  # the first frame of a replay

    found = hashlib.sha256()
    for frame in (0, 1, 63, 64, 700, 1200, *cuts):
        found.update(next(renderer.color_frames(frame))[0])

    assert found.hexdigest() == digest


def test_gray_and_color_have_the_same_luma():
    renderer = half_renderer(with_preset(SMALL, "broadcast"), 0, 1)

    for gray, (luma, blue, red) in zip(renderer.frames(40, 60), renderer.color_frames(40, 60), strict=True):
        assert np.array_equal(gray, luma)
        assert blue.shape == red.shape == (32, 56)


def test_a_paint_is_the_hue_at_its_luma_or_a_paler_one():
    # Limited range of BT.601: Cb = 128 + 112 / 0.886 * (B - Y), Cr = 128 + 112 / 0.701 * (R - Y).
    # 81 is a little darker than pure red, of luma 16 + 219 * 0.299 = 81.5, Cb 90.2 and Cr 240.
    assert paint(81, (1.0, 0.0, 0.0)) == (81, 90, 239)
    assert paint(180, NO_HUE) == (180, 128, 128)
    for luma in range(16, 236):
        for hue in ((1.0, 0.5, 0.1), (0.08, 0.2, 1.0), (0.36, 0.58, 0.2)):
            _, blue, red = paint(luma, hue)
            light = (luma - 16) / 219
            r, b = light + (red - 128) * 0.701 / 112, light + (blue - 128) * 0.886 / 112
            g = (light - 0.299 * r - 0.114 * b) / 0.587
            assert -0.01 < min(r, g, b)
            assert max(r, g, b) < 1.01


def test_chroma_is_drawn_where_luma_is():
    canvas = Canvas((16, 24), is_color=True)
    canvas.fill(Paint(50))
    # Pixels 8 to 15 of rows 4 to 11; coordinates are of pixel centers, in eighths.
    canvas.polygon(np.array([(8, 4), (15, 4), (15, 11), (8, 11)], np.int32) * 8, Paint(200, 90, 240))

    blue = canvas.chroma[..., 0]
    assert np.ptp(np.argwhere(canvas.luma > 125), axis=0).tolist() == [7, 7]
    assert (blue[2:6, 4:8] == 90).mean() > 0.7
    assert (blue[:, :3] == 128).all()
    assert (blue[:, 9:] == 128).all()
    assert (blue[7:] == 128).all()


def test_grass_is_green_and_the_two_teams_differ():
    picture = rgb_of(next(half_renderer(replace(SMALL, size=(224, 400)), 0, 1).color_frames(60)))
    red, green, blue = np.median(picture[112:].reshape(-1, 3), axis=0)

    assert green > 1.3 * red > 1.3 * blue
    for seed in range(20):
        colors = np.random.default_rng(seed)
        hues = team_hues(colors)
        kits = draw_kits(np.random.default_rng(seed), hues, colors)
        home, away, home_keeper, away_keeper, referee = (kits[i].shirt for i in (1, 12, 0, 11, 22))
        assert abs(home.luma - away.luma) > 130
        assert len({home_keeper, away_keeper, referee}) == 3
        assert all(kit.shirt == home for kit in kits[1:11])


def test_halves_wear_the_same_and_matches_do_not():
    def shirts(match, half):
        return [kit.shirt for kit in half_renderer(SMALL, match, half)._kits]

    assert shirts(0, 1) == shirts(0, 2)
    assert len({tuple(shirts(match, 1)) for match in range(4)}) == 4


def test_the_file_names_the_matrix_and_keeps_the_colors(tmp_path):
    write_half(SMALL, 0, 1, tmp_path / "a.mkv", Silent())
    rendered = list(half_renderer(SMALL, 0, 1).color_frames())

    with av.open(str(tmp_path / "a.mkv")) as container:
        frames = list(container.decode(video=0))
    assert (frames[0].colorspace, frames[0].color_primaries, frames[0].color_trc) == (6, 1, 1)
    for frame in (10, 100):
        shown = frames[frame].to_ndarray(format="rgb24").astype(int)
        assert np.abs(shown - rgb_of(rendered[frame])).mean() < 6


def test_a_gray_league_has_the_bytes_of_its_luma_alone(tmp_path):
    write_half(replace(SMALL, color=False), 0, 1, tmp_path / "gray.mkv", Silent())
    with VideoWriter(
        tmp_path / "luma.mkv", size=SMALL.size, rate=SMALL.rate, keyframe_interval=250, crf=20
    ) as writer:
        for luma in half_renderer(SMALL, 0, 1).frames():
            writer.write(luma)

    assert (tmp_path / "gray.mkv").read_bytes() == (tmp_path / "luma.mkv").read_bytes()


def heard_second(sound):
    """Read the two pitches of 0.1 s of sound: peaks of its spectrum, to the nearest 25 Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 48_000))
    low, high = 500 + spectrum[500:2000].argmax(), 2500 + spectrum[2500:5000].argmax()
    return round((low - 500) / 25) + 60 * round((high - 2500) / 25)


def test_every_second_has_pitches_of_its_own_without_a_click():
    sounds = {second: tone_of(second) for second in (0, 1, 59, 60, 61, 2999, 5999)}

    assert [heard_second(sound[12_000:16_800]) for sound in sounds.values()] == list(sounds)
    joined = np.concatenate([sounds[59], sounds[60]])
    # No step between two samples is larger than the steepest slope of both sines.
    assert np.abs(np.diff(joined)).max() <= 0.2 * 2 * np.pi * (1975 + 2525) / SAMPLE_RATE


def test_the_sound_of_a_video_tells_the_second(tmp_path):
    config = replace(SMALL, sound=True, minutes=0.22)
    write_half(config, 0, 2, tmp_path / "a.mkv", Silent())

    with av.open(str(tmp_path / "a.mkv")) as container:
        frames = list(container.decode(audio=0))
        assert (frames[0].pts, frames[0].sample_rate) == (0, 48_000)
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 165
    sound = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    assert [heard_second(sound[start : start + 4800]) for start in range(0, 6 * 48_000, 24_000)] == [
        second for second in range(6) for _ in range(2)
    ]
    # AAC alters the tone a little, and does not shift it.
    wanted = np.concatenate([tone_of(second) for second in range(6)])
    assert np.abs(sound[2000:280_000] - wanted[2000:280_000]).max() < 0.05
    # 165 frames of 40 ms, in packets of 1024 samples.
    assert 0 <= len(sound) - 316_800 < 2048


def test_a_silent_league_has_no_sound(tmp_path):
    write_half(replace(SMALL, minutes=0.02), 0, 1, tmp_path / "a.mkv", Silent())

    with av.open(str(tmp_path / "a.mkv")) as container:
        assert not container.streams.audio


def test_the_sky_is_above_the_horizon_of_a_low_camera():
    path = film_half(SMALL, 0, 1).path
    level = replace(path, tilt=np.zeros_like(path.tilt))

    # The main camera looks down; a level one has the horizon in the middle of its 64 rows.
    assert path.horizon(0) < 0
    assert level.horizon(0) == 32
