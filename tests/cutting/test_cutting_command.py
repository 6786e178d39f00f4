"""bvas cut and bvas video frames: what is said, refused, and left after an error."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from cut_samples import numbers_and_seconds, write_chirped
from video_samples import damage, make_video, number_in

import bvas
from bvas.cli import main
from bvas.commands.console import INTERRUPTED, OK, WRONG_INPUT
from bvas.cutting.titles import DrawnTitle
from bvas.results.store import RESULTS_NAME, write_results
from bvas.values.annotations import Interval, Spot
from bvas.video.encode.video_writer import yuv_picture
from bvas.video.index.stored_picture import samples_of


def run(*arguments):
    return main([*map(str, arguments), "--quiet"])


def names_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def match(tmp_path):
    """A video with spots, as `bvas spot` leaves them."""
    video = write_chirped(tmp_path / "match.mp4", num_frames=100)
    (tmp_path / "spots").mkdir()
    spots = [Spot("GOAL", 1.0, 0.9), Spot("PASS", 2.0, 0.9), Spot("GOAL", 3.0, 0.9)]
    write_results(tmp_path / "spots" / RESULTS_NAME, "match", {1: spots}, rate=25)
    return video


def test_goals_are_cut_out_of_a_match(tmp_path, match, capsys):
    out = tmp_path / "goals.mp4"
    spots = "--spots", tmp_path / "spots", "--before", 0.2, "--after", 0.4

    code = run("cut", match, *spots, "--labels", "GOAL", "--out", out)

    assert code == OK
    assert capsys.readouterr().out == f"2 cuts, 30 frames, 1.20 s, with sound, in {out}\n"
    assert numbers_and_seconds(out)[0] == [*range(20, 35), *range(70, 85)]


def test_clips_are_named_by_number_label_and_time(tmp_path, match, capsys):
    clips = tmp_path / "clips"
    arguments = "cut", match, "--spots", tmp_path / "spots", "--before", 0.2, "--after", 0.2, "--clips", clips
    assert run(*arguments) == OK
    assert names_in(clips) == ["001_GOAL_0m01s.mp4", "002_PASS_0m02s.mp4", "003_GOAL_0m03s.mp4"]
    assert numbers_and_seconds(clips / "002_PASS_0m02s.mp4")[0] == list(range(45, 55))
    assert run(*arguments) == WRONG_INPUT
    assert "001_GOAL_0m01s.mp4 and 2 more are there already" in capsys.readouterr().err
    assert run(*arguments, "--overwrite") == OK


def test_what_a_copy_adds_is_said_for_each_cut(tmp_path, match, capsys):
    (tmp_path / "i.csv").write_text("start_seconds,end_seconds\n0.4,0.8\n2.4,2.88\n")
    assert run("cut", match, "--intervals", tmp_path / "i.csv", "--out", tmp_path / "b.mp4", "--copy") == OK
    said = capsys.readouterr().out.splitlines()
    made = numbers_and_seconds(tmp_path / "b.mp4")[0]
    first = made.index(60)
    behind = first - 20
    added = f"10 frames before, {behind} frame{'s' * (behind > 1)} behind" if behind else "10 frames before"
    assert said[0] == f"cut 1: frames 0 to {first - 1} of match.mp4, with {added}"
    assert said[1] == "cut 2: frames 60 to 71 of match.mp4, no frame added"


def test_another_speed_says_that_the_sound_is_gone(tmp_path, match, capsys):
    (tmp_path / "i.csv").write_text("start_seconds,end_seconds\n0.4,0.8\n")
    arguments = "cut", match, "--intervals", tmp_path / "i.csv", "--speed", "1/2"
    assert run(*arguments, "--out", tmp_path / "b.mp4") == OK
    assert (
        "10 frames, 0.80 s, without sound (another speed; --stretch-sound keeps it)"
        in capsys.readouterr().out
    )
    assert run(*arguments, "--out", tmp_path / "c.mp4", "--stretch-sound") == OK
    assert "10 frames, 0.80 s, with sound, in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("match.mp4", "match.mp4 is what is read"),
        ("there.mp4", "there.mp4 is there already"),
        ("b.mkv", "the cuts become an .mp4"),
        ("spots.mp4", "a folder"),
    ],
)
def test_a_target_that_is_a_source_or_exists_is_refused(tmp_path, match, capsys, out, message):
    (tmp_path / "there.mp4").write_text("kept")
    (tmp_path / "spots.mp4").mkdir()
    before = names_in(tmp_path)
    assert run("cut", match, "--spots", tmp_path / "spots", "--out", tmp_path / out) == WRONG_INPUT
    assert message in capsys.readouterr().err
    assert names_in(tmp_path) == before
    assert (tmp_path / "there.mp4").read_text() == "kept"


@pytest.mark.parametrize("option", ["--before", "--after"])
def test_seconds_around_intervals_are_refused_instead_of_ignored(tmp_path, match, capsys, option):
    (tmp_path / "i.csv").write_text("start_seconds,end_seconds\n0.4,0.8\n")
    assert (
        run("cut", match, "--intervals", tmp_path / "i.csv", option, 1, "--out", tmp_path / "a.mp4")
        == WRONG_INPUT
    )
    assert "before and after are of spots, and intervals are cut as they are" in capsys.readouterr().err


def test_intervals_of_another_video_are_refused_with_both_names(tmp_path, match, capsys):
    (tmp_path / "i.csv").write_text("video,start_seconds,end_seconds\nother.mp4,0.4,0.8\n")
    assert (
        run("cut", match, "--intervals", tmp_path / "i.csv", "--clips", tmp_path / "new" / "clips")
        == WRONG_INPUT
    )
    assert "holds intervals of other.mp4, not of match.mp4" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_arguments_that_do_not_go_together_are_refused(tmp_path, match, capsys):
    spots = "cut", match, "--spots", tmp_path / "spots"
    for wrong, message in (
        (("--confidence", "2"), "the confidence must lie in [0, 1], got 2.0"),
        (("--stretch-sound",), "give a speed too"),
        (("--copy", "--titles"), "--copy keeps the packets as they are"),
        (("--crf", "60"), "crf must lie in 0 (the best) to 51, got 60"),
        (("--labels", "CORNER"), "no spot has the label 'CORNER'; there are GOAL, PASS"),
    ):
        assert run(*spots, "--out", tmp_path / "b.mp4", *wrong) == WRONG_INPUT
        assert message in capsys.readouterr().err
    for wrong in (("--speed", "1/0"), ("--intervals", "i.csv"), ("--clips", "c")):
        with pytest.raises(SystemExit):
            run(*spots, "--out", tmp_path / "b.mp4", *wrong)
    with pytest.raises(bvas.ConfigError, match="either intervals or spots, and either out or clips"):
        bvas.cut(match, out=tmp_path / "b.mp4")
    with pytest.raises(bvas.ConfigError, match="a cut needs at least one"):
        bvas.cut(match, intervals=[], out=tmp_path / "b.mp4")
    for start, end, message in ((2, 1, "ends at 1 s and starts at 2 s"), (-1, 1, "starts at -1 s")):
        with pytest.raises(bvas.DataError, match=f"interval 0: it {message}"):
            bvas.cut(match, intervals=[Interval("A", start, end)], out=tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()


def test_cutting_loads_no_torch(tmp_path, match):
    code = (
        "import sys, bvas; from bvas.values.annotations import Interval; video, spots, out = sys.argv[1:]; "
        "bvas.cut(video, intervals=[Interval('A', 0, 0.2)], out=out, titles=True); "
        "bvas.cut(video, spots=spots, out=out, overwrite=True); print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, match, tmp_path / "spots", tmp_path / "b.mp4"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_no_room_on_the_disk_leaves_nothing(tmp_path, match, capsys, monkeypatch):
    real = av.open

    def limited(file, mode="r", **options):
        if mode == "w":
            write = file._file.write
            file._file.write = lambda data: write(data) if file.tell() < 3000 else fail()
        return real(file, mode, **options)

    def fail():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(av, "open", limited)
    before = names_in(tmp_path)
    for where in (("--out", tmp_path / "new" / "b.mp4"), ("--clips", tmp_path / "clips")):
        assert run("cut", match, "--spots", tmp_path / "spots", *where) == WRONG_INPUT
        assert "No space left on device; nothing of it was kept" in capsys.readouterr().err
    assert names_in(tmp_path) == before


def test_clips_that_were_finished_go_too_where_a_later_one_fails(tmp_path):
    video = make_video(tmp_path / "a.mp4", num_frames=60, options={"g": "1", "bf": "0"})
    damage(video, [30, 31])
    intervals = [Interval("A", 0.4, 0.6), Interval("A", 1.2, 1.28)]
    with pytest.raises(bvas.DecodeError):
        bvas.cut(video, intervals=intervals, clips=tmp_path / "clips")
    assert names_in(tmp_path) == ["a.mp4"]


def test_ctrl_c_leaves_nothing(tmp_path):
    video = make_video(
        tmp_path / "long.mp4", num_frames=500, size=(240, 400), options={"preset": "ultrafast"}
    )
    (tmp_path / "i.csv").write_text("start_seconds,end_seconds\n0,1\n2,20\n")
    command = [sys.executable, "-m", "bvas", "cut", video, "--intervals", tmp_path / "i.csv"]
    process = subprocess.Popen([*command, "--clips", tmp_path / "clips"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("clips/*.part"))) < 2 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said.strip().splitlines()[-1]) == (INTERRUPTED, "bvas cut: interrupted")
    assert names_in(tmp_path) == ["i.csv", "long.mp4"]


@pytest.mark.parametrize(
    "words",
    [
        ("cut", "a.mp4", "--intervals", "i.csv", "--clips"),
        ("video", "frames", "a.mp4", "--every", "20", "--out"),
    ],
)
def test_ctrl_c_while_files_take_their_names_leaves_none_of_them_without(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    make_video("a.mp4", num_frames=60)
    Path("i.csv").write_text("first_frame,last_frame\n0,9\n20,29\n40,49\n")
    rename = Path.replace

    def interrupted(path, target):
        if path.name.endswith(".mp4.part") or path.parent.name.startswith(".frames-"):
            monkeypatch.setattr(Path, "replace", rename)
            os.kill(os.getpid(), signal.SIGINT)
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    assert main([*words, "made", "--quiet"]) == INTERRUPTED
    assert len(list(Path("made").iterdir())) == 3


def test_damage_is_said_and_may_be_an_error(tmp_path, capsys):
    video = make_video(tmp_path / "a.mp4", num_frames=60, options={"g": "1", "bf": "0"})
    damage(video, [30, 31])
    (tmp_path / "i.csv").write_text("start_seconds,end_seconds\n1,1.6\n")
    arguments = "cut", video, "--intervals", tmp_path / "i.csv", "--out", tmp_path / "b.mp4"
    assert run(*arguments) == OK
    assert "not decoded: 2 frames (30 to 31), the first at 1.200 s" in capsys.readouterr().err
    assert run(*arguments, "--overwrite", "--strict") == WRONG_INPUT
    assert "frame 30 (1.200 s)" in capsys.readouterr().err
    assert numbers_and_seconds(tmp_path / "b.mp4")[0] == [*range(25, 30), *range(32, 40)]


def test_a_title_is_there_for_two_seconds_of_each_cut(tmp_path):
    video = make_video(tmp_path / "a.mp4", num_frames=150, size=(180, 320))
    intervals = [Interval("GOAL", 0.0, 3.0), Interval("GOAL", 4.0, 5.0)]

    bvas.cut(video, intervals=intervals, out=tmp_path / "b.mp4", titles=True)

    def corner(path, number):
        with bvas.open_video(path, cache=False) as reader:
            out = np.empty((1, *reader.size), np.uint8)
            reader.read_into([number], out)
        return out[0, 158:174, 6:90].astype(float)

    differs = [
        np.abs(corner(tmp_path / "b.mp4", number) - corner(video, source)).mean() > 20
        for number, source in ((0, 0), (49, 49), (50, 50), (74, 74), (75, 100), (99, 124))
    ]
    assert differs == [True, True, False, False, True, True]


@pytest.mark.parametrize(("full", "white", "back"), [(True, 255, 16), (False, 235, 30)])
def test_a_title_is_white_on_dark_gray_in_each_range(full, white, back):
    black = 0 if full else 16
    picture = yuv_picture(
        np.full((540, 960), black, np.uint8),
        np.full((270, 480), 90, np.uint8),
        np.full((270, 480), 90, np.uint8),
    )
    DrawnTitle("GOAL · 16:23").draw(picture, is_full_range=full)
    luma, blue, _ = (samples_of(plane) for plane in picture.planes)
    box = luma[480:520, 20:160]
    assert box.max() == white
    assert np.median(box) == pytest.approx(back, abs=1)
    assert luma[:470].max() == black
    # The box takes the color away, but for what shines through.
    assert blue[242, 12] == round(128 - 38 * 0.2)


def test_frames_are_numbered_as_in_the_video(tmp_path, capsys):
    video = make_video(tmp_path / "a.mp4", num_frames=120, rotation=-90, store=lambda luma: np.rot90(luma))
    out = tmp_path / "frames"

    assert run("video", "frames", video, "--out", out, "--every", 50) == OK

    assert capsys.readouterr().out == f"3 pictures, 000.png to 100.png, in {out}\n"
    assert names_in(out) == ["000.png", "050.png", "100.png"]
    pictures = [cv2.imread(str(out / name)) for name in names_in(out)]
    assert [one.shape for one in pictures] == [(48, 80, 3)] * 3
    assert [number_in(one[..., 1]) for one in pictures] == [0, 50, 100]
    with bvas.open_video(video, channels="rgb") as reader:
        wanted = np.empty((1, 48, 80, 3), np.uint8)
        reader.read_into([50], wanted)
    assert (pictures[1][..., ::-1] == wanted[0]).all()


def test_frames_of_intervals_and_square_pixels(tmp_path, capsys):
    video = make_video(tmp_path / "a.mp4", num_frames=60, size=(48, 80), sample_aspect=2)
    (tmp_path / "i.csv").write_text("first_frame,last_frame\n7,10\n9,12\n40,41\n")
    arguments = "video", "frames", video, "--out", tmp_path / "f", "--intervals", tmp_path / "i.csv"
    assert run(*arguments, "--every", 2, "--format", "jpg") == OK
    assert names_in(tmp_path / "f") == ["07.jpg", "09.jpg", "11.jpg", "40.jpg"]
    assert cv2.imread(str(tmp_path / "f" / "07.jpg")).shape == (48, 160, 3)


def test_no_picture_is_overwritten_and_none_is_left_after_an_error(tmp_path, capsys, monkeypatch):
    video = make_video(tmp_path / "a.mp4", num_frames=30)
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "29.png").write_text("kept")
    arguments = "video", "frames", video, "--out", tmp_path / "f"
    assert run(*arguments) == WRONG_INPUT
    assert "29.png is there already; --overwrite" in capsys.readouterr().err
    assert names_in(tmp_path / "f") == ["29.png"]

    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # Less than a picture takes.
    resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, before[1]))
    try:
        large = make_video(tmp_path / "b.mp4", num_frames=3, size=(240, 400), options={"crf": "40"})
        assert run("video", "frames", large, "--out", tmp_path / "g") == WRONG_INPUT
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "none of them was kept" in capsys.readouterr().err
    assert not (tmp_path / "g").exists()

    assert run(*arguments, "--overwrite") == OK
    assert len(names_in(tmp_path / "f")) == 30
    assert run(*arguments, "--every", 0) == WRONG_INPUT


def test_frames_that_cannot_be_decoded_have_no_picture(tmp_path, capsys):
    video = make_video(tmp_path / "a.mp4", num_frames=12, options={"g": "1", "bf": "0"})
    damage(video, [3, 4])
    assert run("video", "frames", video, "--out", tmp_path / "f") == OK
    assert "2 frames cannot be decoded, and have no picture: 3 to 4" in capsys.readouterr().err
    assert len(names_in(tmp_path / "f")) == 10
    assert run("video", "frames", video, "--out", tmp_path / "g", "--strict") == WRONG_INPUT
    assert not (tmp_path / "g").exists()
