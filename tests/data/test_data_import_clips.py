"""Import of clips with a class each: folders, SpaceJam, UCF101, HMDB51, Kinetics, OSL JSON."""

import json
import shutil
from collections import Counter

import numpy as np
import pytest
from video_samples import make_video

from bvas.cli import main
from bvas.data.class_names import read_class_names
from bvas.data.data_check import check_data, tasks_in
from bvas.data.dataset_json import read_annotations, read_dataset
from bvas.data.importing.format_choice import format_of
from bvas.data.importing.from_hmdb51 import source_video
from bvas.data.joints import read_joints
from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.matches import find_matches
from bvas.errors import DataError


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """One second in mp4; the copies of it are what data sets hold."""
    return make_video(tmp_path_factory.mktemp("clip") / "clip.mp4", num_frames=10, rate=10)


def put(clip, *paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(clip, path)


def imported(source, out, *options):
    return main(["data", "import", str(source), "--out", str(out), "--quiet", *map(str, options)])


def refused(source, tmp_path, capsys, *options):
    """The faults, without the folder."""
    assert imported(source, tmp_path / "out", *options) == 2
    assert not (tmp_path / "out/dataset.json").exists()
    said = capsys.readouterr().err.replace(f"{tmp_path}/", "")
    return [line.removeprefix("fault: ") for line in said.splitlines() if line.startswith("fault: ")]


def samples(root):
    """{name: (label, group, split)} of a data root without faults."""
    dataset, faults = read_dataset(root / "dataset.json")
    assert not faults
    found = {}
    for match in dataset.matches:
        (item,) = read_annotations(match)[0].items
        found[match.name] = item.label, match.group, match.split
    return found


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


def ucf101(clip, root, train, test, classes="1 Archery\n2 Bowling\n"):
    lists = root / "lists"
    lists.mkdir(parents=True)
    (lists / "classInd.txt").write_text(classes)
    (lists / "trainlist01.txt").write_text("".join(f"{line}\r\n" for line in train))
    (lists / "testlist01.txt").write_text("".join(f"{line}\n" for line in test))
    put(clip, *(root / "videos" / line.split()[0] for line in [*train, *test]))
    return lists


def ucf_name(label, group, clip):
    return f"{label}/v_{label}_g{group:02d}_c{clip:02d}.avi"


def test_ucf101s_lists_give_train_and_test_and_a_valid_split_by_group(clip, tmp_path):
    train = [
        f"{ucf_name(label, group, number)} {place}"
        for place, label in ((1, "Archery"), (2, "Bowling"))
        for group in range(8, 18)
        for number in (1, 2)
    ]
    lists = ucf101(clip, tmp_path, train, [ucf_name("Archery", 1, 1), ucf_name("Bowling", 1, 1)])
    assert format_of(lists) == "ucf101"

    assert imported(lists, tmp_path / "out", "--videos", tmp_path / "videos") == 0

    found = samples(tmp_path / "out")
    # One of ten groups of two clips, of each class.
    assert Counter((label, split) for label, _, split in found.values()) == {
        ("Archery", "train"): 18,
        ("Archery", "valid"): 2,
        ("Archery", "test"): 1,
        ("Bowling", "train"): 18,
        ("Bowling", "valid"): 2,
        ("Bowling", "test"): 1,
    }
    assert found["Archery/v_Archery_g08_c02"][:2] == ("Archery", "Archery/g08")
    assert len({group for _, group, split in found.values() if split == "valid"}) == 2
    (task,) = tasks_in(tmp_path / "out")
    assert check_data(task, tmp_path / "out", guessed=True).faults == []


def test_every_malformed_line_of_ucf101s_lists_is_named(clip, tmp_path, capsys):
    train = [
        f"{ucf_name('Archery', 8, 1)} 1",
        f"{ucf_name('Archery', 8, 1)} 1",
        f"{ucf_name('Archery', 9, 1)} 2",
        "Curling/v_Curling_g01_c01.avi 3",
        "../../secret/v_Archery_g01_c01.avi 1",
        "Archery/film.avi 1",
        "Archery",
    ]
    lists = ucf101(clip, tmp_path, train[:2], [ucf_name("Archery", 8, 2)], "1 Archery\n1 Bowling\nBowling\n")
    (lists / "trainlist01.txt").write_text("\n".join(train))
    (lists / "testlist01.txt").write_text(f"{ucf_name('Archery', 8, 2)}\n{ucf_name('Archery', 1, 1)}\n")
    form = "it must be like 'Class/v_Class_g01_c01.avi 1'"
    assert refused(lists, tmp_path, capsys, "--videos", tmp_path / "videos") == [
        "lists/classInd.txt: line 2: '1 Bowling' has a number or name of a line before; keep one",
        "lists/classInd.txt: line 3: is 'Bowling'; it must be a number and the name of a class",
        "lists/trainlist01.txt: line 2: Archery/v_Archery_g08_c01.avi stands twice in the lists; delete one",
        "lists/trainlist01.txt: line 3: class 'Archery' has number 2, and 1 in classInd.txt",
        "lists/trainlist01.txt: line 4: class 'Curling' is not in classInd.txt",
        f"lists/trainlist01.txt: line 5: is '../../secret/v_Archery_g01_c01.avi 1'; {form}",
        "lists/trainlist01.txt: line 6: Archery/film.avi has no group; its name must end like _g01_c01",
        f"lists/trainlist01.txt: line 7: is 'Archery'; {form}",
        "lists/testlist01.txt: line 1: group Archery/g08 is in train too; the lists are damaged, get them again",
        "lists/testlist01.txt: line 2: no video videos/Archery/v_Archery_g01_c01.avi; get it, or delete the line",
    ]
    assert imported(lists, tmp_path / "out", "--split", "2") == 2
    assert "trainlist02.txt, the list of split 2; choose another with --split" in capsys.readouterr().err


def test_one_fault_stands_for_all_videos_that_are_elsewhere(clip, tmp_path, capsys):
    lists = ucf101(clip, tmp_path, [f"{ucf_name('Archery', 8, n)} 1" for n in (1, 2)], [])
    assert refused(lists, tmp_path, capsys) == [
        "lists: none of the 2 listed videos lies in lists; say where with --videos"
    ]


def test_hmdb51s_lists_give_train_and_test_and_groups_by_source_video(clip, tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    for label in ("brush_hair", "wave"):
        names = [f"Film_{n}_{label}_u_nm_np1_ba_goo_{k}.avi" for n in range(4) for k in range(2)]
        marks = [1, 1, 1, 1, 2, 2, 0, 0]
        text = "".join(f"{name} {mark} \n" for name, mark in zip(names, marks, strict=True))
        (lists / f"{label}_test_split1.txt").write_text(text)
        put(clip, *(tmp_path / "videos" / label / name for name in names))
    assert format_of(lists) == "hmdb51"

    assert imported(lists, tmp_path / "out", "--videos", tmp_path / "videos", "--shares", "50,50") == 0

    found = samples(tmp_path / "out")
    assert Counter(split for _, _, split in found.values()) == {"train": 4, "valid": 4, "test": 4}
    name = "brush_hair/Film_2_brush_hair_u_nm_np1_ba_goo_0"
    assert found[name] == ("brush_hair", "brush_hair/Film_2", "test")


@pytest.mark.parametrize(
    ("stem", "label", "video"),
    [
        ("April_09_brush_hair_u_nm_np1_ba_goo_0", "brush_hair", "April_09"),
        ("#20_Rhythm_clap_u_nm_np1_fr_goo_0", "clap", "#20_Rhythm"),
        ("winKen_wave_u_cm_np1_ri_bad_1", "wave", "winKen"),
        ("wave_f_cm_np1_ba_med_0", "wave", "wave"),
        ("film", "wave", "film"),
    ],
)
def test_the_source_of_a_clip_of_hmdb51_stands_before_its_properties(stem, label, video):
    assert source_video(stem, label) == video


def test_a_source_video_that_the_official_lists_cut_is_logged_and_imported(clip, tmp_path, capsys):
    lists = tmp_path / "lists"
    lists.mkdir()
    names = [f"Film_{n}_wave_u_nm_np1_ba_goo_{k}.avi" for n, k in ((0, 0), (0, 1), (1, 0), (2, 0))]
    marks = (1, 2, 1, 1)
    text = "".join(f"{name} {mark}\n" for name, mark in zip(names, marks, strict=True))
    (lists / "wave_test_split1.txt").write_text(text)
    put(clip, *(tmp_path / "videos/wave" / name for name in names))
    assert imported(lists, tmp_path / "out", "--videos", tmp_path / "videos") == 0
    said = capsys.readouterr().err
    assert "1 source video in train and in test, which counts too much; the first is wave/Film_0" in said
    groups = {name: group for name, (_, group, _) in samples(tmp_path / "out").items()}
    assert groups["wave/Film_0_wave_u_nm_np1_ba_goo_1"] == "wave/Film_0 (test)"


def test_wrong_lines_of_hmdb51s_lists_are_named(tmp_path, capsys):
    (tmp_path / "wave_test_split1.txt").write_text("a.avi 1\na.avi 3\n../a.avi 1\nb.avi\n")
    form = "it must be like 'name.avi 1', with 1 train, 2 test or 0 unused"
    assert refused(tmp_path, tmp_path, capsys, "--format", "hmdb51") == [
        f"wave_test_split1.txt: line 2: is 'a.avi 3'; {form}",
        f"wave_test_split1.txt: line 3: is '../a.avi 1'; {form}",
        f"wave_test_split1.txt: line 4: is 'b.avi'; {form}",
        f"wave_test_split1.txt: line 1: no video {tmp_path.name}/wave/a.avi; get it, or mark it 0".replace(
            f"{tmp_path.name}/", ""
        ),
    ]


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
        "few.txt: does not name 'b', which 1 clip have; add it"
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


def osl(*data, **more):
    heads = {"action": {"type": "single_label", "labels": ["pass", "shot"]}}
    return json.dumps({"version": "2.0", "labels": heads, "data": list(data), **more})


def osl_sample(name, label, **more):
    inputs = [{"type": "video", "path": f"clips/{name}.mp4"}]
    return {"id": name, "inputs": inputs, "labels": {"action": {"label": label}}, **more}


def test_samples_of_osl_json_with_a_label_become_clips_and_their_match_the_group(clip, tmp_path):
    put(clip, *(tmp_path / f"clips/{name}.mp4" for name in "abcd"))
    (tmp_path / "a.json").write_text(
        osl(
            osl_sample("a", "pass", metadata={"match_id": "final"}),
            osl_sample("b", "shot", metadata={"game_id": 7}),
            osl_sample("c", "shot"),
            {"id": "d", "inputs": [{"path": "clips/d.mp4"}], "events": [{"label": "pass"}]},
        )
    )
    assert imported(tmp_path / "a.json", tmp_path / "out") == 0
    assert samples(tmp_path / "out") == {
        "clips/a": ("pass", "final", None),
        "clips/b": ("shot", "7", None),
        "clips/c": ("shot", str(tmp_path / "clips/c.mp4"), None),
        "clips/d": ("pass", str(tmp_path / "clips/d.mp4"), None),
    }


def test_events_with_a_time_stay_a_match_unless_the_task_is_to_classify(clip, tmp_path):
    put(clip, *(tmp_path / f"clips/{name}.mp4" for name in "abc"))
    event = {"head": "action", "label": "shot", "position_ms": 400}
    data = [osl_sample(name, "pass", events=[event]) for name in "abc"]
    (tmp_path / "spots.json").write_text(osl(*data))
    (tmp_path / "classes.json").write_text(osl(*data, task="action_classification"))

    assert imported(tmp_path / "spots.json", tmp_path / "spots") == 0
    assert imported(tmp_path / "classes.json", tmp_path / "classes") == 0

    matches = read_dataset(tmp_path / "spots/dataset.json")[0].matches
    assert [item.seconds for match in matches for item in read_annotations(match)[0].items] == [0.4] * 3
    assert {label for label, _, _ in samples(tmp_path / "classes").values()} == {"pass"}


def test_clips_of_osl_json_that_are_wrong_are_named(clip, tmp_path, capsys):
    put(clip, tmp_path / "clips/a.mp4")
    several = {"action": {"labels": ["pass", "shot"]}}
    (tmp_path / "a.json").write_text(
        osl(
            osl_sample("a", "dribble"),
            osl_sample("a", "pass") | {"labels": several},
            osl_sample("b", "pass"),
            "no object",
        )
    )
    assert refused(tmp_path / "a.json", tmp_path, capsys) == [
        "a.json: sample 3: must be an object, got 'no object'",
        "a.json: sample 0: label 'dribble' is not declared for head 'action': pass, shot",
        "a.json: sample 1: the label of head 'action' is ['pass', 'shot']; a clip has one label, a name",
        "a.json: sample 1: is clips/a.mp4 again; keep one of them",
        f"a.json: sample 2: no video clips/b.mp4 in {tmp_path}; say where with --videos".replace(
            f"{tmp_path}/", ""
        ),
    ]


def test_a_copy_takes_the_joints_along(clip, tmp_path):
    source = spacejam(clip, tmp_path / "set", {"0": 0, "1": 1, "2": 2})
    np.save(source / "examples/1.npy", np.ones((16, 18, 2)))
    assert imported(source, tmp_path / "out", "--copy") == 0
    assert read_joints(tmp_path / "out/videos/1/1.npy").shape == (16, 18, 2)
    assert not (tmp_path / "out/videos/0/0.npy").exists()
