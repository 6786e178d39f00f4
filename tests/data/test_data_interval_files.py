"""Files of intervals: what is read, what is refused, and that what is written is read back."""

import json
import math

import pytest
from task_videos import write_dataset

from bvas.data.interval_files import (
    IntervalRow,
    intervals_csv_text,
    intervals_json,
    read_interval_file,
)
from bvas.data.soccernet_entries import Notices
from bvas.errors import DataError
from bvas.values.annotations import Interval


def read(path):
    notices = Notices()
    return read_interval_file(path, notices).rows, notices.lines()


def written(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_table_needs_begin_and_end_only(tmp_path):
    rows, said = read(written(tmp_path / "a.csv", "start_seconds,end_seconds\n1.5,2\n3,4.25\n"))
    assert [row.interval for row in rows[""]] == [Interval("", 1.5, 2.0), Interval("", 3.0, 4.25)]
    assert said == []


def test_tables_of_other_programs_are_read(tmp_path):
    rows, _ = read(written(tmp_path / "a.tsv", "Label\tStart_Seconds\tEnd_Seconds\nDUNK\t1\t2\n"))
    assert rows[""][0].interval == Interval("DUNK", 1.0, 2.0)
    rows, _ = read(written(tmp_path / "b.csv", "video;start_seconds;end_seconds\na.mp4;1,5;2,5\n"))
    assert rows["a.mp4"][0].interval == Interval("", 1.5, 2.5)


def test_frames_stand_beside_times_or_alone(tmp_path):
    text = "start_seconds,end_seconds,first_frame,last_frame\n1,2,25,49\n3,4,,\n"
    rows, _ = read(written(tmp_path / "a.csv", text))
    assert [(row.first_frame, row.last_frame) for row in rows[""]] == [(25, 49), (None, None)]
    rows, _ = read(written(tmp_path / "b.csv", "first_frame,last_frame\n405,577\n"))
    assert (rows[""][0].first_frame, rows[""][0].last_frame) == (405, 577)
    assert math.isnan(rows[""][0].interval.start_seconds)


def test_both_forms_of_activitynet_are_read(tmp_path):
    result = {"results": {"a": [{"label": "DUNK", "score": 0.75, "segment": [1.0, 2.5]}], "b": []}}
    truth = {"database": {"a": {"subset": "test", "annotations": [{"label": "DUNK", "segment": [1, 2]}]}}}
    rows, _ = read(written(tmp_path / "r.json", result))
    assert rows["a"][0].interval == Interval("DUNK", 1.0, 2.5, 0.75)
    rows, _ = read(written(tmp_path / "t.json", truth))
    assert rows["a"][0].interval == Interval("DUNK", 1.0, 2.0, 1.0)


def test_files_of_another_system_are_read(shared_data):
    truth, _ = read(shared_data / "intervals" / "gt.json")
    result, _ = read(shared_data / "intervals" / "result.json")
    assert sum(map(len, truth.values())) > 0
    assert sum(map(len, result.values())) > 0


def test_ranges_of_a_dataset_are_read_and_its_moments_are_counted(tmp_path):
    annotations = [
        {"label": "PASS", "from_frame": 10, "to_frame": 20},
        {"label": "PASS", "from_seconds": 1.0, "to_seconds": 2.0},
        {"label": "DRIVE", "seconds": 1.0},
    ]
    match = {"name": "one", "videos": ["one.mp4"], "annotations": annotations}
    sample = {"video": "two.mp4", "label": "DRIVE"}
    write_dataset(tmp_path, [match], format="bvas-dataset-2", samples=[sample])

    rows, said = read(tmp_path / "dataset.json")

    first, second = rows[str(tmp_path / "one.mp4")]
    assert (first.first_frame, first.last_frame) == (10, 19)
    assert second.interval == Interval("PASS", 1.0, 2.0)
    (whole,) = rows[str(tmp_path / "two.mp4")]
    assert (whole.interval.start_seconds, whole.interval.end_seconds) == (0.0, math.inf)
    assert said[0].startswith("1 annotation that are moments") or said[0].startswith("1 annotations")


def test_what_is_written_is_read_back(tmp_path):
    row = IntervalRow(
        video="a.mp4",
        interval=Interval('DUNK, "two"', 16.2, 23.12, 0.875),
        first_frame=405,
        last_frame=577,
    )
    other = IntervalRow(video="b.mp4", interval=Interval("", 1.0, 2.0))

    text = intervals_csv_text([row, other])

    written(tmp_path / "intervals.csv", text)
    lines = text.splitlines()
    assert lines[0] == "video,label,start_seconds,end_seconds,first_frame,last_frame,confidence"
    assert lines[1] == 'a.mp4,"DUNK, ""two""",16.200000,23.120000,405,577,0.875'
    rows, _ = read(tmp_path)
    assert rows["a.mp4"][0].interval == row.interval
    assert (rows["a.mp4"][0].first_frame, rows["a.mp4"][0].last_frame) == (405, 577)

    content = intervals_json({"a": [row.interval], "b": [other.interval], "c": []})
    rows, _ = read(written(tmp_path / "r.json", content))
    assert content["results"]["c"] == []
    assert {video: [one.interval for one in found] for video, found in rows.items()} == {
        "a": [row.interval],
        "b": [other.interval],
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "label,start_seconds\nA,1\n", "lacks the column 'end_seconds'"),
        ("a.csv", "start_seconds,end_seconds\n2,1\n", r"line 2: it ends at 1 s and starts at 2 s"),
        ("a.csv", "start_seconds,end_seconds\n-1,1\n", "line 2: it starts at -1 s"),
        ("a.csv", "start_seconds,end_seconds\nsoon,1\n", "line 2: start_seconds is 'soon'"),
        ("a.csv", "first_frame,last_frame\n20,10\n", r"the last frame \(10\) is before the first \(20\)"),
        (
            "a.csv",
            "first_frame,last_frame\n1.5,10\n",
            "first_frame is 1.5; write a whole number, from 0",
        ),
        ("a.csv", "start_seconds,end_seconds\n1,2e9\n", "a recording has at most"),
        ("a.json", {"results": {"a": [{"label": "A", "segment": [1]}]}}, "'a', interval 0 is"),
        ("a.json", {"results": {"a": 3}}, "'a' must hold a list"),
        ("a.json", {"predictions": []}, "it holds spots"),
        ("a.json", [1, 2], "neither ActivityNet's"),
        ("a.xml", "<a/>", "not a file of intervals by its name"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        read(written(tmp_path / name, content))


def test_a_missing_file_and_an_odd_confidence(tmp_path):
    with pytest.raises(DataError, match="no file"):
        read(tmp_path / "a.csv")
    _, said = read(written(tmp_path / "b.csv", "start_seconds,end_seconds,confidence\n1,2,1.5\n"))
    assert "confidence outside [0, 1]" in said[0]
