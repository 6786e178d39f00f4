"""bvas spots export: from the files that people have to the files that other programs read."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest
from export_samples import SPOTS, export, recording_in, results_in, rows_of
from sound_samples import make_video_with_sound
from video_samples import make_video

from bvas.commands.console import OK, WRONG_INPUT
from bvas.experiment.peak_config import PeakRule
from bvas.report.formats.timecode import edit_rate
from bvas.report.spots_csv import SpotRow, write_spots_csv
from bvas.results.store import read_results
from bvas.values.annotations import Spot
from bvas.video.container.file_tags import read_tags


def test_what_bvas_spot_wrote_becomes_a_table_with_clock_file_and_frame(tmp_path):
    videos = [make_video(tmp_path / f"{number}.mp4") for number in (1, 2)]
    results_in(tmp_path / "match", SPOTS, [Spot("DRIVE", 2.0, 0.25)])
    recording_in(tmp_path / "match", videos)

    assert export(tmp_path / "match", "--to", "csv") == OK

    rows = rows_of(tmp_path / "match" / "match.csv")
    assert [(row["part"], row["seconds"], row["clock"], row["file"], row["frame"]) for row in rows] == [
        ("1", "0.400", "00:00", "1.mp4", "10"),
        ("1", "1.600", "00:01", "1.mp4", "40"),
        # The second file begins 2.4 s after the kick-off, on the timeline of both.
        ("2", "2.000", "00:04", "2.mp4", "50"),
    ]


def test_the_operating_point_of_the_experiment_decides_unless_a_confidence_is_given(tmp_path):
    results_in(tmp_path / "match")
    recording_in(tmp_path / "match", [tmp_path / "gone.mp4"], operating_point=0.6)
    out = tmp_path / "a.csv"

    counts = []
    for options in ([], ["--confidence", "0.1"], ["--confidence", "0", "--label", "DRIVE"]):
        assert export(tmp_path / "match", "--to", "csv", "--out", out, "--overwrite", *options) == OK
        counts.append([row["label"] for row in rows_of(out)])
    assert counts == [["PASS"], ["PASS", "DRIVE", "PASS"], ["DRIVE"]]


def test_each_label_has_its_own_operating_point_where_it_was_tuned(tmp_path):
    results_in(tmp_path / "match")
    tuned = {"DRIVE": PeakRule(operating_point=0.05)}
    recording_in(tmp_path / "match", [tmp_path / "gone.mp4"], operating_point=0.6, per_label=tuned)

    assert export(tmp_path / "match", "--to", "csv", "--out", tmp_path / "a.csv") == OK
    assert [row["label"] for row in rows_of(tmp_path / "a.csv")] == ["PASS", "DRIVE"]


def test_tables_and_lines_are_read_again_as_they_were_written(tmp_path):
    awkward = [Spot('a, "b"\nc', 1.0, 0.5), Spot("x --> y <b>", 2.0, 0.6)]
    source = results_in(tmp_path / "m", awkward, [Spot("PASS", 0.04, 0.7)])

    assert export(source, "--to", "csv", "--out", tmp_path / "a.csv") == OK
    assert export(tmp_path / "a.csv", "--to", "jsonl", "--out", tmp_path / "b.jsonl") == OK
    assert export(tmp_path / "b.jsonl", "--to", "soccernet", "--out", tmp_path / "c.json") == OK

    assert read_results(tmp_path / "c.json") == read_results(source)
    lines = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert lines[2] == {"part": 2, "seconds": 0.04, "clock": "45:00", "label": "PASS", "confidence": 0.7}


def test_several_sources_are_the_halves_of_one_results_file_with_all_candidates(tmp_path):
    first, second = results_in(tmp_path / "first"), results_in(tmp_path / "second", SPOTS[:1])

    assert export(first, second, "--to", "soccernet", "--out", tmp_path / "r.json") == OK

    found = read_results(tmp_path / "r.json")
    assert found == {1: list(SPOTS), 2: [SPOTS[0]]}


@pytest.fixture
def official():
    """SoccerNet's own reader of predictions."""
    # The package switches NumPy's warnings off for the whole process; `errstate` ends that again.
    with np.errstate():
        yield pytest.importorskip("SoccerNet.Evaluation.ActionSpotting")


@pytest.mark.parametrize("rate", ["25", "29.97", "50"])
def test_the_official_reader_finds_each_spot_on_its_frame_in_its_half(tmp_path, official, rate):
    fps = edit_rate(rate).fps
    frames = [0, 1, 29, 58, 1000, 99_999]
    lines = [f"{half},{float(frame / fps):.3f},PASS,0.9" for half in (1, 2) for frame in frames]
    (tmp_path / "a.csv").write_text("\n".join(["part,seconds,label,confidence", *lines]))

    assert export(tmp_path / "a.csv", "--to", "soccernet", "--out", tmp_path / "r.json") == OK

    content = json.loads((tmp_path / "r.json").read_text())
    if fps == int(fps):
        # The package makes vectors of a whole number of frames a second.
        halves = official.predictions2vector(content, 1, framerate=int(fps), EVENT_DICTIONARY={"PASS": 0})
        assert [np.flatnonzero(half[:, 0] > 0).tolist() for half in halves] == [frames, frames]
    positions = [int(entry["position"]) for entry in content["predictions"] if entry["half"] == "1"]
    assert [int(float(fps) * position / 1000) for position in positions] == frames


def test_live_output_is_taken_too(tmp_path):
    (tmp_path / "live.jsonl").write_text(
        '{"seconds": 12.36, "clock": "00:12", "label": "PASS", "confidence": 0.8, "latency_frames": 40}\n'
    )
    assert export(tmp_path / "live.jsonl", "--to", "csv", "--out", tmp_path / "a.csv") == OK
    assert rows_of(tmp_path / "a.csv")[0]["seconds"] == "12.360"


def test_a_table_of_bvas_spot_is_on_the_timeline_of_all_files(tmp_path):
    folder = tmp_path / "match"
    videos = [make_video(tmp_path / f"{number}.mp4") for number in (1, 2)]
    rows = [
        SpotRow(spot=Spot("PASS", 0.4, 0.9), clock="00:00", file="1.mp4", frame=10),
        SpotRow(spot=Spot("PASS", 2.8, 0.9), clock="00:02", file="2.mp4", frame=10),
    ]
    write_spots_csv(folder / "spots.csv", rows)

    assert export(folder / "spots.csv", "--to", "csv", "--out", tmp_path / "a.csv") == WRONG_INPUT
    recording_in(folder, videos)
    assert export(folder / "spots.csv", "--to", "csv", "--out", tmp_path / "a.csv") == OK

    assert [(row["part"], row["seconds"]) for row in rows_of(tmp_path / "a.csv")] == [
        ("1", "0.400"),
        ("2", "0.400"),
    ]


def test_files_are_named_after_their_videos_or_numbered(tmp_path):
    videos = [make_video(tmp_path / f"{number}_720p.mp4", num_frames=50) for number in (1, 2)]
    source = results_in(tmp_path / "m", SPOTS, SPOTS)
    named = [option for video in videos for option in ("--video", video)]

    assert export(source, "--to", "sportscode", *named) == OK
    assert export(source, "--to", "sportscode", "--out", tmp_path / "x.xml") == OK

    assert sorted(path.name for path in tmp_path.rglob("*.xml")) == [
        "1_720p.xml",
        "2_720p.xml",
        "x_1.xml",
        "x_2.xml",
    ]


def test_subtitles_start_with_the_sound_where_that_comes_first(tmp_path):
    pytest.importorskip("srt", reason="pip install -e '.[export]'")
    late = make_video_with_sound(tmp_path / "late.mkv", late_seconds=0.0)
    # The picture begins 0.4 s after the sound.
    with av.open(str(late)) as old, av.open(str(tmp_path / "a.mkv"), "w") as new:
        streams = {
            s.index: new.add_stream_from_template(s) for s in (old.streams.video[0], old.streams.audio[0])
        }
        for packet in old.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "video":
                shift = round(0.4 / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = streams[packet.stream.index]
            new.mux(packet)
    source = results_in(tmp_path / "m", [Spot("PASS", 1.0, 0.9)])

    assert export(source, "--to", "srt", "--video", tmp_path / "a.mkv", "--out", tmp_path / "a.srt") == OK

    assert "00:00:01,400 --> 00:00:02,900" in (tmp_path / "a.srt").read_text()


def test_an_edit_list_starts_at_the_timecode_of_the_file(tmp_path):
    pytest.importorskip("otio_cmx3600_adapter", reason="pip install -e '.[export]'")
    video = make_video(tmp_path / "a.mp4", num_frames=50)
    with av.open(str(video)) as old, av.open(str(tmp_path / "b.mov"), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        stream.metadata["timecode"] = "10:00:00:00"
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    assert read_tags(tmp_path / "b.mov").timecode == "10:00:00:00"
    source = results_in(tmp_path / "m", [Spot("PASS", 1.0, 0.9)])
    options = ["--lead", "0", "--lag", "0.2", "--out", tmp_path / "a.edl", "--overwrite"]

    assert export(source, "--to", "edl", "--video", tmp_path / "b.mov", *options) == OK
    assert "10:00:01:00 10:00:01:05 00:00:00:00 00:00:00:05" in (tmp_path / "a.edl").read_text()

    assert (
        export(
            source, "--to", "edl", "--video", tmp_path / "b.mov", *options, "--start-timecode", "01:00:00:00"
        )
        == OK
    )
    assert "01:00:01:00 01:00:01:05" in (tmp_path / "a.edl").read_text()


def test_a_variable_rate_is_put_on_a_constant_one_which_is_said(tmp_path, capsys):
    otio = pytest.importorskip("opentimelineio", reason="pip install -e '.[export]'")
    times = np.cumsum([0, *([30, 50] * 25)]).tolist()
    video = make_video(
        tmp_path / "a.mkv", num_frames=50, times=times, time_base=Fraction(1, 1000), options={"bf": "0"}
    )
    seconds = [times[number] / 1000 for number in (7, 20, 33)]
    source = results_in(tmp_path / "m", [Spot("PASS", time, 0.9) for time in seconds])

    assert export(source, "--to", "otio", "--video", video, "--markers", "--out", tmp_path / "a.otio") == OK

    (clip,) = otio.adapters.read_from_file(str(tmp_path / "a.otio")).tracks[0]
    found = [marker.marked_range.start_time.to_seconds() for marker in clip.markers]
    assert found == [pytest.approx(time, abs=0.02) for time in seconds]
    said = capsys.readouterr().err
    assert "a.mkv has about 25.1" in said
    assert "put on 25 fps by time" in said
    assert edit_rate("25").frame_at(seconds[0]) == clip.markers[0].marked_range.start_time.value


def test_nothing_is_assumed_in_silence_about_an_unknown_video(tmp_path, capsys):
    pytest.importorskip("opentimelineio", reason="pip install -e '.[export]'")
    assert export(results_in(tmp_path / "m"), "--to", "otio", "--out", tmp_path / "a.otio") == OK
    assert "25 fps is assumed; name it with --video, or the rate with --rate" in capsys.readouterr().err


def test_spots_of_a_long_list_are_counted_where_edl_ends(tmp_path, capsys):
    pytest.importorskip("otio_cmx3600_adapter", reason="pip install -e '.[export]'")
    source = results_in(tmp_path / "m", [Spot("PASS", number * 0.4, 0.9) for number in range(1001)])
    assert export(source, "--to", "edl", "--out", tmp_path / "a.edl", "--rate", "25") == OK
    assert "1001 events; CMX 3600 counts to 999" in capsys.readouterr().err


FORMATS = ["csv", "jsonl", "srt", "vtt", "edl", "otio", "sportscode", "soccernet"]


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_list_of_spots_becomes_a_file(tmp_path, name):
    for module in ("srt", "webvtt", "otio_cmx3600_adapter"):
        pytest.importorskip(module, reason="pip install -e '.[export]'")
    assert export(results_in(tmp_path / "m", []), "--to", name, "--out", tmp_path / "a.out") == OK
    assert (tmp_path / "a.out").is_file()
