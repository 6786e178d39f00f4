import json
from collections import Counter
from dataclasses import replace

import pytest
from task_videos import match, write_dataset, write_video

from bvas.cli import main
from bvas.data.data_check import check_data
from bvas.data.dataset_json import read_annotations, read_dataset
from bvas.data.importing.draft import write_dataset as write_import
from bvas.data.importing.merging import read_root
from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.labels_file import open_labels_file
from bvas.data.matches import annotated_halves, find_matches, folds_of, scored_matches
from bvas.data.splits import draw_folds, draw_splits
from bvas.data.spotting_task import dataset_task
from bvas.errors import ConfigError, DataError
from bvas.experiment.experiment import load_experiment
from bvas.predicting.assignments import of_match
from bvas.tasks.kind_choice import kind_of
from bvas.values.annotations import Interval
from bvas.video.index.video_index import build_index

TASK = dataset_task(("PASS", "DRIVE"))
V2 = {"format": "bvas-dataset-2"}
SHARES = {"train": 70.0, "valid": 20.0, "test": 10.0}


def sample(video, label="PASS", **more):
    return {"video": f"{video}.mp4", "label": label, **more}


def write_samples(root, samples, **more):
    return write_dataset(root, [], samples=samples, **V2, **more)


def faults_of(root):
    return [
        str(fault).removeprefix(f"{root}/dataset.json: ") for fault in read_dataset(root / "dataset.json")[1]
    ]


def test_groups_of_one_are_dealt_into_folds_in_turn():
    assert draw_folds(list("abcde"), 2) == [0, 1, 0, 1, 0]


def test_a_group_goes_whole_to_the_fold_with_the_fewest_samples():
    # a (3) to 0, b (1) and c (1) to 1, then d (1) to 1 again: three each.
    assert draw_folds(list("aaabcd"), 2) == [0, 0, 0, 1, 1, 1]


def test_shares_of_single_samples_are_met_exactly_and_the_seed_decides_which():
    names = [f"clip {number}" for number in range(50)]
    drawn = draw_splits(names, SHARES)
    assert Counter(drawn) == {"train": 35, "valid": 10, "test": 5}
    assert drawn == draw_splits(names, SHARES) != draw_splits(names, SHARES, seed=1)


def test_shares_are_met_as_near_as_whole_groups_allow():
    groups = [f"match {number % 20}" for number in range(200)]
    drawn = draw_splits(groups, SHARES)
    assert Counter(drawn) == {"train": 140, "valid": 40, "test": 20}
    assert all(len({drawn[number] for number in range(first, 200, 20)}) == 1 for first in range(20))


def test_no_split_stays_empty_where_there_are_enough_groups():
    assert sorted(draw_splits(list("abc"), SHARES)) == ["test", "train", "valid"]


def test_a_sample_is_a_video_with_one_label_and_a_group(tmp_path):
    write_samples(
        tmp_path,
        [
            sample("clips/a", group="game 1"),
            sample("clips/b", "DRIVE"),
            sample("long", from_frame=3, to_frame=9),
        ],
    )
    dataset, faults = read_dataset(tmp_path / "dataset.json")
    assert faults == []
    assert [(one.name, one.group) for one in dataset.matches] == [
        ("clips/a", "game 1"),
        ("clips/b", "clips/b.mp4"),
        ("long_3-9", "long.mp4"),
    ]
    assert [read_annotations(one)[0].items[0].moment for one in dataset.matches] == [
        "the whole video",
        "the whole video",
        "frames 3 to 9",
    ]


def test_ranges_come_in_seconds_half_open_and_a_sample_reaches_to_the_end(tmp_path):
    write_video(tmp_path / "a.mp4", 50)
    rows = [
        {"label": "PASS", "from_seconds": 0.4, "to_seconds": 1.2},
        {"label": "DRIVE", "from_frame": 5, "to_frame": 10},
        {"label": "DRIVE", "from_frame": 40, "to_frame": 50},
    ]
    write_dataset(tmp_path, [match("a", rows)], **V2)
    ((_, ranges),) = labelled_ranges(find_matches(TASK, tmp_path)[0], TASK)
    assert ranges == [Interval("DRIVE", 0.2, 0.4), Interval("PASS", 0.4, 1.2), Interval("DRIVE", 1.6, 2.0)]

    write_samples(tmp_path, [sample("a")])
    ((_, ranges),) = labelled_ranges(find_matches(TASK, tmp_path)[0], TASK)
    assert ranges == [Interval("PASS", 0.0, 2.0)]


def test_a_range_that_ends_after_its_video_is_refused_and_one_within_a_frame_of_the_end_is_not(tmp_path):
    write_video(tmp_path / "a.mp4", 50)
    for end in (2.03, 2.1):
        rows = [{"label": "PASS", "from_seconds": 0.4, "to_seconds": end}]
        write_dataset(tmp_path, [match("a", rows)], **V2)
        (found,) = find_matches(TASK, tmp_path)
        if end < 2.04:
            assert labelled_ranges(found, TASK)[0][1] == [Interval("PASS", 0.4, 2.0)]
    with pytest.raises(DataError, match=r"annotation 0: 2\.1 s lies after the end of .*a\.mp4 \(2\.000 s\)"):
        labelled_ranges(found, TASK)
    with pytest.raises(DataError, match=r"2\.1 s lies after the end"):
        open_labels_file(tmp_path / "dataset.json", [build_index(tmp_path / "a.mp4")[0]], ())


def test_spotting_refuses_ranges_and_stretches_refuse_moments(tmp_path):
    write_video(tmp_path / "a.mp4", 50)
    rows = [{"label": "PASS", "seconds": 1}, {"label": "PASS", "from_seconds": 0.4, "to_seconds": 1.2}]
    write_dataset(tmp_path, [match("a", rows)], **V2)
    (found,) = find_matches(TASK, tmp_path)
    with pytest.raises(
        DataError, match=r"annotation 1: 'PASS' is a range \(0.4 to 1.2 s\), and .*'spot' learns moments"
    ):
        annotated_halves(found, TASK)
    with pytest.raises(
        DataError, match="annotation 0: 'PASS' is a moment; give 'from_seconds' and 'to_seconds'"
    ):
        labelled_ranges(found, TASK)


def test_an_experiment_reads_its_own_form_and_leaves_out_the_other_of_labels_that_it_does_not_have(tmp_path):
    write_video(tmp_path / "a.mp4", 50)
    rows = [
        {"label": "PASS", "frame": 10},
        {"label": "IN_FRAME", "from_frame": 5, "to_frame": 10},
        {"label": "PASS", "frame": 20},
    ]
    write_dataset(tmp_path, [match("a", rows)], labels=("PASS", "IN_FRAME"), **V2)
    points, ranges = dataset_task(("PASS",)), dataset_task(("IN_FRAME",))
    ((_, moments),) = annotated_halves(find_matches(points, tmp_path)[0], points)
    assert [(one.label, one.seconds) for one in moments] == [("PASS", 0.4), ("PASS", 0.8)]
    ((_, stretches),) = labelled_ranges(find_matches(ranges, tmp_path)[0], ranges)
    assert stretches == [Interval("IN_FRAME", 0.2, 0.4)]
    for task, form in ((points, "moment"), (ranges, "range")):
        assert check_data(task, tmp_path, form=form).faults == []
    # A moment of an unknown label is a misspelled one.
    other = dataset_task(("DRIVE",))
    with pytest.raises(DataError, match=r"annotation 0: label 'PASS' is not among .*: PASS \(2\)"):
        annotated_halves(find_matches(other, tmp_path)[0], other)
    # A sample of an unknown label is no video without actions.
    write_samples(tmp_path, [sample("a", "IN_FRAME")], labels=["IN_FRAME"])
    with pytest.raises(DataError, match=r"'IN_FRAME' is a range \(the whole video\), and an experiment"):
        annotated_halves(find_matches(points, tmp_path)[0], points)


def test_overlapping_ranges_of_one_label_are_faults_that_name_both(tmp_path, capsys):
    write_video(tmp_path / "a.mp4", 50)
    rows = [
        {"label": "PASS", "from_frame": 30, "to_frame": 40},
        {"label": "PASS", "from_seconds": 0.4, "to_seconds": 1.2},
        {"label": "DRIVE", "from_frame": 12, "to_frame": 31},
        {"label": "PASS", "from_frame": 9, "to_frame": 11},
    ]
    write_dataset(tmp_path, [match("a", rows)], **V2)
    # 0.4 s is frame 10, and 1.2 s frame 30: that range touches the first, and DRIVE is another label.
    text = "annotation 1: 'PASS', 0.4 to 1.2 s, overlaps annotation 3 (frames 9 to 11); ranges of one label may touch"
    assert main(["data", "check", str(tmp_path)]) == 2
    assert capsys.readouterr().out.count("overlaps annotation") == 1
    with pytest.raises(DataError) as error:
        labelled_ranges(find_matches(TASK, tmp_path)[0], TASK)
    assert text in str(error.value)
    rows[3]["to_frame"] = 10
    write_dataset(tmp_path, [match("a", rows)], **V2)
    assert main(["data", "check", str(tmp_path)]) == 0
    assert len(labelled_ranges(find_matches(TASK, tmp_path)[0], TASK)[0][1]) == 4


def test_version_1_has_no_keys_of_version_2(tmp_path):
    row = {"label": "PASS", "from_seconds": 0.4, "to_seconds": 1.2}
    write_dataset(tmp_path, [match("a", [row], group="g", split="train")], splits=SHARES)
    keys = ["'splits'", "'group'", "'split'", "'from_seconds'", "'to_seconds'"]
    found = [fault for fault in faults_of(tmp_path) if "is a key of version 2; set 'format'" in fault]
    assert sorted(key for key in keys if any(f"{key} is a key" in fault for fault in found)) == sorted(keys)
    assert len(found) == 5


def test_faults_of_version_2_are_all_named_in_one_run(tmp_path):
    rows = [
        {"label": "PASS", "from_seconds": 3, "to_seconds": 2},
        {"label": "PASS", "from_frame": 3},
        {"label": "PASS", "frame": 1, "from_frame": 3, "to_frame": 4},
    ]
    write_dataset(
        tmp_path,
        [match("a", rows, split="train"), match("b", [], split="val"), match("c", [])],
        samples=[
            sample("x", "SHOT", split="train"),
            sample("y", split="train", from_seconds=0, to_seconds=1),
            sample("y", split="train", from_seconds=1, to_seconds=2, group="other"),
            {"video": "z.mp4"},
        ],
        splits={"train": 1},
        **V2,
    )
    wanted = [
        "match 0 'a', annotation 0: 'to_seconds' is 2.0; it must be after 'from_seconds' (3.0)",
        "match 0 'a', annotation 1: has one end of a range; give 'to_frame' too",
        "match 0 'a', annotation 2: needs 'seconds' or 'frame', one of the two, or a range",
        "match 1 'b': 'split' is 'val'; it must be one of train, valid, test",
        "match 1 'b': has no 'split' while other matches have one",
        "match 2 'c': has no 'split' while other matches have one",
        "sample 0 'x.mp4': label 'SHOT' is not among the dataset's 'labels'",
        "sample 2 'y.mp4': is of the same video as sample 1 'y.mp4'; give both one 'group'",
        "sample 3 'z.mp4': needs 'label', a text",
        "sample 3 'z.mp4': has no 'split' while other matches have one",
        "split 'valid' has no match",
        "'splits': needs 'valid', a number from 0 up",
        "gives two of 'folds', 'splits', a fold with each match, and a split with each match; keep one",
    ]
    found = faults_of(tmp_path)
    for text in wanted:
        assert [fault for fault in found if fault.startswith(text)], text
    assert len(found) == len(wanted)


@pytest.mark.parametrize(
    ("first", "second"), [({"fold": 0}, {"fold": 1}), ({"split": "train"}, {"split": "valid"})]
)
def test_a_group_on_two_sides_is_an_error_that_names_both(tmp_path, first, second):
    write_samples(tmp_path, [sample("a", group="game", **first), sample("b", group="game", **second)])
    with pytest.raises(
        DataError, match=r"sample 1 'b.mp4': is in .*, and sample 0 'a.mp4' of the same group 'game'"
    ):
        find_matches(TASK, tmp_path)


def test_folds_by_number_keep_groups_whole(tmp_path):
    samples = [sample(str(number), group=f"game {number // 3}") for number in range(9)]
    for task, more in ((TASK, {"folds": 3}), (replace(TASK, num_folds=3), {}), (TASK, {})):
        found = find_matches(task, write_samples(tmp_path, samples, **more))
        assert [one.fold for one in found] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    write_samples(tmp_path, samples, folds=4)
    with pytest.raises(
        DataError, match="the data has 3 groups of labelled matches, and task own has 4 folds"
    ):
        find_matches(TASK, tmp_path)


def test_of_splits_one_model_learns_train_validates_on_valid_and_is_scored_on_test(tmp_path):
    for name in "abcd":
        write_video(tmp_path / f"{name}.mp4", 50)
    splits = {"a": "train", "b": "valid", "c": "test", "d": "train"}
    rows = [{"label": "PASS", "seconds": 1}]
    write_dataset(tmp_path, [match(name, rows, split=split) for name, split in splits.items()], **V2)
    found = find_matches(TASK, tmp_path)
    by_name = {one.name: one for one in found}

    assert folds_of(found) == [0]
    training, held_out = kind_of(replace(load_experiment("demo"), task=TASK)).samples(found, 0)
    assert ([video.name for video in training], [video.name for video in held_out]) == (
        ["a/a", "d/d"],
        ["b/b"],
    )
    assert [one.name for one in scored_matches(found)] == ["c"]
    assert [one.is_test for one in found] == [one.name == "c" for one in found]
    assert of_match(by_name["c"], [0], tmp_path).folds == (0,)
    with pytest.raises(ConfigError, match="'a' is in split 'train': all models were trained on it"):
        of_match(by_name["a"], [0], tmp_path)


def test_shares_need_a_group_for_each_split(tmp_path):
    write_samples(tmp_path, [sample("a", group="g"), sample("b", group="g")], splits=SHARES)
    with pytest.raises(
        DataError, match="has 1 group of labelled matches, and 'splits' names train, valid, test"
    ):
        find_matches(TASK, tmp_path)


def test_the_check_counts_by_split_and_says_the_shares_reached(tmp_path, capsys):
    for number in range(10):
        write_video(tmp_path / f"{number}.mp4", 10 + number)
    write_samples(tmp_path, [sample(str(number)) for number in range(10)], splits=SHARES, labels=["PASS"])
    assert main(["data", "check", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "10, none of them cut: train 70.0 %, valid 20.0 %, test 10.0 %" in text
    assert ["PASS", "10", "7", "2", "1", "7"] in [line.split() for line in text.splitlines()]


def test_a_root_of_version_2_is_written_again_as_it_was(tmp_path):
    rows = [{"label": "PASS", "frame": 3}, {"label": "DRIVE", "from_frame": 3, "to_frame": 7}]
    root = write_dataset(
        tmp_path / "root",
        [match("a", rows, group="game"), match("b")],
        samples=[sample("c", group="game"), sample("d", from_seconds=0.5, to_seconds=1.0)],
        splits=SHARES,
        seed=3,
        **V2,
    )
    write_import(read_root(root, resolution="720p", label_file=None), tmp_path / "again", placing="path")

    before, after = (read_dataset(folder / "dataset.json") for folder in (root, tmp_path / "again"))
    assert before[1] == after[1] == []
    assert (before[0].shares, before[0].seed) == (after[0].shares, after[0].seed)
    for one, other in zip(before[0].matches, after[0].matches, strict=True):
        assert [getattr(one, key) for key in ("name", "group", "split", "videos", "is_sample")] == [
            getattr(other, key) for key in ("name", "group", "split", "videos", "is_sample")
        ]
        if one.annotations is not None:
            assert read_annotations(one)[0].items == read_annotations(other)[0].items
    assert json.loads((tmp_path / "again/dataset.json").read_text())["format"] == "bvas-dataset-2"
