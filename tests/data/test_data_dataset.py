import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from task_videos import match, write_dataset, write_video

from bvas.data.ball12 import ball12_task
from bvas.data.dataset_json import parse_dataset
from bvas.data.matches import annotated_halves, find_matches, match_halves
from bvas.data.spotting_task import SpottingTask, dataset_task
from bvas.errors import ConfigError, DataError
from bvas.experiment.experiment import load_experiment
from bvas.loading.labelled_video import label_video
from bvas.tasks.kind_choice import kind_of
from bvas.values.annotations import LabelSet

TASK = dataset_task(("PASS", "DRIVE"))
DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_matches_are_a_fold_each_and_those_without_annotations_the_challenge(tmp_path):
    write_dataset(tmp_path, [match("b", []), match("c"), match("a", [])])

    matches = find_matches(TASK, tmp_path)

    assert [(m.name, m.fold) for m in matches] == [("b", 0), ("a", 1), ("c", None)]


def test_folds_come_from_the_file_or_by_their_number(tmp_path):
    named = [match("a", [], fold=1), match("b", [], fold=0), match("c", [], fold=1, test=True)]
    write_dataset(tmp_path / "named", named)
    assert [(m.name, m.fold, m.is_test) for m in find_matches(TASK, tmp_path / "named")] == [
        ("b", 0, False),
        ("a", 1, False),
        ("c", 1, True),
    ]
    write_dataset(tmp_path / "open", [match(name, []) for name in "abc"])
    two = dataset_task(("PASS",), num_folds=2)
    assert [(m.name, m.fold) for m in find_matches(two, tmp_path / "open")] == [("a", 0), ("c", 0), ("b", 1)]


def test_a_task_may_fix_the_folds_by_name(tmp_path):
    write_dataset(tmp_path, [match(name, []) for name in "abc"])
    task = replace(TASK, folds=(("c",), ("a",)))
    assert [(m.name, m.fold) for m in find_matches(task, tmp_path)] == [("c", 0), ("a", 1)]
    with pytest.raises(DataError, match="has no match 'd', which task own names"):
        find_matches(replace(TASK, folds=(("c",), ("d",))), tmp_path)


def test_a_match_may_be_kept_out_of_training_though_it_has_annotations(tmp_path):
    write_dataset(tmp_path, [match("a", []), match("b", [{"label": "PASS", "seconds": 1}], challenge=True)])
    assert [(m.name, m.fold) for m in find_matches(TASK, tmp_path)] == [("a", 0), ("b", None)]


@pytest.mark.parametrize(("rate", "name"), [(25, "25"), (Fraction(30000, 1001), "29.97"), (50, "50")])
def test_an_annotation_given_as_a_frame_is_at_that_frames_time_and_on_the_grid_frame_that_shows_it(
    tmp_path, rate, name
):
    video = write_video(tmp_path / f"{name}.mp4", 120, rate)
    frames = list(range(120))
    write_dataset(tmp_path, [match(name, [{"label": "PASS", "frame": frame} for frame in frames])])
    ((half, annotations),) = annotated_halves(find_matches(TASK, tmp_path)[0], TASK)

    assert half.path == video
    assert [a.seconds for a in annotations] == pytest.approx(
        [float(f / Fraction(rate)) for f in frames], abs=1e-4
    )
    own_rate = label_video(video, annotations, TASK.labels, rate)
    assert own_rate.annotation_frames.tolist() == frames
    at_25 = label_video(video, annotations, TASK.labels, 25)
    shown = at_25.grid.indices.tolist()
    for frame, grid_frame in zip(frames, at_25.annotation_frames.tolist(), strict=True):
        if frame in shown:
            assert shown[grid_frame] == frame
        else:
            # The grid leaves some frames of a faster video out; a tie goes to the earlier grid frame.
            assert (
                grid_frame == (frame - 1) // 2 if rate == 50 else shown[grid_frame] in (frame - 1, frame + 1)
            )


def test_seconds_go_to_the_nearest_frame(tmp_path):
    write_video(tmp_path / "a.mp4", 50)
    times = [0.0, 0.019, 0.021, 1.0, 1.99]
    write_dataset(tmp_path, [match("a", [{"label": "DRIVE", "seconds": s} for s in times])])
    ((half, annotations),) = annotated_halves(find_matches(TASK, tmp_path)[0], TASK)
    video = label_video(half.path, annotations, TASK.labels, 25)
    assert video.annotation_frames.tolist() == [0, 0, 1, 25, 49]


def test_parts_are_counted_from_one_and_annotations_may_stand_in_a_file_beside(tmp_path):
    (tmp_path / "labels").mkdir()
    rows = [
        {"part": 2, "label": "PASS", "frame": 3, "team": "home", "note": "deflected"},
        {"part": 1, "label": "DRIVE", "seconds": 0.4, "visible": False},
        {"part": 2, "label": "DRIVE", "seconds": 0.04},
    ]
    (tmp_path / "labels/m.json").write_text(json.dumps({"annotations": rows}))
    for name in ("first", "second"):
        write_video(tmp_path / f"videos/{name}.mp4", 20)
    entry = {
        "name": "cup/m",
        "videos": ["videos/first.mp4", "videos/second.mp4"],
        "annotations": "labels/m.json",
    }
    write_dataset(tmp_path, [entry])
    (found,) = find_matches(TASK, tmp_path)

    first, second = annotated_halves(found, TASK)

    assert (first[0].number, first[0].path.name) == (1, "first.mp4")
    assert [(a.label, a.seconds, a.visible) for a in first[1]] == [("DRIVE", 0.4, False)]
    assert [(a.label, a.seconds, a.team) for a in second[1]] == [
        ("DRIVE", 0.04, None),
        ("PASS", 0.12, "home"),
    ]
    assert annotated_halves(found, replace(TASK, visible_only=True))[0][1] == []


def test_a_video_may_be_named_by_an_absolute_path_and_a_missing_one_is_an_error(tmp_path):
    video = write_video(tmp_path / "elsewhere/a.mp4", 5)
    root = write_dataset(tmp_path / "root", [{"name": "a", "videos": [str(video)]}, match("b")])
    there, gone = find_matches(TASK, root)
    assert match_halves(there, "720p")[0].path == video
    with pytest.raises(DataError, match=r"no video .*root/b\.mp4, which match 1 'b' of dataset\.json names"):
        match_halves(gone, "720p")


def test_a_label_that_the_config_does_not_know_is_an_error_before_a_video_is_looked_at(tmp_path):
    unread = [
        {"label": "PASS", "seconds": 1},
        {"label": "SHOT", "seconds": 2},
        {"label": "SHOT", "seconds": 3},
    ]
    for name in "ab":
        (tmp_path / f"{name}.mp4").write_text("no video")
    write_dataset(tmp_path, [match("a", unread[:1]), match("b", unread)], labels=("PASS", "SHOT"))
    task = dataset_task(("PASS",))
    experiment = replace(load_experiment("demo"), task=task)

    with pytest.raises(
        DataError, match=r"dataset\.json: match 1 'b', annotation 1: label 'SHOT' .*SHOT \(2\)"
    ):
        kind_of(experiment).samples(find_matches(task, tmp_path), 0)

    ignoring = dataset_task(("PASS",), ignored=("SHOT",))
    assert len(annotated_halves(find_matches(ignoring, tmp_path)[1], ignoring)[0][1]) == 1
    merging = dataset_task(("PASS",), merged={"SHOT": "PASS"})
    assert len(annotated_halves(find_matches(merging, tmp_path)[1], merging)[0][1]) == 3


def test_a_frame_that_the_video_does_not_have_is_named(tmp_path):
    write_video(tmp_path / "a.mp4", 50)
    write_dataset(tmp_path, [match("a", [{"label": "PASS", "frame": 50}])])
    with pytest.raises(DataError, match=r"annotation 0: frame 50 is outside .*a\.mp4 \(50 frames, from 0\)"):
        annotated_halves(find_matches(TASK, tmp_path)[0], TASK)


def test_a_fold_without_matches_is_an_error(tmp_path):
    write_dataset(tmp_path / "gap", [match("a", [], fold=0), match("b", [], fold=2)])
    with pytest.raises(DataError, match="fold 1 has no match"):
        find_matches(TASK, tmp_path / "gap")
    write_dataset(tmp_path / "few", [match("a", []), match("b", [])])
    with pytest.raises(DataError, match="the data has 2 labelled matches, and task own has 3 folds: fold 2"):
        find_matches(replace(TASK, num_folds=3), tmp_path / "few")
    with pytest.raises(ConfigError, match="fold 1 has no match"):
        SpottingTask(name="x", labels=LabelSet(("PASS",)), folds=(("a",), ()))


def test_the_first_fault_is_raised_and_the_others_are_counted(tmp_path):
    write_dataset(tmp_path, [match("a", [{"label": "PASS"}, {"label": "PASS", "seconds": -1}])])
    with pytest.raises(
        DataError, match=r"annotation 0: needs 'seconds' or 'frame'.* \(1 more; 'bvas data check'"
    ):
        find_matches(TASK, tmp_path)


def test_another_version_of_the_format_is_refused(tmp_path):
    write_dataset(tmp_path, [match("a", [])], format="bvas-dataset-9")
    with pytest.raises(DataError, match=r"'bvas-dataset-9'; this version reads 'bvas-dataset-1'"):
        find_matches(TASK, tmp_path)


def test_an_ignored_label_cannot_be_known_as_well():
    with pytest.raises(ConfigError, match="'PASS' is ignored and also known"):
        LabelSet(("PASS",), ignored=("PASS",))


def test_an_experiment_keeps_its_ignored_labels_as_json():
    experiment = replace(
        load_experiment("demo"), task=dataset_task(("A",), merged={"C": "A"}, ignored=("B",))
    )
    assert type(experiment).from_json(experiment.to_json()) == experiment


def test_twelve_labels_are_a_config(tmp_path):
    experiment = load_experiment("ball12")
    assert experiment.task == ball12_task()
    assert experiment.task.labels.names[:4] == ("PASS", "DRIVE", "HEADER", "HIGH PASS")
    assert len(experiment.task.labels) == 12


def test_the_examples_of_the_documentation_are_right():
    text = (DOCS / "data.md").read_text()
    first, second = map(json.loads, re.findall(r"```json\n(.*?)```", text, re.DOTALL))
    dataset, faults = parse_dataset(first, Path("data/mine/dataset.json"))
    assert faults == []
    assert [m.is_challenge for m in dataset.matches] == [False, False, True]
    dataset, faults = parse_dataset(second, Path("data/mine/dataset.json"))
    assert faults == []
    assert [m.group for m in dataset.matches] == ["tuesday", "final 2025", "final 2025", "long.mp4"]


def test_the_config_of_the_documentation_runs(tmp_path):
    text = (DOCS / "data.md").read_text()
    (tmp_path / "mine.py").write_text(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])
    experiment = load_experiment(str(tmp_path / "mine.py"))
    example = json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL)[1])
    assert all(experiment.task.labels.accepts(label) for label in example["labels"])
