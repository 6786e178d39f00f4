"""Import of clips with a class each: the lists of UCF101 and HMDB51."""

from collections import Counter

import pytest
from clip_imports import imported, put, refused, samples

from bvas.data.data_check import check_data, tasks_in
from bvas.data.importing.format_choice import format_of
from bvas.data.importing.from_hmdb51 import source_video


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
