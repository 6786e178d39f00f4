import json
import shlex
import sys
from fractions import Fraction

import numpy as np
import pytest
from video_samples import make_video, remux

from bvas import DecodeError
from bvas.cli import main
from bvas.commands.console import DONE_IN_PART, OK, WRONG_INPUT
from bvas.video.decode.damage_scan import FileDamage, find_damage, frames_text, ranges_of
from bvas.video.decode.file_survey import survey_video
from bvas.video.decode.remedies import find_remedy
from bvas.video.index.video_index import build_index

UNTAGGED = "setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown"
CODING = "-c:v libx264 -crf 18 -g 12"


def remedy_of(path):
    return find_remedy(*build_index(path, cache=False))


def filters_in(command):
    words = shlex.split(command)
    return words[words.index("-vf") + 1]


def damaged_video(path):
    """60 frames, keyframes at 0, 20 and 40; the packets of 25 and of 45 are zeroed."""
    source = make_video(path.with_name("whole.mp4"), options={"bf": "0", "g": "20", "sc_threshold": "0"})

    def spoil(number, packet):
        if number in (25, 45):
            np.frombuffer(packet, np.uint8)[:] = 0

    return remux(source, path, spoil)


def test_a_plain_file_needs_nothing(tmp_path):
    survey = survey_video(make_video(tmp_path / "a.mp4"), cache=False)
    assert survey.remedy is None
    assert survey.damage is None


def test_backends_are_admitted_or_refused_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    plain = survey_video(make_video(tmp_path / "a.mp4"), cache=False)
    ts = survey_video(make_video(tmp_path / "a.ts"), cache=False)

    assert plain.refusals["pyav"] is None
    assert plain.refusals["opencv"] is None
    assert plain.refusals["nvdec"].startswith("cannot be decoded by NVDEC here")
    assert ts.refusals["opencv"] == "is in a mpegts container, not mp4 or mkv"


def test_a_clip_of_a_video_with_one_keyframe_is_decoded_from_its_start(tmp_path):
    source = make_video(tmp_path / "a.mp4", options={"g": "60", "sc_threshold": "0"})
    survey = survey_video(source, cache=False, measure_seconds=0)
    # To frame center + 14, at most 59: (15 + ... + 60 + 14 * 60) / 60.
    assert survey.frames_per_clip == pytest.approx(42.75)
    assert 0 < survey.cpu_seconds_per_clip < 10


def test_long_intervals_are_remedied_by_a_copy_with_the_same_frames(tmp_path):
    source = make_video(tmp_path / "it's long.mp4", num_frames=300, options={"g": "300", "sc_threshold": "0"})
    remedy = remedy_of(source)
    # (15 + ... + 300 + 14 * 300) / 300 = 164.15.
    assert remedy.traits == (
        "its keyframes are up to 300 frames apart, so a random clip takes 164 decoded frames; 34 with one every 12",
    )
    assert shlex.split(remedy.prepare) == ["bvas", "video", "prepare", str(source), "--out", "prepared"]
    assert shlex.split(remedy.ffmpeg)[:6] == ["ffmpeg", "-i", str(source), "-map", "0:V:0", "-vf"]
    assert remedy.ffmpeg.endswith(f"{CODING} {shlex.quote('it' + chr(39) + 's long_plain.mp4')}")


def test_only_an_awkward_container_is_left_without_coding_again(tmp_path):
    source = make_video(tmp_path / "a.ts")
    assert remedy_of(source).ffmpeg == f"ffmpeg -i {source} -map 0:V:0 -c copy a_plain.mp4"


def test_an_interlaced_file_is_deinterlaced_and_no_copy_is_offered_that_keeps_it_woven(tmp_path):
    source = make_video(tmp_path / "a.mp4", options={"x264-params": "tff=1:interlaced=1", "bf": "0"})
    remedy = remedy_of(source)
    assert remedy.traits == ("it is interlaced: each frame weaves two moments",)
    assert remedy.prepare is None
    assert filters_in(remedy.ffmpeg) == f"bwdif=mode=send_frame,format=yuv420p,{UNTAGGED}"


def test_a_variable_rate_becomes_the_rate_at_which_most_frames_follow_each_other(tmp_path):
    # 25 a second, every tenth frame dropped.
    times = [time for time in range(66) if time % 10]
    source = make_video(tmp_path / "a.mp4", num_frames=len(times), times=times, time_base=Fraction(1, 25))
    remedy = remedy_of(source)
    assert remedy.traits == ("its frame rate varies",)
    assert filters_in(remedy.ffmpeg) == f"fps=25,format=yuv420p,{UNTAGGED}"


def test_samples_are_made_square_in_the_upright_picture(tmp_path):
    # Stored 80 x 48 with samples 4/3 wide; upright 48 wide and 80 high with samples 3/4 wide: 36 x 80 shown.
    source = make_video(tmp_path / "a.mp4", rotation=90, sample_aspect=Fraction(4, 3))
    remedy = remedy_of(source)
    assert [trait.split(" ")[1] for trait in remedy.traits] == ["picture", "samples"]
    assert filters_in(remedy.ffmpeg) == f"scale=36:80,setsar=1,format=yuv420p,{UNTAGGED}"


@pytest.mark.parametrize(
    ("codec", "pixel_format", "trait", "stored_as"),
    [
        ("libx264", "yuv420p10le", "it has 10 bits, of which 8 are handed out", "yuv420p"),
        ("libx264", "yuv444p", "it stores yuv444p, another chroma layout", "yuv420p"),
        ("libx264", "yuvj444p", "it stores yuvj444p, another chroma layout", "yuvj420p"),
        ("libx264rgb", "rgb24", "it stores gbrp, no luma of its own", "yuv420p"),
        ("ffv1", "yuv420p", "it is coded as ffv1, which OpenCV or a GPU may not decode", "yuv420p"),
    ],
)
def test_other_formats_become_4_2_0_of_8_bits(tmp_path, codec, pixel_format, trait, stored_as):
    source = make_video(tmp_path / "a.mkv", codec=codec, pixel_format=pixel_format)
    remedy = remedy_of(source)
    assert remedy.traits == (trait,)
    assert remedy.prepare is not None
    assert filters_in(remedy.ffmpeg) == f"format={stored_as},{UNTAGGED}"


def test_a_file_without_times_is_put_on_its_rate(tmp_path):
    source = make_video(tmp_path / "a.avi", codec="mpeg4")
    remedy = remedy_of(source)
    assert remedy.traits[0].startswith("its packets carry no reliable times")
    assert remedy.prepare is not None
    assert filters_in(remedy.ffmpeg).startswith("fps=25,")


@pytest.mark.parametrize("name", ["-a.ts", "a:b.ts", "a.ts"])
def test_a_name_that_ffmpeg_takes_for_something_else_is_led_by_its_folder(tmp_path, monkeypatch, name):
    make_video(tmp_path / "x.ts").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    said = "a.ts" if name == "a.ts" else f"./{name}"
    assert shlex.split(remedy_of(name).ffmpeg)[2] == said


def test_decoding_all_of_a_file_finds_lost_and_damaged_frames(tmp_path):
    index, info = build_index(damaged_video(tmp_path / "a.mp4"), cache=False)
    done = []
    damage = find_damage(index, info, progress=lambda number, total: done.append((number, total)))
    assert damage.lost == (range(25, 26), range(45, 46))
    assert damage.num_lost == 2
    assert damage.damaged == (*range(26, 40), *range(46, 60))
    assert done[-1] == (60, 60)


def test_a_sound_file_has_no_damage(tmp_path):
    index, info = build_index(make_video(tmp_path / "a.mp4"), cache=False)
    assert find_damage(index, info) == FileDamage(lost=(), damaged=())


def test_frame_numbers_are_said_as_ranges():
    assert ranges_of([1, 2, 3, 7]) == (range(1, 4), range(7, 8))
    assert frames_text(ranges_of([1, 2, 3, 7])) == "1 to 3, 7"
    assert frames_text(ranges_of(range(0, 20, 2)), most=2) == "0, 2 and 8 more places"


def test_the_command_says_what_a_file_is(tmp_path, capsys):
    source = make_video(tmp_path / "a.mp4", rate=Fraction(30_000, 1001), sample_aspect=Fraction(4, 3))
    assert main(["video", "check", str(source)]) == OK
    said = capsys.readouterr().out
    assert "60, 29.970 (30000/1001) a second" in said
    assert "48x80 (height x width), samples 4/3 as wide as high" in said
    assert "h264 in mov, yuv420p, 8 bits, limited range, progressive" in said
    assert "pyav         reads it" in said
    assert "awkward      its samples are not square (4/3)" in said
    assert f"plain file   ffmpeg -i {source} -map 0:V:0" in said


def test_the_command_lists_what_is_broken(tmp_path, capsys):
    source = damaged_video(tmp_path / "a.mp4")
    assert main(["video", "check", str(source), "--decode"]) == OK
    said = capsys.readouterr().out
    assert "lost         2 frames: 25, 45" in said
    assert "damaged      28 frames after a decoding error: 26 to 39, 46 to 59" in said
    main(["video", "check", str(make_video(tmp_path / "b.mp4")), "--decode"])
    assert "none reported by the decoder" in capsys.readouterr().out


def test_json_has_the_same_keys_for_every_video(tmp_path, capsys):
    plain = make_video(tmp_path / "a.mp4", num_frames=5)
    damaged = damaged_video(tmp_path / "b.mkv")
    assert main(["video", "check", str(plain), "--json", "--quiet"]) == OK
    one = json.loads(capsys.readouterr().out)
    assert main(["video", "check", str(plain), str(damaged), "--json", "--decode", "--quiet"]) == OK
    two = json.loads(capsys.readouterr().out)

    assert (one["num_frames"], one["rate"], one["sample_aspect"], one["lost_frames"]) == (5, "25", "1", None)
    assert one["keyframe_intervals"] == {"shortest": 5, "median": 5, "longest": 5}
    assert one["backends"]["pyav"] == {"admitted": True, "refusal": None}
    assert list(two[1]) == list(two[0]) == list(one)
    assert two[0]["lost_frames"] == []
    assert two[1]["lost_frames"] == [[25, 26], [45, 46]]


@pytest.mark.parametrize("kind", ["missing", "text", "folder", "empty"])
def test_what_is_no_video_is_one_line_and_exit_code_2(tmp_path, capsys, kind):
    path = tmp_path / "a.mp4"
    if kind == "text":
        path.write_text("no video at all")
    elif kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    assert main(["video", "check", str(path)]) == WRONG_INPUT
    captured = capsys.readouterr()
    assert captured.err.startswith("bvas video check: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_of_several_files_the_readable_ones_are_checked(tmp_path, capsys):
    source = make_video(tmp_path / "a.mp4", num_frames=5)
    missing = tmp_path / "missing.mp4"
    assert main(["video", "check", str(missing), str(source), "--json"]) == DONE_IN_PART
    first, second = json.loads(capsys.readouterr().out)
    assert first == {"path": str(missing), "error": f"{missing} does not exist; check the path"}
    assert second["num_frames"] == 5
    assert main(["video", "check", str(missing), str(missing)]) == WRONG_INPUT


def test_surveying_what_is_no_video_raises(tmp_path):
    with pytest.raises(DecodeError, match="does not exist"):
        survey_video(tmp_path / "a.mp4")


def test_a_file_is_checked_without_torch_and_nvdec_refused_with_the_reason(tmp_path, monkeypatch):
    video = make_video(tmp_path / "a.mp4")
    monkeypatch.setitem(sys.modules, "torch", None)  # What import finds where it is not installed.
    survey = survey_video(video, cache=False)
    assert survey.index.num_frames == 60
    assert survey.refusals == {
        "nvdec": "cannot be decoded by NVDEC here, torch is not installed",
        "opencv": None,
        "pyav": None,
    }
