import json
import shutil

import av
import cv2
import numpy as np
import pytest
from task_videos import entry, match, write_dataset, write_label_file, write_video

from bvas.cli import main
from bvas.data.ball import ball_task, found_ball_task
from bvas.data.data_check import check_data, tasks_in
from bvas.data.spotting_task import dataset_task

TASK = dataset_task(("PASS", "DRIVE"))


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Two videos of two seconds, at 25 and 50 frames per second."""
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "a.mp4", 50)
    write_video(folder / "b.mp4", 100, 50)
    return folder


def _root(videos, root, *matches, **more):
    write_dataset(root, list(matches), **more)
    for name in ("a", "b"):
        shutil.copy(videos / f"{name}.mp4", root)
    return root


def _faults(root, task=TASK, **more):
    return [str(fault).removeprefix(f"{root}/") for fault in check_data(task, root, **more).faults]


def test_a_clean_root_has_a_summary_and_exit_code_0(videos, tmp_path, capsys):
    root = _root(
        videos,
        tmp_path,
        match("a", [{"label": "PASS", "frame": 0}, {"label": "DRIVE", "seconds": 1.0}]),
        match("b", [{"label": "PASS", "frame": 99}]),
    )

    assert main(["data", "check", str(root), "--decode"]) == 0
    text = capsys.readouterr().out
    assert "2 labelled in 2 folds, 0 challenge" in text
    assert ["PASS", "2", "1", "1"] in [line.split() for line in text.splitlines()]
    assert "different rates (25, 50)" in text
    assert "no faults" in text

    assert main(["data", "check", str(root), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["data"]
    assert found["annotations"]["DRIVE"] == {"all": 1, "folds": {"0": 1, "1": 0}}
    assert [(v["frames"], v["seconds"], v["rate"]) for v in found["videos"]] == [
        (50, 2.0, "25"),
        (100, 2.0, "50"),
    ]


def test_a_folder_of_frames_is_a_video(tmp_path):
    (tmp_path / "frames").mkdir()
    for number in range(12):
        cv2.imwrite(str(tmp_path / f"frames/{number:03d}.png"), np.full((32, 48), 20 * number, np.uint8))
    entry = {"name": "a", "videos": ["frames"], "annotations": [{"label": "PASS", "frame": 11}]}
    write_dataset(tmp_path, [entry])

    assert _faults(tmp_path) == []


def test_everything_that_is_wrong_is_listed_in_one_run(videos, tmp_path, capsys):
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "bad.json").write_text('{"annotations": [')
    root = _root(
        videos,
        tmp_path,
        match(
            "a",
            [
                {"label": "PASS", "frame": 10},
                {"label": "PASS", "seconds": 0.4},  # frame 10 again
                {"label": "PASS", "frame": 50},
                {"label": "PASS", "seconds": -1},
                {"label": "SHOT", "seconds": 1},
                {"label": "PASS", "secnds": 1},
                {"label": "PASS", "frame": "7"},
                {"label": "PASS", "frame": 7, "part": 2},
                "PASS",
            ],
            fold=0,
        ),
        match("b", [{"label": "DRIVE", "seconds": 1960}], fold=2),
        match("text", "bad.json", fold=2, tset=True),
        {"name": "a", "fold": 2, "videos": ["a.mp4"], "annotations": []},
        {"name": "../a", "fold": 0, "videos": ["gone.mp4"], "annotations": "gone.json"},
        {"name": "gone", "fold": 0, "videos": ["gone.mp4", "x/gone.mkv"], "annotations": []},
        {"name": "open", "videos": [], "annotations": []},
        {"name": "shut", "videos": "b.mp4", "challenge": False},
    )

    assert main(["data", "check", str(root)]) == 2
    found = [line.partition("fault: ")[2] for line in capsys.readouterr().out.splitlines()]
    found = [text.replace(f"{root}/", "") for text in found if text]

    wanted = [
        "dataset.json: match 0 'a', annotation 1: 'PASS' at 0.4 s repeats annotation 0",
        "dataset.json: match 0 'a', annotation 2: frame 50 is outside a.mp4 (50 frames",
        "dataset.json: match 0 'a', annotation 3: 'seconds' must be a number from 0 up, got -1",
        "dataset.json: match 0 'a', annotation 4: label 'SHOT' is not among the dataset's 'labels'",
        "dataset.json: match 0 'a', annotation 5: unknown key 'secnds'",
        "dataset.json: match 0 'a', annotation 5: needs 'seconds' or 'frame'",
        "dataset.json: match 0 'a', annotation 6: 'frame' must be a whole number from 0 up, got '7'",
        "dataset.json: match 0 'a', annotation 7: 'part' is 2; the match has 1 video",
        "dataset.json: match 0 'a', annotation 8: must be an object",
        "dataset.json: match 1 'b', annotation 0: 1960.0 s lies after the end of b.mp4 (2.000 s); "
        "are the times milliseconds?",
        "dataset.json: match 2 'text': unknown key 'tset'",
        "bad.json: is not JSON",
        "text.mp4: is not a video",
        "dataset.json: match 3 'a': stands twice, in folds 0 and 2",
        "dataset.json: match 3 'a': a.mp4 is also a video of match 0 'a'",
        "dataset.json: match 4 '../a': 'name' is '../a'",
        "dataset.json: match 5 'gone': no video gone.mp4",
        "dataset.json: match 5 'gone': no video x/gone.mkv",
        "dataset.json: match 5 'gone': two videos are called alike",
        "dataset.json: match 6 'open': has no 'fold' while other matches have one",
        "dataset.json: match 6 'open': 'videos' is empty",
        "dataset.json: match 7 'shut': needs 'videos', a list of names, got 'b.mp4'",
        "dataset.json: match 7 'shut': is not a challenge match and has no 'annotations'",
        "dataset.json: fold 1 has no match",
    ]
    for text in wanted:
        assert [line for line in found if line.startswith(text)], text
    # The match without a fold is named for that, and nothing is told twice.
    others = [line for line in found if not line.startswith(tuple(wanted))]
    assert others == [
        "dataset.json: match 7 'shut': has no 'fold' while other matches have one; give all or none"
    ]
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("seconds", "hint"),
    [([30.0], r"frame numbers"), ([1960.0, 400.0], r"milliseconds"), ([9e9], r"cut short")],
)
def test_times_after_the_end_say_what_they_may_be(videos, tmp_path, seconds, hint):
    rows = [{"label": "PASS", "seconds": s} for s in seconds]
    faults = _faults(_root(videos, tmp_path, match("a", rows)))
    assert len(faults) == len(seconds)
    assert all(hint in fault for fault in faults)


def test_an_experiment_decides_which_labels_are_known(videos, tmp_path):
    rows = [{"label": "PASS", "seconds": 1}, {"label": "DRIVE", "seconds": 1}]
    root = _root(videos, tmp_path, match("a", rows))
    (fault,) = _faults(root, dataset_task(("PASS",)))
    assert fault.startswith(
        "dataset.json: match 0 'a', annotation 1: label 'DRIVE' is not among the config's PASS"
    )
    assert _faults(root, dataset_task(("PASS",), ignored=("DRIVE",))) == []
    # Merged into one label, the two are the same action twice.
    (fault,) = _faults(root, dataset_task(("PASS",), merged={"DRIVE": "PASS"}))
    assert "'DRIVE' at 1.0 s repeats annotation 0" in fault
    check = check_data(dataset_task(("PASS", "DRIVE", "SAVE")), root)
    assert [note for note in check.notes if "no annotation of SAVE" in note]


def test_lost_frames_are_found_by_decoding(videos, tmp_path):
    root = _root(videos, tmp_path, match("a", []), match("b", []))
    with av.open(str(root / "a.mp4")) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray((root / "a.mp4").read_bytes())
    position, size = packets[20]
    # Behind the four bytes of its length, a unit of no known type.
    content[position + 4 : position + size] = b"\xff" * (size - 4)
    (root / "a.mp4").write_bytes(bytes(content))

    assert _faults(root) == []
    (fault,) = _faults(root, decode=True)
    assert fault == "a.mp4: lost frames: 20 (1 in all); get a whole copy"


def test_soccernet_labels_are_checked_in_the_same_way(videos, tmp_path):
    base = tmp_path / "spotting-ball-2023"
    for name in ("one", "two"):
        (base / name).mkdir(parents=True)
    shutil.copy(videos / "a.mp4", base / "one" / "1_720p.mp4")
    write_label_file(
        base / "one/Labels-ball.json",
        [
            entry(),
            entry(),
            entry("SHOT"),
            entry(position="-3"),
            entry(position="9000"),
            entry(time="2 - 00:01"),
            "PASS",
            entry("DRIVE"),
        ],
    )
    write_label_file(base / "two/Labels-ball.json", [])

    found = [str(fault).removeprefix(f"{base}/") for fault in check_data(found_ball_task(), tmp_path).faults]

    labels = "one/Labels-ball.json: annotation"
    starts = [
        f"{labels} 1: 'PASS' at 0.4 s repeats annotation 0",
        f"{labels} 2: label 'SHOT' is not among the config's",
        f"{labels} 3: has half 1 and position -3 ms",
        f"{labels} 4: 9.0 s lies after the end",
        f"{labels} 5: 'PASS' lies in half 2, which has no video",
        f"{labels} 6: must be an object, got 'PASS'",
    ]
    assert all(any(fault.startswith(start) for fault in found) for start in starts)
    assert [fault for fault in found if "two: holds Labels-ball.json and no video" in fault]
    assert len(found) == 7
    # Without an experiment, SoccerNet's twelve labels are known.
    (task,) = tasks_in(tmp_path)
    assert not [f for f in check_data(task, tmp_path).faults if "SHOT" in f.message]


def test_each_match_that_a_task_names_and_that_is_not_there_is_a_fault(videos, tmp_path):
    (tmp_path / "spotting-ball-2023").mkdir()
    faults = [
        fault for fault in check_data(ball_task(), tmp_path).faults if "names this match" in fault.message
    ]
    assert len(faults) == 7


def test_a_root_that_is_not_there_is_said_in_one_line(tmp_path, capsys):
    assert main(["data", "check", str(tmp_path / "nowhere")]) == 2
    assert "no folder" in capsys.readouterr().err
