import shutil
from collections import namedtuple
from fractions import Fraction

import av
import numpy as np
import pytest
from video_samples import make_video, read_luma, remux

from bvas import ConfigError, DataError, DecodeError, open_video
from bvas.cli import main
from bvas.commands.console import DONE_IN_PART, OK, WRONG_INPUT
from bvas.video.encode.copied_frames import FrameCopier
from bvas.video.encode.prepared_copy import check_room, copy_targets, make_copy, plan_copy
from bvas.video.encode.video_writer import VideoWriter
from bvas.video.index.frame_table import frames_per_clip
from bvas.video.index.video_index import build_index


def copy_of(source, folder, **options):
    """Make a copy; crf 0 codes 8 bits without loss."""
    plan = plan_copy(source, folder / f"{source.stem}.mp4", cache=False, **{"crf": 0, **options})
    return plan, make_copy(plan)


def all_frames(path):
    with open_video(path, cache=False) as reader:
        return read_luma(reader, range(reader.info.num_frames))


def damaged_video(path):
    """60 frames of which number 30 is lost: its packet is zeroed, and no other frame refers to it."""
    source = make_video(path.with_name("whole.mp4"), options={"bf": "0", "g": "1"})

    def spoil(number, packet):
        if number == 30:
            memory = np.frombuffer(packet, np.uint8)
            memory[:] = 0

    return remux(source, path, spoil)


def test_decoding_a_random_clip_takes_its_span_and_half_an_interval_before_it():
    # Far from the ends: a span of 29, and 0 to 9 frames before it, 4.5 on average.
    assert frames_per_clip(np.arange(0, 100_000, 10), 100_000) == pytest.approx(29 + 4.5, abs=0.01)


def test_the_cost_of_a_short_video_counts_its_edges():
    # 3 frames, one keyframe: each clip shows all of them.
    assert frames_per_clip(np.array([0]), 3) == 3.0


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_copy_has_the_same_luma_at_the_same_times_and_a_keyframe_at_every_interval(tmp_path, suffix):
    source = make_video(tmp_path / f"a.{suffix}", options={"g": "60"})
    (tmp_path / "out").mkdir()
    plan, copy = copy_of(source, tmp_path / "out", keyframe_interval=7)

    index, info = build_index(plan.target, cache=False)
    assert np.array_equal(all_frames(plan.target), all_frames(source))
    assert np.array_equal(index.seconds, plan.index.seconds)
    assert info.start_seconds == plan.info.start_seconds
    assert info.duration_seconds == plan.info.duration_seconds
    assert info.keyframe_intervals == (4, 7, 7)
    assert copy.num_bytes == plan.target.stat().st_size
    assert copy.frames_per_clip == plan.frames_per_clip_after < plan.frames_per_clip_before


def test_a_copy_of_a_file_that_names_bt709_names_it_too_and_has_its_luma(tmp_path):
    source = tmp_path / "rgb.mp4"
    rng = np.random.default_rng(0)
    with VideoWriter(source, size=(48, 64), rate=25, crf=1) as writer:
        for _ in range(5):
            writer.write(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    plan, _ = copy_of(source, tmp_path / "out")

    reference = all_frames(source)
    assert build_index(plan.target, cache=False)[1].color.names == dict.fromkeys(
        ("transfer", "primaries", "matrix"), "bt709"
    )
    with open_video(plan.target, cache=False) as reader:
        assert np.array_equal(read_luma(reader, range(5)), reference)


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 0, 255)])
def test_color_is_kept(tmp_path, color):
    source = tmp_path / "rgb.mp4"
    frame = np.full((48, 64, 3), color, np.uint8)
    with VideoWriter(source, size=(48, 64), rate=25, crf=1) as writer:
        writer.write(frame)
    plan, _ = copy_of(source, tmp_path / "out")

    def chroma(path):
        with av.open(str(path)) as container:
            return next(container.decode(video=0)).to_ndarray()[48:]

    assert np.abs(chroma(plan.target).astype(int) - chroma(source)).max() <= 1
    assert np.ptp(chroma(source)) > 80


def test_a_variable_rate_stays_variable_and_every_time_is_kept(tmp_path):
    times = np.cumsum([500, 1000, 3003, 1, 8000, 40, 7, 90000] * 4).tolist()
    source = make_video(
        tmp_path / "a.mp4", num_frames=32, times=times, time_base=Fraction(1, 90_000), options={"bf": "0"}
    )
    plan, _ = copy_of(source, tmp_path / "out")

    index, info = build_index(plan.target, cache=False)
    assert info.variable_rate
    assert np.array_equal((index.pts - index.pts[0]) * index.time_base * 90_000, np.array(times) - 500)
    assert info.duration_seconds == plan.info.duration_seconds


def test_rounded_times_of_29_97_in_matroska_are_kept_with_rate_and_end(tmp_path):
    source = make_video(tmp_path / "a.mkv", num_frames=50, rate=Fraction(30_000, 1001))
    plan, _ = copy_of(source, tmp_path / "out")

    index, info = build_index(plan.target, cache=False)
    assert info.rate == plan.info.rate == Fraction(30_000, 1001)
    assert np.array_equal(index.seconds, plan.index.seconds)
    assert info.duration_seconds == plan.info.duration_seconds


def test_a_file_that_is_numbered_in_decoding_order_gets_the_times_of_its_index(tmp_path):
    source = make_video(tmp_path / "a.avi", codec="mpeg4", options={"g": "30", "qscale": "2"})
    plan, _ = copy_of(source, tmp_path / "out")

    index, _ = build_index(plan.target, cache=False)
    assert plan.index.decode_order
    assert not index.decode_order
    assert np.array_equal(all_frames(plan.target), all_frames(source))


def test_ten_bits_become_the_eight_that_readers_give(tmp_path):
    source = make_video(tmp_path / "a.mp4", num_frames=20, pixel_format="yuv420p10le")
    plan, _ = copy_of(source, tmp_path / "out")

    assert build_index(plan.target, cache=False)[1].bit_depth == 8
    assert np.array_equal(all_frames(plan.target), all_frames(source))


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [("libx264", "yuvj420p"), ("libx264rgb", "rgb24"), ("ffv1", "gray"), ("ffv1", "yuv422p")],
)
def test_every_pixel_format_keeps_the_luma_and_the_range(tmp_path, codec, pixel_format):
    source = make_video(tmp_path / "a.mkv", num_frames=5, codec=codec, pixel_format=pixel_format)
    plan, _ = copy_of(source, tmp_path / "out")

    info = build_index(plan.target, cache=False)[1]
    assert info.color_range == plan.info.color_range
    assert info.pixel_format in ("yuv420p", "yuvj420p")
    assert np.array_equal(all_frames(plan.target), all_frames(source))


def test_a_rotated_video_is_copied_upright_and_its_sample_aspect_turns_too(tmp_path):
    source = make_video(tmp_path / "a.mp4", num_frames=5, rotation=90, sample_aspect=Fraction(4, 3))
    plan, _ = copy_of(source, tmp_path / "out")

    info = build_index(plan.target, cache=False)[1]
    assert (info.height, info.width, info.rotation) == (80, 48, 0)
    assert info.sample_aspect == plan.info.sample_aspect == Fraction(3, 4)
    assert np.array_equal(all_frames(plan.target), all_frames(source))


def test_interlaced_frames_are_copied_woven_as_progressive(tmp_path):
    source = make_video(
        tmp_path / "a.mp4", num_frames=10, options={"x264-params": "tff=1:interlaced=1", "bf": "0"}
    )
    plan, _ = copy_of(source, tmp_path / "out")

    assert plan.info.interlaced
    assert not build_index(plan.target, cache=False)[1].interlaced
    assert np.array_equal(all_frames(plan.target), all_frames(source))


def test_an_odd_side_is_made_even_by_its_last_column(tmp_path):
    source = make_video(tmp_path / "a.mkv", num_frames=3, codec="ffv1", size=(47, 79))
    plan, _ = copy_of(source, tmp_path / "out")

    before, after = all_frames(source), all_frames(plan.target)
    assert after.shape == (3, 48, 80)
    assert np.array_equal(after[:, :47, :79], before)
    assert np.array_equal(after[:, :, 79], after[:, :, 78])
    assert np.array_equal(after[:, 47], after[:, 46])


def test_a_size_is_fitted_as_a_reader_fits_it_around_neutral_color(tmp_path):
    source = make_video(tmp_path / "a.mp4", num_frames=5, sample_aspect=Fraction(2))
    plan, _ = copy_of(source, tmp_path / "out", size=(64, 64))

    with open_video(source, size=(64, 64), cache=False) as reader:
        fitted = read_luma(reader, range(5))
    assert np.array_equal(all_frames(plan.target), fitted)
    assert build_index(plan.target, cache=False)[1].sample_aspect == 1
    with av.open(str(plan.target)) as container:
        chroma = next(container.decode(video=0)).to_ndarray()[64:].reshape(2, 32, 32)
    # 48 rows of 80 samples twice as wide as high become 19 rows of 64, from row 22 on.
    around = np.concatenate([chroma[:, :11], chroma[:, 21:]], axis=1)
    assert around.min() == around.max() == 128
    assert chroma[:, 11:20].std() > 2


def test_a_size_that_no_4_2_0_file_can_have_is_refused(tmp_path):
    source = make_video(tmp_path / "a.mp4", num_frames=5)
    with pytest.raises(ConfigError, match=r"must be even .* got \(45, 80\)"):
        plan_copy(source, tmp_path / "b.mp4", size=(45, 80))


def test_the_expected_size_is_near_the_real_one(tmp_path):
    source = make_video(tmp_path / "a.mp4", num_frames=400)
    plan, copy = copy_of(source, tmp_path / "out", crf=23)
    assert plan.bytes_expected == pytest.approx(copy.num_bytes, rel=0.25)


def test_a_video_with_lost_frames_is_refused_and_names_them(tmp_path):
    source = damaged_video(tmp_path / "a.mp4")
    plan = plan_copy(source, tmp_path / "out" / "a.mp4")

    with pytest.raises(DecodeError, match=r"1 of its 60 frames cannot be decoded \(30\)") as caught:
        make_copy(plan)

    assert caught.value.lost == range(30, 31)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_comes_out_at_another_time_is_not_kept(tmp_path, monkeypatch):
    source = make_video(tmp_path / "a.mp4", num_frames=20)
    plan = plan_copy(source, tmp_path / "out" / "a.mp4", cache=False)
    pts = plan.index.pts.copy()

    def shifted(copier, frame, number, *others):
        frame = av.VideoFrame.from_ndarray(np.zeros((72, 80), np.uint8), "yuv420p")
        frame.pts, frame.time_base = int(pts[number]) + 400 * (number == 7), plan.index.time_base
        return frame

    monkeypatch.setattr(FrameCopier, "picture", shifted)
    with pytest.raises(DataError, match=r"has frame 7 at 0\.311250 s instead of 0\.280000 s"):
        make_copy(plan)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_disk_without_room_is_refused_before_the_work(tmp_path, monkeypatch):
    plan = plan_copy(make_video(tmp_path / "a.mp4", num_frames=5), tmp_path / "b.mp4", cache=False)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10, 10, plan.bytes_expected - 1))
    with pytest.raises(DataError, match="make room, choose another --out folder"):
        check_room(plan.bytes_expected, tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10, 10, plan.bytes_expected))
    check_room(plan.bytes_expected, tmp_path)


def test_no_copy_takes_the_name_of_its_original_of_another_copy_or_unasked_of_a_file(tmp_path):
    source = make_video(tmp_path / "a.mp4", num_frames=5)
    other = tmp_path / "x" / "a.mkv"
    with pytest.raises(ConfigError, match="would replace its original"):
        copy_targets([source], tmp_path, replace=True)
    with pytest.raises(ConfigError, match="2 of the videos would become"):
        copy_targets([source, other], tmp_path / "out", replace=True)
    with pytest.raises(ConfigError, match="exists already; --force replaces it"):
        copy_targets([tmp_path / "y" / "a.mkv"], tmp_path, replace=False)
    assert copy_targets([source], tmp_path / "out", replace=False) == [tmp_path / "out" / "a.mp4"]


def test_the_command_says_cost_and_gain_and_makes_the_copies(tmp_path, capsys):
    first = make_video(tmp_path / "a b.mkv", options={"g": "60", "sc_threshold": "0"})
    second = make_video(tmp_path / "c.mp4", num_frames=30)
    out = tmp_path / "out"

    code = main(["video", "prepare", str(first), str(second), "--out", str(out), "--size", "24x40"])

    said = capsys.readouterr().err
    assert code == OK
    assert sorted(path.name for path in out.iterdir()) == ["a b.mp4", "c.mp4"]
    assert "60 frames, 48x80 -> 24x40, h264, a keyframe every 60 -> 12" in said
    # From the only keyframe to frame center + 14, at most 59: (15 + ... + 60 + 14 * 60) / 60.
    assert "frames decoded for a random clip of 15 (step 2): 42.8 -> " in said
    assert "60 frames at the times of the original" in said


def test_the_command_goes_on_behind_a_damaged_file_and_says_so_by_its_code(tmp_path, capsys):
    damaged = damaged_video(tmp_path / "a.mp4")
    sound = make_video(tmp_path / "b.mp4", num_frames=20)
    out = tmp_path / "out"

    assert main(["video", "prepare", str(damaged), str(sound), "--out", str(out)]) == DONE_IN_PART
    assert [path.name for path in out.iterdir()] == ["b.mp4"]
    assert "get the file again" in capsys.readouterr().err
    assert main(["video", "prepare", str(damaged), "--out", str(out)]) == WRONG_INPUT


@pytest.mark.parametrize("kind", ["missing", "text", "folder", "empty", "out is a file"])
def test_wrong_input_is_one_line_and_exit_code_2(tmp_path, capsys, kind):
    source, out = tmp_path / "a.mp4", tmp_path / "out"
    if kind == "text":
        source.write_text("no video at all")
    elif kind == "folder":
        source.mkdir()
    elif kind == "empty":
        source.touch()
    elif kind == "out is a file":
        make_video(source, num_frames=3)
        out.write_text("mine")

    assert main(["video", "prepare", str(source), "--out", str(out)]) == WRONG_INPUT
    said = capsys.readouterr().err.strip()
    assert said.startswith("bvas video prepare: ")
    assert "\n" not in said
    assert not out.is_dir()


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, capsys, monkeypatch):
    source = make_video(tmp_path / "a.mp4")

    class FullDisk:
        def __init__(self, path):
            self.error = None

        def write(self, data):
            self.error = OSError(28, "No space left on device")
            return len(data)

        seek = tell = lambda self, *args: 0

        def close(self):
            pass

    monkeypatch.setattr("bvas.video.encode.encoder._CheckedFile", FullDisk)
    assert main(["video", "prepare", str(source), "--out", str(tmp_path / "out"), "--quiet"]) == WRONG_INPUT
    said = capsys.readouterr().err.strip()
    assert "No space left on device; nothing of it was kept" in said
    assert "\n" not in said
    assert list((tmp_path / "out").iterdir()) == []
