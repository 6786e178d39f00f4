"""Import of clips with a class each: Kinetics' tables, and files of class names."""

import pytest
from clip_imports import imported, put, refused, samples
from video_samples import make_video

from bvas.data.class_names import read_class_names
from bvas.data.data_check import tasks_in
from bvas.data.dataset_json import read_dataset
from bvas.data.importing.format_choice import format_of
from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.matches import find_matches
from bvas.errors import DataError

KINETICS = "label,youtube_id,time_start,time_end,split,is_cc\n"


def kinetics(tmp_path, *rows, name="all.csv"):
    path = tmp_path / name
    path.write_text(KINETICS + "".join(f"{row}\n" for row in rows))
    return path


def test_kinetics_clips_lie_anywhere_below_the_videos_and_missing_ones_are_counted(clip, tmp_path, capsys):
    path = kinetics(
        tmp_path,
        "surfing water,abc_-1,10,20,train,0",
        '"dancing, slowly",def,3,13,val,0',
        "surfing water,ghi,0,10,test,1",
        "juggling,lost1,0,10,train,0",
        "juggling,lost2,0,10,train,0",
    )
    put(clip, tmp_path / "videos/train/surfing_water/abc_-1_000010_000020.mp4", tmp_path / "videos/def.mkv")
    put(clip, tmp_path / "videos/ghi_000000_000010.webm")
    assert format_of(path) == "kinetics"

    assert imported(path, tmp_path / "out", "--videos", tmp_path / "videos") == 0

    assert samples(tmp_path / "out") == {
        "abc_-1_000010_000020": ("surfing water", "abc_-1", "train"),
        "def_000003_000013": ("dancing, slowly", "def", "valid"),
        "ghi_000000_000010": ("surfing water", "ghi", "test"),
    }
    said = capsys.readouterr().err
    assert "2 of 5 listed clips missing" in said
    assert "lost1_000000_000010, lost2_000000_000010" in said
    assert read_dataset(tmp_path / "out/dataset.json")[0].labels == (
        "dancing, slowly",
        "juggling",
        "surfing water",
    )


def test_a_clip_of_kinetics_is_a_range_of_a_file_that_is_the_whole_video(tmp_path):
    (tmp_path / "videos").mkdir()
    make_video(tmp_path / "videos/whole.mp4", num_frames=60, rate=5)
    make_video(tmp_path / "videos/cut.mp4", num_frames=10, rate=5)
    rows = ["a,whole,1,3,train,0", "a,whole,4,6,train,0", "b,cut,7,9,val,0"]
    assert imported(kinetics(tmp_path, *rows), tmp_path / "out", "--videos", tmp_path / "videos") == 0
    (task,) = tasks_in(tmp_path / "out")
    spans = {
        match.name: [(one.label, one.start_seconds, one.end_seconds) for one in found]
        for match in find_matches(task, tmp_path / "out")
        for _, found in labelled_ranges(match, task)
    }
    assert spans == {
        "whole_000001_000003": [("a", 1.0, 3.0)],
        "whole_000004_000006": [("a", 4.0, 6.0)],
        "cut_000007_000009": [("b", 0.0, 2.0)],
    }


def test_every_malformed_row_of_kinetics_is_named(clip, tmp_path, capsys):
    put(clip, tmp_path / "videos/abc_000000_000010.mp4")
    path = kinetics(
        tmp_path,
        "a,abc,0,10,train,0",
        "a,abc,0,10,train,0",
        ",abc,1,2,train,0",
        "a,../abc,0,10,train,0",
        "a,abc,nan,10,train,0",
        "a,abc,10,5,train,0",
        "a,abc,0,10,dev,0",
    )
    known = "train, valid, val, validate, validation, test"
    assert refused(path, tmp_path, capsys, "--videos", tmp_path / "videos") == [
        "all.csv: line 3: clip abc_000000_000010 stands twice: all.csv, line 2 is the same; delete one",
        "all.csv: line 4: label is empty; it must be the name of a class",
        "all.csv: line 5: youtube_id is '../abc'; it must be letters, digits, '-' and '_'",
        "all.csv: line 6: time_start is 'nan'; it must be a finite number, like 12.5",
        "all.csv: line 7: time_start is 10 and time_end 5; the clip must end after it begins",
        f"all.csv: line 8: split is 'dev'; it must be one of {known}",
    ]


def test_kinetics_without_any_of_its_videos_is_refused(tmp_path, capsys):
    path = kinetics(tmp_path, "a,abc,0,10,train,0")
    assert refused(path, tmp_path, capsys) == [
        f"all.csv: none of its clips lies below {tmp_path}; say where with --videos".replace(
            f"{tmp_path}/", ""
        )
    ]


def test_a_file_of_labels_fixes_their_order_and_refuses_others(clip, tmp_path, capsys):
    put(clip, tmp_path / "videos/abc.mp4", tmp_path / "videos/def.mp4")
    path = kinetics(tmp_path, "b,abc,0,10,train,0", "a,def,0,10,val,0")
    (tmp_path / "names.txt").write_text("# K600\nc\nb\n\na\n")
    (tmp_path / "names.json").write_text('{"b": 1, "a": 0}')
    (tmp_path / "few.txt").write_text("a\n")
    videos = ("--videos", tmp_path / "videos")

    assert imported(path, tmp_path / "out1", *videos, "--labels", tmp_path / "names.txt") == 0
    assert imported(path, tmp_path / "out2", *videos, "--labels", tmp_path / "names.json") == 0

    assert read_dataset(tmp_path / "out1/dataset.json")[0].labels == ("c", "b", "a")
    assert read_dataset(tmp_path / "out2/dataset.json")[0].labels == ("a", "b")
    assert refused(path, tmp_path, capsys, *videos, "--labels", tmp_path / "few.txt") == [
        "few.txt: does not name 'b', the label of 1 clip; add it"
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "\n# only this\n", "names no class"),
        ("a.txt", "a\nb\na\n", "names 'a' twice"),
        ("a.json", '{"a": 0, "b": 2}', "class 'b' has number 2, and 1 is expected"),
        ("a.json", '{"a": NaN}', "has 'a' with nan"),
        ("a.json", '["a", 3]', "has 3 with 1"),
        ("a.json", '"a"', "must be a list of names, or an object"),
        ("a.json", '{"0": "a", "00": "b"}', "class 'b' has number 0, and 1 is expected"),
    ],
)
def test_a_file_of_labels_that_is_wrong_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_class_names(tmp_path / name)


def test_names_by_number_are_read_as_well(tmp_path):
    (tmp_path / "a.json").write_text('{"1": "b", "0": "a"}')
    assert read_class_names(tmp_path / "a.json") == ("a", "b")
