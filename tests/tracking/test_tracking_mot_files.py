import numpy as np
import pytest

from bvas.errors import DataError
from bvas.metrics.tracking_scores import score_tracks
from bvas.tracking.mot_files import (
    mot_text,
    read_detections,
    read_mot,
    read_track_rows,
    read_tracks,
    read_truth,
    write_mot,
)
from bvas.tracking.track_rows import rows_of_tracks
from bvas.tracking.tracks import Track

SECONDS = np.arange(10) / 25


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "boxes.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def track(number, frames, scores, x=10.0):
    frames = np.array(frames)
    boxes = np.column_stack([x + frames, np.full(len(frames), 20.25), np.full((len(frames), 2), 30.125)])
    return Track(
        number=number,
        frames=frames,
        seconds=SECONDS[frames],
        boxes=boxes,
        scores=np.array(scores, dtype=np.float32),
    )


def test_a_line_is_a_box_and_frames_count_from_zero_in_memory(file):
    held = read_mot(file("1,3,10.5,20,30,40,0.9,-1,-1,-1\n7,-1,-2,0,1e1,4.,-1,-1,-1,-1\n"))
    assert held.frames.tolist() == [0, 6]
    assert held.identities.tolist() == [3, -1]
    assert held.boxes.tolist() == [[10.5, 20, 30, 40], [-2, 0, 10, 4]]
    assert held.confidences[0] == 0.9
    assert np.isnan(held.confidences[1])
    assert held.lines.tolist() == [1, 2]


@pytest.mark.parametrize(
    "content",
    [
        "1, 3, 10, 20, 30, 40, 1, 1, 1\n2, 3, 11, 20, 30, 40, 1, 1, 1\n",
        "1 3 10 20 30 40 1 1 1\n2\t3\t11\t20\t30\t40\t1\t1\t1\n",
        "\ufeff1,3,10,20,30,40,1\r\n2,3,11,20,30,40,1\r\n",
        "# boxes\n\n1,3,10,20,30,40\n   \n2,3,11,20,30,40",
        "1.0,3.000e+00,10,20,30,40,1\n2.0,3.0,11,20,30,40,1,player,\n",
    ],
)
def test_all_spellings_of_lines_are_read(file, content):
    held = read_mot(file(content))
    assert (held.frames.tolist(), held.identities.tolist()) == ([0, 1], [3, 3])
    assert held.boxes.tolist() == [[10, 20, 30, 40], [11, 20, 30, 40]]


def test_an_empty_file_has_no_boxes(file):
    path = file("# nothing found\n")
    assert read_truth(path).boxes.shape == (0, 4)
    assert read_tracks(path, SECONDS) == []
    assert read_detections(path, SECONDS) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2,3,4,5", "line 2 has 5 columns, and six are needed"),
        ("1;2;3;4;5;6", "line 2 has 1 column, and six"),
        ("frame,id,x,y,w,h", "line 2: frame is 'frame', and must be a whole number"),
        ("1.5,2,3,4,5,6", "line 2: frame is '1.5', and must be a whole number"),
        ("1,2.5,3,4,5,6", "line 2: identity is '2.5', and must be a whole number"),
        ("1,2,nan,4,5,6", "line 2: x is 'nan', and must be a finite number"),
        ("1,2,3,1e999,5,6", "line 2: y is '1e999', and must be a finite number"),
        ("1,2,3,,5,6", "line 2: y is '', and must be"),
        ("1,2,3,4,5,6,high", "line 2: confidence is 'high'"),
        ("1,1e300,3,4,5,6", "line 2: identity is '1e300'"),
        ("0,2,3,4,5,6", "line 2: frame is 0, and frames of MOT files count from 1; add 1 to all"),
        ("1,2,3,4,0,6", "line 2: width and height are 0 and 6, and must be above 0"),
        ("1,2,3,4,5,-6", "line 2: width and height are 5 and -6"),
    ],
)
def test_a_wrong_line_is_named(file, line, message):
    with pytest.raises(DataError) as told:
        read_mot(file(f"1,9,3,4,5,6\n{line}\n"))
    assert message in str(told.value)
    assert "boxes.txt" in str(told.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no file .*gt\.txt"):
        read_truth(tmp_path / "gt.txt")


def test_a_true_row_with_confidence_zero_is_ignored(file):
    path = file("1,3,10,20,30,40,1,1,1\n1,4,90,20,30,40,0,8,1\n2,4,90,20,30,40,-1\n3,5,90,20,30,40\n")
    assert read_truth(path).identities.tolist() == [3, 4, 5]
    # In a tracker's results it is a low confidence.
    assert read_track_rows(path).identities.tolist() == [3, 4, 4, 5]


def test_a_repeated_identity_is_named_with_its_line_and_the_frame_of_the_file(file):
    path = file("# tracks\n5,3,10,20,30,40,1\n6,3,10,20,30,40,1\n5,3,11,20,30,40,1\n")
    for read in (read_truth, read_track_rows, lambda path: read_tracks(path, SECONDS)):
        with pytest.raises(DataError, match=r"line 4: identity 3 has a box in frame 5 already; delete one"):
            read(path)


def test_ignored_true_rows_may_repeat_an_identity(file):
    path = file("5,3,10,20,30,40,1\n5,3,11,20,30,40,0\n")
    assert read_truth(path).boxes.tolist() == [[10, 20, 30, 40]]


def test_detections_are_refused_as_tracks(file):
    path = file("1,2,10,20,30,40,1\n5,-1,10,20,30,40,1\n")
    for read in (read_truth, read_track_rows, lambda path: read_tracks(path, SECONDS)):
        with pytest.raises(DataError, match="line 2: identity is -1, which is that of a detection"):
            read(path)


def test_tracks_are_read_back_as_written(tmp_path):
    tracks = [track(1, [0, 1, 4], [0.9, np.nan, 1 / 3]), track(12, [1, 9], [1, 1e-6], x=300.0)]
    write_mot(tmp_path / "tracks.txt", tracks)
    again = read_tracks(tmp_path / "tracks.txt", SECONDS)
    assert [one.number for one in again] == [1, 12]
    for one, other in zip(tracks, again, strict=True):
        assert other.scores.dtype == np.float32
        for name in ("frames", "seconds", "boxes", "scores"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_lines_are_in_order_of_frames_then_of_numbers():
    text = mot_text([track(2, [0, 3], [0.5, np.nan]), track(10, [0], [1])])
    assert text == (
        "1,2,10.000,20.250,30.125,30.125,0.5,-1,-1,-1\n"
        "1,10,10.000,20.250,30.125,30.125,1,-1,-1,-1\n"
        "4,2,13.000,20.250,30.125,30.125,-1,-1,-1,-1\n"
    )


def test_rows_of_tracks_are_those_of_their_file(tmp_path):
    tracks = [track(1, [0, 1, 4], [0.9, np.nan, 0.3]), track(2, [1, 9], [1, 1], x=300.0)]
    write_mot(tmp_path / "tracks.txt", tracks)
    rows = rows_of_tracks(tracks)
    assert rows.frames.tolist() == [0, 1, 4, 1, 9]
    assert rows.identities.tolist() == [1, 1, 1, 2, 2]
    assert score_tracks(rows, read_track_rows(tmp_path / "tracks.txt")).hota == 1
    assert rows_of_tracks([]).boxes.shape == (0, 4)


def test_tracks_need_numbers_from_one(file):
    with pytest.raises(DataError, match="line 1: identity is 0; number tracks from 1"):
        read_tracks(file("1,0,10,20,30,40,1\n"), SECONDS)


def test_a_frame_beyond_the_video_is_named(file):
    path = file("10,1,10,20,30,40,1\n11,1,10,20,30,40,1\n")
    for read in (read_tracks, read_detections):
        with pytest.raises(DataError, match="line 2: frame is 11, and the video has 10 frames"):
            read(path, SECONDS)


def test_a_confidence_outside_of_the_unit_interval_is_named(file):
    path = file("1,1,10,20,30,40,0.5\n2,1,10,20,30,40,55\n")
    for read in (read_tracks, read_detections):
        with pytest.raises(DataError, match=r"line 2: confidence is 55, and must lie in \[0, 1\]"):
            read(path, SECONDS)


def test_detections_are_given_by_frame_whatever_their_order_and_identities(file):
    path = file("4,-1,1,2,3,4,0.5\n2,7,5,6,7,8,-1\n4,-1,9,10,11,12,0.25\n")
    first, second = read_detections(path, SECONDS)
    assert (first.frame, first.seconds, first.scores.tolist()) == (1, SECONDS[1], [1.0])
    assert (second.frame, second.seconds, second.scores.tolist()) == (3, SECONDS[3], [0.5, 0.25])
    assert second.boxes.tolist() == [[1, 2, 3, 4], [9, 10, 11, 12]]
    assert second.scores.dtype == np.float32


def test_an_earlier_file_stays_where_writing_fails(tmp_path):
    (tmp_path / "tracks.txt").mkdir()
    with pytest.raises(DataError, match="cannot write"):
        write_mot(tmp_path / "tracks.txt", [track(1, [0], [1])])
    assert [path.name for path in tmp_path.iterdir()] == ["tracks.txt"]
