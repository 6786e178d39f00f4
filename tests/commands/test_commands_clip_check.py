"""`bvas data check` on clips with a class each: counts, table, histogram and sheet."""

import csv
import json
import shutil

import cv2
import numpy as np
import pytest
from task_videos import match, write_dataset, write_video
from video_samples import make_video

from bvas.cli import main
from bvas.data.data_check import check_data, tasks_in
from bvas.report.class_histogram import class_histogram_png
from bvas.report.class_sheet import THUMB_WIDTH, class_sheets, joints_picture
from bvas.report.contact_sheet import COLUMN, EDGE, GAP

SIDES = {"A": (4, 2, 1), "B": (2, 1, 1), "C": (1, 0, 0)}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Twelve clips of three classes in three splits: ten frames at 10 a second, the first one shorter."""
    root = tmp_path_factory.mktemp("clips")
    samples = []
    for label, numbers in SIDES.items():
        for split, number in zip(("train", "valid", "test"), numbers, strict=True):
            for place in range(number):
                name = f"{split}_{label}_{place}"
                count = 6 if not samples else 10
                make_video(root / f"{name}.mp4", num_frames=count, rate=10, first_number=len(samples) * 40)
                samples.append({"video": f"{name}.mp4", "label": label, "split": split})
    write_dataset(root, [], format="bvas-dataset-2", labels=["A", "B", "C"], samples=samples)
    return root


def lines_of(root, capsys, *options):
    code = main(["data", "check", str(root), "--quiet", *map(str, options)])
    return code, [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_clips_are_counted_by_class_and_split_before_and_after_balancing(clips, capsys):
    code, lines = lines_of(clips, capsys)
    assert code == 0
    assert "clips 12 in 3 splits" in lines
    assert "frames 116 in all; 6 to 10 a clip, median 10" in lines
    assert "seconds 11.6 in all; 0.60 to 1.00 a clip, median 1.00" in lines
    start = lines.index("clips all train valid test drawn")
    # Of each class as many of `train` as of the rarest.
    assert lines[start + 1 : start + 5] == ["A 7 4 2 1 1", "B 4 2 1 1 1", "C 1 1 0 0 1", "12 7 3 2 3"]
    assert "note: labels of which all clips are in one fold or split: C (train)" in lines
    assert not [line for line in lines if "annotation" in line or "matches" in line]


def test_json_has_the_training_clips_of_each_class_before_and_after(clips, capsys):
    assert main(["data", "check", str(clips), "--json", "--quiet"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["data"]
    assert found["classes"] == {
        "A": {"training": 4, "drawn": 1},
        "B": {"training": 2, "drawn": 1},
        "C": {"training": 1, "drawn": 1},
    }


def write_experiment(path, classes):
    """Write a config of kind clip with these rules for clips of 3 frames, 5 apart, at 10 a second."""
    path.write_text(
        "from dataclasses import replace\n"
        "from bvas import load_experiment\n"
        "from bvas.values.clip_config import ClipConfig\n"
        "from bvas.data.spotting_task import dataset_task\n"
        "from bvas.experiment.class_config import ClassConfig\n"
        "def experiment():\n"
        f"    classes = ClassConfig({classes})\n"
        "    task = dataset_task(('A', 'B', 'C'))\n"
        "    clip = ClipConfig(num_frames=3, frame_step=2)\n"
        "    base = load_experiment('mini_ball_base')\n"
        "    input = replace(base.input, rate=10)\n"
        "    return replace(base, kind='clip', task=task, classes=classes, clip=clip, input=input)\n"
    )
    return path


def test_an_experiment_balances_by_its_own_caps_and_counts_its_clips(clips, tmp_path, capsys):
    experiment = write_experiment(tmp_path / "capped.py", "cap=2, cap_per_class={'A': 3}")
    table = tmp_path / "files.csv"
    code, lines = lines_of(clips, capsys, "--experiment", experiment, "--table", table)
    assert code == 0, lines
    with table.open(newline="") as file:
        # A clip spans five frames: it begins at two places of six frames, and at six of ten.
        assert {row["name"]: row["clips"] for row in csv.DictReader(file)}["train_A_0"] == "2"
    assert table.read_text().splitlines()[1].endswith(",6")
    start = lines.index("clips all train valid test drawn")
    assert lines[start + 1 : start + 5] == ["A 7 4 2 1 3", "B 4 2 1 1 2", "C 1 1 0 0 1", "12 7 3 2 6"]


def test_several_clips_of_a_sample_are_drawn_as_training_does(clips, tmp_path, capsys):
    experiment = write_experiment(tmp_path / "two.py", "balance=False, clips_per_sample=2")
    _, lines = lines_of(clips, capsys, "--experiment", experiment)
    start = lines.index("clips all train valid test drawn")
    # Each sample has room for two.
    assert lines[start + 1 : start + 5] == ["A 7 4 2 1 8", "B 4 2 1 1 4", "C 1 1 0 0 2", "12 7 3 2 14"]


def test_the_table_has_a_row_for_each_file(clips, tmp_path, capsys):
    lines_of(clips, capsys, "--table", tmp_path / "files.csv")
    with (tmp_path / "files.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    by_name = {row["name"]: row for row in rows}
    first = by_name["train_A_0"]
    assert first.pop("file") == str(clips / "train_A_0.mp4")
    assert first == {
        "name": "train_A_0",
        "label": "A",
        "side": "train",
        "group": "train_A_0.mp4",
        "frames": "6",
        "seconds": "0.6",
        "rate": "10.0",
        "height": "48",
        "width": "80",
        "clips": "",
    }


def test_frames_and_seconds_of_a_range_are_those_of_the_range(tmp_path, capsys):
    make_video(tmp_path / "long.mp4", num_frames=50, rate=10)
    ranges = [(0.5, 2.0), (3.0, 3.5)]
    samples = [
        {"video": "long.mp4", "from_seconds": a, "to_seconds": b, "label": "A", "fold": 0} for a, b in ranges
    ]
    write_dataset(tmp_path, [], format="bvas-dataset-2", labels=["A"], samples=samples)
    code, lines = lines_of(tmp_path, capsys, "--table", tmp_path / "files.csv")
    assert code == 0
    assert "videos 1, 0.00 h" in lines
    assert "frames 20 in all; 5 to 15 a clip, median 10" in lines
    assert "note: all clips are in one fold: nothing is left to train on when it is held out" in lines
    with (tmp_path / "files.csv").open(newline="") as file:
        assert [(row["frames"], row["seconds"]) for row in csv.DictReader(file)] == [
            ("15", "1.5"),
            ("5", "0.5"),
        ]


def frame_place(column, row_top, height):
    left = EDGE + COLUMN + GAP + column * (THUMB_WIDTH + GAP)
    return slice(row_top, row_top + height), slice(left, left + THUMB_WIDTH)


def test_the_sheet_shows_first_and_last_frames_of_each_class(clips):
    (task,) = tasks_in(clips)
    check = check_data(task, clips, guessed=True)
    (sheet,) = class_sheets(check.matches, task.labels)
    height = round(THUMB_WIDTH * 48 / 80 / 2) * 2
    tops = [
        top for top in range(60, len(sheet)) if (sheet[top, EDGE + 2 : -EDGE - 2] == (227, 230, 234)).all()
    ]
    assert len(tops) == 3
    first = sheet[frame_place(0, tops[0] + 2 * GAP, height)].mean(axis=2)
    last = sheet[frame_place(1, tops[0] + 2 * GAP, height)].mean(axis=2)
    # Held-out clips come first. The valid clip of A is the fifth of all: ten frames from number 160 on.
    bars = [np.array_split(picture[4:40], 10, axis=1) for picture in (first, last)]
    read = [sum(1 << bit for bit in range(10) if each[bit].mean() > 125) for each in bars]
    assert read == [160, 169]


def test_pictures_are_written_and_joints_are_drawn_beside_the_frames(clips, tmp_path, capsys):
    root = tmp_path / "root"
    shutil.copytree(clips, root)
    joints = np.zeros((10, 2, 2))
    joints[:, 0], joints[:, 1] = (20, 12), (60, 36)
    np.save(root / "train_B_0.npy", joints)
    code, _ = lines_of(root, capsys, "--pictures", tmp_path / "out")
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["histogram.png", "sheet.png"]
    sheet = cv2.imread(str(tmp_path / "out/sheet.png"))
    # Three samples with first frame, last frame and joints.
    assert sheet.shape[1] == 2 * EDGE + COLUMN + 9 * (THUMB_WIDTH + GAP)


def test_joints_within_the_picture_lie_where_the_thumbnail_has_them():
    joints = np.zeros((2, 1, 2), np.float32)
    joints[0, 0], joints[1, 0] = (32, 44), (96, 132)
    # A picture of 176x128 in a thumbnail of 352x256.
    picture = joints_picture(joints, (176, 128), 352)
    assert picture.shape == (352, THUMB_WIDTH, 3)
    assert picture[264, 192].tolist() == [0, 114, 178]
    assert picture[88, 64].tolist() != [0, 114, 178]
    assert (picture[:40] == 255).all()


def test_joints_in_other_units_are_fitted():
    joints = np.array([[[-1.0, -1.0]], [[1.0, 1.0]]], np.float32)
    picture = joints_picture(joints, (100, 100), THUMB_WIDTH)
    assert picture[THUMB_WIDTH - 10, THUMB_WIDTH - 10].tolist() == [0, 114, 178]
    assert (joints_picture(None, (100, 100), 100) == 255).all()


def test_the_histogram_draws_the_longest_bar_before_and_a_shorter_one_after():
    content = class_histogram_png({"many": 100, "few": 10}, {"many": 10, "few": 10}, heading="Clips")
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    gray, blue = ((np.abs(picture - color).max(axis=2) < 8) for color in ((122, 135, 148), (0, 114, 178)))
    bars = [mask[:, 260:890].sum(axis=1).max() for mask in (gray, blue)]
    assert bars[0] / bars[1] == pytest.approx(10, rel=0.05)


def test_pictures_of_a_root_without_clips_are_refused(tmp_path, capsys):
    write_video(tmp_path / "a.mp4")
    write_dataset(tmp_path, [match("a", [{"label": "PASS", "frame": 3}])])
    assert main(["data", "check", str(tmp_path), "--pictures", str(tmp_path / "out"), "--quiet"]) == 2
    assert "--pictures is for clips with a class each" in capsys.readouterr().err
