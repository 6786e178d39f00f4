"""bvas label without a browser: ranges by number, and labels files begun and continued."""

import json
import shutil

import pytest
from task_videos import match, write_dataset, write_video

from bvas.cli import main
from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.labels_file import open_labels_file
from bvas.data.matches import annotated_halves, find_matches
from bvas.data.spotting_task import dataset_task
from bvas.report.label_report import label_report
from bvas.report.page_data import page_data
from bvas.values.annotations import Interval
from bvas.video.index.video_index import build_index


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "court.mp4", 100)


@pytest.fixture
def court(video, tmp_path):
    return shutil.copy2(video, tmp_path / "videos.mp4").rename(tmp_path / "court.mp4")


def label(*args):
    return main(["label", *map(str, args), "--quiet"])


def contents(path):
    return json.loads(path.read_text())


def test_stretches_are_labelled_at_once_by_their_first_and_last_frame(court, tmp_path, capsys):
    out = tmp_path / "data" / "dataset.json"
    assert (
        label(court, "--labels", "IN_FRAME,DUNK", "--present", "5-17,68-99,DUNK:10-12,20-20", "--out", out)
        == 0
    )
    assert contents(out) == {
        "format": "bvas-dataset-2",
        "labels": ["IN_FRAME", "DUNK"],
        "matches": [
            {
                "name": "court",
                "videos": ["../court.mp4"],
                "annotations": [
                    {"from_frame": 5, "to_frame": 18, "label": "IN_FRAME"},
                    {"from_frame": 10, "to_frame": 13, "label": "DUNK"},
                    {"from_frame": 20, "to_frame": 21, "label": "DUNK"},
                    {"from_frame": 68, "to_frame": 100, "label": "IN_FRAME"},
                ],
            }
        ],
    }
    assert capsys.readouterr().out == f"labels    {out} (0 points, 4 ranges)\n"
    assert sorted(path.name for path in out.parent.iterdir()) == ["dataset.json"]
    task = dataset_task(("IN_FRAME",), ignored=("DUNK",))
    ((_, found),) = labelled_ranges(find_matches(task, out.parent)[0], task)
    assert found == [Interval("IN_FRAME", 0.2, 0.72), Interval("IN_FRAME", 2.72, 4.0)]


@pytest.mark.parametrize(
    ("present", "message"),
    [
        ("5-17,12-20", "range 12-20 overlaps range 5-17 of the same label 'A'; join them: 5-20"),
        ("5-100", "range 5-100 goes beyond the end of {}, whose last frame is 99 (frames count from 0)"),
        ("17-5", "range 17-5 ends before it begins; write 5-17"),
        ("5-17,6", "'6' is not a range of frames; write the first and the last one, such as 405-577"),
        ("5-1x", "'5-1x' is not a range of frames"),
        ("", "'' is not a range of frames"),
        ("-5-7", "'-5-7' is not a range of frames"),
        ("C:5-17", "label 'C' of range 5-17 is not among A, B; add it to --labels"),
    ],
)
def test_wrong_ranges_are_named_and_nothing_is_written(court, tmp_path, capsys, present, message):
    assert label(court, "--labels", "A,B", f"--present={present}", "--out", tmp_path / "l.json") == 2
    assert message.format(court) in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["court.mp4"]


def test_wrong_use_is_named_and_nothing_is_written(court, tmp_path, capsys):
    other = shutil.copy(court, tmp_path / "other.mp4")
    out = ["--out", tmp_path / "l.json"]
    for args, message in (
        ([court], "name the labels, in the order of their keys: --labels PASS,SHOT"),
        ([court, "--labels", "A,B,A"], "--labels names 'A' twice"),
        ([court, court, "--labels", "A"], f"{court} is named twice"),
        ([court, other, "--labels", "A", "--present", "1-2"], "--present is for one video, and 2 are named"),
        ([tmp_path / "no.mp4", "--labels", "A"], "no.mp4"),
        ([court, "--labels", "A", "--height", "0"], "max_height must be at least 2"),
    ):
        assert label(*args, *out) == 2
        assert message in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["court.mp4", "other.mp4"]


def test_a_labels_file_is_continued_with_all_that_it_holds(court, tmp_path):
    write_video(tmp_path / "b.mp4", 50)
    rows = [
        {"seconds": 0.4, "label": "SHOT", "note": "wide"},
        {"from_seconds": 1.2, "to_seconds": 1.6, "label": "PLAY"},
    ]
    entries = [
        match("court", rows, group="monday", note="windy"),
        match("b", [{"frame": 3, "label": "SHOT"}]),
    ]
    write_dataset(tmp_path, entries, labels=("SHOT", "PLAY"), format="bvas-dataset-2", seed=3)
    out = tmp_path / "dataset.json"
    before = contents(out)
    for _ in range(2):  # the second time they are there already
        assert label(court, "--labels", "PLAY,REST", "--present", "40-49,REST:50-99", "--out", out) == 0
    after = contents(out)
    assert after["labels"] == ["PLAY", "REST", "SHOT"]
    assert (after["seed"], after["matches"][1]) == (3, before["matches"][1])
    assert after["matches"][0] == {
        "name": "court",
        "videos": ["court.mp4"],
        "group": "monday",
        "note": "windy",
        "annotations": [
            {"note": "wide", "frame": 10, "label": "SHOT"},
            {"from_frame": 30, "to_frame": 40, "label": "PLAY"},
            {"from_frame": 40, "to_frame": 50, "label": "PLAY"},
            {"from_frame": 50, "to_frame": 100, "label": "REST"},
        ],
    }
    points = dataset_task(("SHOT",))
    found = [annotated_halves(one, points)[0][1] for one in find_matches(points, tmp_path)]
    assert [[one.seconds for one in annotations] for annotations in found] == [[0.4], [0.12]]


def test_a_file_with_faults_or_a_match_of_two_videos_is_left_alone(court, tmp_path, capsys):
    write_video(tmp_path / "b.mp4", 50)
    out = tmp_path / "dataset.json"
    late = {"label": "A", "seconds": 9}
    overlapping = [
        {"label": "A", "from_frame": 3, "to_frame": 9},
        {"label": "A", "from_frame": 8, "to_frame": 12},
    ]
    two = {"name": "m", "videos": ["court.mp4", "b.mp4"], "annotations": []}
    for entry, message in (
        (match("court", [{"label": "X", "frame": 3}]), "label 'X' is not among the dataset's 'labels'"),
        (match("court", [late]), "annotation 0: 9.0 s lies after the end of"),
        (match("court", [{"label": "A", "frame": 100}]), "frame 100 is outside"),
        (
            match("court", overlapping),
            "annotation 1: 'A', frames 8 to 12, overlaps annotation 0 (frames 3 to 9)",
        ),
        (two, "is one of 2 videos of match 0 'm'"),
    ):
        write_dataset(tmp_path, [entry], labels=("A",), format="bvas-dataset-2")
        text = out.read_text()
        assert label(court, "--out", out) == 2
        assert message in capsys.readouterr().err
        assert out.read_text() == text
        assert not (tmp_path / "dataset_page").exists()


def test_the_page_lies_beside_the_file_and_knows_its_labels(court, tmp_path, capsys):
    out = tmp_path / "l.json"
    assert label(court, "--labels", "A,B", "--out", out) == 0
    page = tmp_path / "l_page" / "index.html"
    assert f"page      {page}\n" in capsys.readouterr().out
    # Nobody has looked at the video: it is no video without actions.
    assert contents(out)["matches"] == [{"name": "court", "videos": ["court.mp4"]}]
    assert label(court, "--present", "3-7", "--out", out) == 0
    index = build_index(court)[0]
    data = page_data(label_report(open_labels_file(out, [index], ()), [index], begins_with_ranges=True))
    assert data["labelling"]["begins_with_ranges"]
    assert (data["labelling"]["file"], data["labels"]) == ("l.json", ["A", "B"])
    (shown,) = data["videos"]
    assert shown["annotations"] == {"frame": [3], "end": [8], "label": [0], "more": [{}]}
    # A folder of something else is not written over.
    page.write_text("<p>mine</p>")
    (page.parent / "report.json").unlink()
    assert label(court, "--out", out) == 2
    assert "holds an index.html of something else; take another --out" in capsys.readouterr().err
    assert label(court, "--out", out, "--overwrite") == 0
    assert contents(out)["matches"][0]["annotations"] == [{"from_frame": 3, "to_frame": 8, "label": "A"}]


def test_videos_of_one_name_are_two_matches(court, tmp_path):
    other = write_video(tmp_path / "b" / "court.mp4", 50)
    assert label(court, other, "--labels", "A", "--out", tmp_path / "l.json") == 0
    entries = contents(tmp_path / "l.json")["matches"]
    assert [(one["name"], one["videos"]) for one in entries] == [
        ("court", ["court.mp4"]),
        ("court_2", ["b/court.mp4"]),
    ]
    assert (tmp_path / "l_page" / "court_2.mp4").is_file()
