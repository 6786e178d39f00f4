"""Import of clips with a class each: folders of classes."""

import json
import os
from collections import Counter

from clip_imports import imported, put, refused, samples
from video_samples import make_video

from bvas.cli import main
from bvas.data.data_check import check_data, tasks_in
from bvas.data.importing.format_choice import format_of
from bvas.data.matches import find_matches


def test_folders_of_splits_and_classes_become_samples_with_their_split(clip, tmp_path):
    source = tmp_path / "set"
    names = ["train/PASS/a.mp4", "train/PASS/b.avi", "train/SHOT/a.mkv", "val/PASS/c.mp4", "val/SHOT/d.MOV"]
    put(clip, *(source / name for name in [*names, "test/SHOT/e.webm"]))
    (source / "train/PASS/notes.txt").write_text("not a video")
    assert format_of(source) == "folders"

    assert imported(source, tmp_path / "out") == 0

    assert {name: (label, split) for name, (label, _, split) in samples(tmp_path / "out").items()} == {
        "train/PASS/a": ("PASS", "train"),
        "train/PASS/b": ("PASS", "train"),
        "train/SHOT/a": ("SHOT", "train"),
        "val/PASS/c": ("PASS", "valid"),
        "val/SHOT/d": ("SHOT", "valid"),
        "test/SHOT/e": ("SHOT", "test"),
    }


def test_an_avi_in_a_folder_of_a_class_is_read(tmp_path):
    for name in ("train/A/1.avi", "valid/A/2.avi"):
        (tmp_path / "set" / name).parent.mkdir(parents=True)
        make_video(tmp_path / "set" / name, num_frames=5, codec="mpeg4", rate=10)
    assert imported(tmp_path / "set", tmp_path / "out") == 0
    (task,) = tasks_in(tmp_path / "out")
    check = check_data(task, tmp_path / "out", guessed=True)
    assert [info.num_frames for _, info in check.videos] == [5, 5]
    assert check.faults == []


def test_folders_of_classes_without_splits_have_them_drawn_by_shares(clip, tmp_path):
    source = tmp_path / "set"
    put(clip, *(source / label / f"{number}.mp4" for label in "AB" for number in range(10)))

    assert imported(source, tmp_path / "out", "--shares", "60,30,10", "--seed", "7") == 0

    content = json.loads((tmp_path / "out/dataset.json").read_text())
    assert content["splits"] == {"train": 60, "valid": 30, "test": 10}
    assert (content["seed"], content["labels"]) == (7, ["A", "B"])
    (task,) = tasks_in(tmp_path / "out")
    assert Counter(match.split for match in find_matches(task, tmp_path / "out")) == {
        "train": 12,
        "valid": 6,
        "test": 2,
    }


def test_a_valid_split_is_drawn_of_every_class_where_there_is_only_train_and_test(clip, tmp_path, capsys):
    source = tmp_path / "set"
    put(clip, *(source / "train" / label / f"{number}.mp4" for label in "AB" for number in range(10)))
    put(clip, source / "test/A/x.mp4", source / "test/B/x.mp4")

    assert main(["data", "import", str(source), "--out", str(tmp_path / "out"), "--shares", "80,20"]) == 0
    said = capsys.readouterr().err
    assert "set has no valid split: 4 of 20 training clips are drawn for it, by group, with seed 0" in said

    # 2 of 10 of each class.
    sides = Counter((label, split) for label, _, split in samples(tmp_path / "out").values())
    assert sides == {
        ("A", "train"): 8,
        ("A", "valid"): 2,
        ("A", "test"): 1,
        ("B", "train"): 8,
        ("B", "valid"): 2,
        ("B", "test"): 1,
    }
    before = samples(tmp_path / "out")
    assert imported(source, tmp_path / "again", "--shares", "80,20") == 0
    assert [row[2] for row in samples(tmp_path / "again").values()] == [row[2] for row in before.values()]


def test_folders_that_are_empty_or_hold_loose_videos_are_named(clip, tmp_path, capsys):
    source = tmp_path / "set"
    put(clip, source / "train/A/a.mp4", source / "train/A/a.avi", source / "valid/loose.mp4")
    (source / "train/B").mkdir()
    (source / "validation").mkdir()
    assert refused(source, tmp_path, capsys) == [
        "set/train/A/a.mp4: has the name of a.avi; keep one, or rename it",
        "set/train/B: holds no video (.mkv, .mp4, .mov, .avi, .ts, .webm, .m4v, .mpg, .mpeg, .wmv, .flv, .3gp, .ogv, "
        ".mts, .m2ts); fill or remove the folder",
        "set/valid: holds 1 video in no class; move them into a folder of their class",
        "set/valid: holds no folder of a class; fill or remove it",
        "set/validation: and valid are both the split 'valid'; join them",
        "set/validation: holds no folder of a class; fill or remove it",
    ]


def test_an_empty_folder_is_refused(tmp_path, capsys):
    (tmp_path / "set").mkdir()
    assert imported(tmp_path / "set", tmp_path / "out", "--format", "folders") == 2
    assert "holds no folder; videos lie in CLASS/*.mp4" in capsys.readouterr().err


def test_a_class_whose_name_is_not_text_is_named(clip, tmp_path, capsys):
    source = tmp_path / "set"
    put(clip, source / "train/A/a.mp4", source / os.fsdecode(b"train/caf\xe9/a.mp4"))
    (fault,) = refused(source, tmp_path, capsys)
    assert fault.startswith("set/train: has a folder ")
    assert fault.endswith("whose name is not UTF-8; rename it")
