"""Import of clips with a class each: SpaceJam, and files of joints."""

import json
from collections import Counter

import numpy as np
import pytest
from clip_imports import imported, put, refused, samples

from bvas.data.data_check import tasks_in
from bvas.data.importing.format_choice import format_of
from bvas.data.joints import read_joints
from bvas.data.matches import find_matches
from bvas.errors import DataError


def spacejam(clip, root, annotations, labels=None):
    put(clip, *(root / f"examples/{name}.mp4" for name in annotations))
    (root / "annotation_dict.json").write_text(json.dumps(annotations))
    if labels is not None:
        (root / "labels_dict.json").write_text(json.dumps(labels))
    return root


def test_spacejam_keeps_originals_and_their_copies_together(clip, tmp_path):
    originals = {f"{number:07d}": number % 2 for number in range(20)}
    copies = {
        f"{number:07d}_{change}": number % 2
        for number in range(20)
        for change in ("flipped_rotate_330", "translate_32_0")
    }
    source = spacejam(clip, tmp_path / "set", {**originals, **copies}, {"0": "block", "1": "pass"})
    for name in ("0000000", "0000001"):
        np.save(source / f"examples/{name}.npy", np.zeros((16, 18, 2)))
    assert format_of(source) == "spacejam"

    assert imported(source, tmp_path / "out") == 0

    (task,) = tasks_in(tmp_path / "out")
    assert tuple(task.labels) == ("block", "pass")
    matches = find_matches(task, tmp_path / "out")
    # 14, 4 and 2 of 20 groups of three.
    assert Counter(match.split for match in matches) == {"train": 42, "valid": 12, "test": 6}
    sides = {match.name: match.split for match in matches}
    assert all(sides[name] == sides[name[:7]] for name in copies)
    assert samples(tmp_path / "out")["0000001_translate_32_0"] == ("pass", "0000001", None)


def test_spacejams_own_class_names_are_taken_without_a_file_and_discard_is_left_out(clip, tmp_path):
    numbers = {f"{number:07d}": number for number in range(11)}
    assert imported(spacejam(clip, tmp_path / "set", numbers), tmp_path / "out") == 0
    found = samples(tmp_path / "out")
    assert [label for label, _, _ in found.values()] == [
        *("block", "pass", "run", "dribble", "shoot", "ball in hand", "defense", "pick", "no_action", "walk")
    ]


def test_the_augmented_annotations_are_read_when_they_are_named(clip, tmp_path):
    source = spacejam(clip, tmp_path / "set", {"0": 0, "1": 1, "2": 2})
    put(clip, tmp_path / "more/2_rotate_30.mp4", *(tmp_path / f"more/{name}.mp4" for name in "012"))
    (source / "augmented_annotation_dict.json").write_text(
        json.dumps({"0": 0, "1": 1, "2": 2, "2_rotate_30": 2})
    )
    path = source / "augmented_annotation_dict.json"
    assert imported(path, tmp_path / "out", "--videos", tmp_path / "more") == 0
    assert samples(tmp_path / "out")["2_rotate_30"] == ("run", "2", None)


def test_whatever_is_wrong_in_spacejam_names_file_and_id(clip, tmp_path, capsys):
    source = spacejam(clip, tmp_path / "set", {"0": 0, "1": 0, "2": 0, "3": 0, "4": 0})
    (source / "annotation_dict.json").write_text(
        '{"0": 0, "1": 12, "2": NaN, "3": true, "4": 1, "9": 1, "../4": 1}'
    )
    joints = np.zeros((16, 18, 2))
    joints[3, 5, 0] = np.nan
    np.save(source / "examples/0.npy", joints)
    (source / "examples/4.npy").write_bytes(b"no numbers")
    known = (
        "known are 0 block, 1 pass, 2 run, 3 dribble, 4 shoot, 5 ball in hand, 6 defense, 7 pick, 8 no_action, 9 walk, "
        "10 discard"
    )
    found = refused(source, tmp_path, capsys)
    assert found[:4] == [
        "set/examples/0.npy: joint 5 of frame 3 is NaN or infinite; get the file again",
        f"set/annotation_dict.json: ID '1': class 12 is unknown; {known}",
        f"set/annotation_dict.json: ID '2': class nan is unknown; {known}",
        f"set/annotation_dict.json: ID '3': class True is unknown; {known}",
    ]
    assert found[4].startswith("set/examples/4.npy: is not a NumPy file that can be read")
    assert found[5:] == [
        "set/annotation_dict.json: ID '../4': is not the name of a file in the folder of the clips",
        "set/annotation_dict.json: ID '9': no video set/examples/9.mp4; get it, or remove the entry",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["0000000", 1]', "must be an object of class numbers by ID, got ['0000000', 1]"),
        ("{}", "is empty; there is nothing to import"),
        ('{"1": 0, "1": 2}', "the key '1' stands twice"),
        ("{", "is not JSON"),
    ],
)
def test_an_annotation_file_of_another_form_is_refused(tmp_path, capsys, text, message):
    (tmp_path / "annotation_dict.json").write_text(text)
    (found,) = refused(tmp_path / "annotation_dict.json", tmp_path, capsys)
    assert message in found


def test_joints_are_frames_by_joints_by_two(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(12, dtype=np.int64).reshape(2, 3, 2))
    found = read_joints(tmp_path / "a.npy")
    assert found.dtype == np.float32
    assert found[1, 2].tolist() == [10, 11]
    for wrong in (np.zeros((3, 2)), np.zeros((1, 3, 3)), np.zeros((0, 3, 2)), np.zeros((1, 3, 2), complex)):
        np.save(tmp_path / "a.npy", wrong)
        with pytest.raises(DataError, match=r"joints (have|are real numbers) \[frames, joints"):
            read_joints(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(DataError, match=r"a\.npy"):
        read_joints(tmp_path / "a.npy")


def test_a_copy_takes_the_joints_along(clip, tmp_path):
    source = spacejam(clip, tmp_path / "set", {"0": 0, "1": 1, "2": 2})
    np.save(source / "examples/1.npy", np.ones((16, 18, 2)))
    assert imported(source, tmp_path / "out", "--copy") == 0
    assert read_joints(tmp_path / "out/videos/1/1.npy").shape == (16, 18, 2)
    assert not (tmp_path / "out/videos/0/0.npy").exists()
