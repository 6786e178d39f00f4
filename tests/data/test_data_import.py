import json
import os
from fractions import Fraction

import pytest
from task_videos import entry, write_label_file, write_video

from bvas.cli import main
from bvas.data.ball import ball_task
from bvas.data.data_check import check_data
from bvas.data.importing.from_csv import read_csv
from bvas.data.importing.from_e2e_spot import read_e2e_spot
from bvas.data.importing.from_soccernet import read_soccernet
from bvas.data.matches import annotated_halves, find_matches, match_halves
from bvas.data.spotting_task import dataset_task
from bvas.errors import DataError


def _import(source, out, *options):
    return main(["data", "import", str(source), "--out", str(out), "--quiet", *map(str, options)])


def _found(root, *labels):
    """(match, fold, [(part, label, seconds)]) of what training would read."""
    task = dataset_task(labels)
    return [
        (
            match.name,
            match.fold,
            [
                (half.number, a.label, a.seconds)
                for half, items in annotated_halves(match, task)
                for a in items
            ],
        )
        for match in find_matches(task, root)
        if match.fold is not None
    ]


@pytest.fixture(scope="module")
def soccernet(tmp_path_factory):
    """2023: two halves in two renditions; 2024: one file; one match without labels."""
    base = tmp_path_factory.mktemp("data") / "spotting-ball-2023" / "league"
    for half in (1, 2):
        write_video(base / f"old/{half}_224p.mkv", 10)
        write_video(base / f"old/{half}_720p.mkv", 50)
    write_label_file(
        base / "old/Labels-ball.json",
        [entry("PASS", "1960", team="home"), entry("DRIVE", "40", "2 - 00:00", visibility="not shown")],
    )
    write_video(base / "new/720p.mp4", 50)
    write_label_file(
        base / "new/Labels-ball.json", [entry("GOAL", "1000", team="left", halftime="1 - 46:04")]
    )
    write_video(base / "unlabelled/224p.mp4", 50)
    return base.parents[1]


def test_soccernets_layouts_become_a_dataset(soccernet, tmp_path):
    assert _import(soccernet, tmp_path) == 0

    content = json.loads((tmp_path / "dataset.json").read_text())
    assert content["labels"] == ["PASS", "DRIVE", "GOAL"]
    assert _found(tmp_path, *content["labels"]) == [
        ("league/new", 0, [(1, "GOAL", 1.0)]),
        ("league/old", 1, [(1, "PASS", 1.96), (2, "DRIVE", 0.04)]),
    ]
    task = dataset_task(("PASS", "DRIVE", "GOAL"))
    unlabelled = find_matches(task, tmp_path)[-1]
    assert (unlabelled.name, unlabelled.fold) == ("league/unlabelled", None)
    # Videos elsewhere are named by absolute path.
    old = match_halves(find_matches(task, tmp_path)[1], "720p")
    assert [half.path for half in old] == [
        soccernet / "spotting-ball-2023/league/old" / f"{half}_720p.mkv" for half in (1, 2)
    ]
    assert check_data(task, tmp_path).faults == []


def test_action_spotting_keeps_its_seventeen_labels_and_what_was_not_shown(tmp_path):
    base = tmp_path / "action-spotting-2023/league/2015/match"
    write_video(base / "1_720p.mkv", 50)
    rows = [entry("Yellow->red card", "1000", visibility="not shown"), entry("Kick-off", "0")]
    write_label_file(base / "Labels-v2.json", rows)

    found = read_soccernet(tmp_path)

    assert found.labels == ("Kick-off", "Yellow->red card")
    assert [(a.label, a.visible) for a in found.matches[0].annotations] == [
        ("Yellow->red card", False),
        ("Kick-off", True),
    ]


def test_the_seven_matches_of_2023_keep_the_seeds_folds(tmp_path):
    for fold in ball_task().folds:
        for name in fold:
            (tmp_path / name).mkdir(parents=True)
            (tmp_path / name / "720p.mp4").touch()
            write_label_file(tmp_path / name / "Labels-ball.json", [])

    matches = read_soccernet(tmp_path).matches

    assert {match.name: match.fold for match in matches} == {
        name: number for number, fold in enumerate(ball_task().folds) for name in fold
    }
    assert sorted(match.name for match in matches if match.is_test) == sorted(ball_task().test)


def test_frames_of_e2e_spot_are_counted_at_every_nth_frame_of_the_video(tmp_path):
    write_video(tmp_path / "every.mp4", 50)
    write_video(tmp_path / "second.mp4", 50)
    write_video(tmp_path / "ntsc.mp4", 60, Fraction(30000, 1001))
    write_video(tmp_path / "odd.mp4", 50)
    rows = [
        ("every", 25, 50, {"frame": 49, "label": "hit", "comment": "left; not shown"}),
        ("second", 12.5, 25, {"frame": 20, "label": "hit", "comment": "net"}),
        ("ntsc", 29.97, 60, {"frame": 59, "label": "bounce"}),
        ("odd", 10, 20, {"frame": 5, "label": "hit"}),
    ]
    (tmp_path / "train.json").write_text(
        json.dumps(
            [
                {"video": name, "fps": fps, "num_frames": n, "num_events": 1, "width": 64, "events": [event]}
                for name, fps, n, event in rows
            ]
        )
    )
    (tmp_path / "class.txt").write_text("serve\nhit\nbounce")

    found = read_e2e_spot(tmp_path / "train.json", tmp_path)

    assert not found.faults
    assert found.labels == ("hit", "bounce")
    items = [match.annotations[0] for match in found.matches]
    assert [(item.frame, item.seconds) for item in items] == [(49, None), (40, None), (59, None), (None, 0.5)]
    assert [(item.team, item.visible) for item in items[:2]] == [("left", False), (None, True)]


def test_splits_of_e2e_spot_are_folds_and_halves_are_parts(tmp_path):
    for half in (1, 2):
        write_video(tmp_path / f"videos/league/m/{half}_720p.mkv", 50)
    for name in ("v", "t", "c"):
        write_video(tmp_path / f"videos/{name}.mp4", 50)
    splits = {"train": ["league/m/1", "league/m/2"], "val": ["v"], "test": ["t"], "challenge": ["c"]}
    for split, names in splits.items():
        event = {"frame": 25, "label": "hit"}
        rows = [
            {"video": name, "fps": 25.0, "events": [event] if split != "challenge" else []} for name in names
        ]
        (tmp_path / f"{split}.json").write_text(json.dumps(rows))

    assert _import(tmp_path, tmp_path / "out", "--videos", tmp_path / "videos") == 0

    assert _found(tmp_path / "out", "hit") == [
        ("league/m", 0, [(1, "hit", 1.0), (2, "hit", 1.0)]),
        ("v", 1, [(1, "hit", 1.0)]),
        ("t", 2, [(1, "hit", 1.0)]),
    ]
    matches = find_matches(dataset_task(("hit",)), tmp_path / "out")
    assert [(match.name, match.is_test) for match in matches if match.is_test or match.fold is None] == [
        ("t", True),
        ("c", False),
    ]


def test_a_table_becomes_a_dataset(tmp_path):
    for name in ("a1", "a2", "b", "c"):
        write_video(tmp_path / f"{name}.mp4", 50)
    (tmp_path / "t.csv").write_text(
        "\ufeffVideo;Label;Seconds;Frame;Team;Visible;Fold;Match\n"
        "a1.mp4;PASS;1.5;;home;yes;0;cup\n"
        "a2.mp4;DRIVE;;49;;no;0;cup\n"
        "b.mp4;PASS;0;;;;1;league\n"
        "c.mp4;;;;;;1;\n",
        encoding="utf-8",
    )

    assert _import(tmp_path / "t.csv", tmp_path) == 0

    assert _found(tmp_path, "PASS", "DRIVE") == [
        ("cup", 0, [(1, "PASS", 1.5), (2, "DRIVE", 1.96)]),
        ("league", 1, [(1, "PASS", 0.0)]),
        ("c", 1, []),
    ]
    # Below --out, videos are named relative to it.
    assert json.loads((tmp_path / "dataset.json").read_text())["matches"][0]["videos"] == ["a1.mp4", "a2.mp4"]
    rows = json.loads((tmp_path / "annotations/cup.json").read_text())["annotations"]
    assert rows == [
        {"part": 1, "seconds": 1.5, "label": "PASS", "team": "home"},
        {"part": 2, "frame": 49, "label": "DRIVE", "visible": False},
    ]


def test_videos_can_be_linked_or_copied_below_the_new_root(tmp_path):
    video = write_video(tmp_path / "in/a.mp4", 50)
    (tmp_path / "in/t.csv").write_text("video,label,frame\na.mp4,PASS,3\n")
    for option in ("link", "copy"):
        assert _import(tmp_path / "in/t.csv", tmp_path / option, f"--{option}") == 0
        there = tmp_path / option / "videos/a/a.mp4"
        assert there.is_symlink() == (option == "link")
        assert there.read_bytes() == video.read_bytes()
        assert _found(tmp_path / option, "PASS") == [("a", 0, [(1, "PASS", 0.12)])]


def test_all_wrong_lines_are_listed_and_nothing_is_written(tmp_path, capsys):
    write_video(tmp_path / "a.mp4", 5)
    (tmp_path / "t.csv").write_text(
        "video,label,seconds,frame,visible,fold,match\n"
        "a.mp4,PASS,1:05,,,0,m\n"
        "gone.mp4,PASS,1,,,0,m\n"
        "a.mp4,,1,,,0,m\n"
        "a.mp4,PASS,,,,0,m\n"
        "a.mp4,PASS,1,1,,0,m\n"
        "a.mp4,PASS,,1.5,,0,m\n"
        "a.mp4,PASS,1,,maybe,0,m\n"
        "a.mp4,PASS,1,,,first,m\n"
        "a.mp4,PASS,1,,,1,m\n"
        "a.mp4,PASS,1,,,0,n\n"
    )

    assert _import(tmp_path / "t.csv", tmp_path / "out") == 2

    faults = capsys.readouterr().err.splitlines()
    assert [line.split("t.csv: ")[1].split(":")[0] for line in faults[:-1]] == [
        f"line {n}" for n in range(2, 12)
    ]
    assert faults[-1] == "nothing was written: 10 faults"
    assert not (tmp_path / "out").exists()


def test_a_table_without_the_right_columns_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("file,action,time\n")
    with pytest.raises(
        DataError, match=r"columns file, action, time; it needs video, label, and seconds or frame"
    ):
        read_csv(tmp_path / "t.csv", tmp_path)


def test_wrong_entries_of_e2e_spot_are_all_named(tmp_path):
    write_video(tmp_path / "a.mp4", 50)
    rows = [
        {"video": "a", "fps": 25, "events": [{"frame": -1, "label": "hit"}, {"label": "hit"}, {"frame": 1}]},
        {"video": "gone", "fps": 25, "events": []},
        {"video": "a", "events": []},
        {"video": "a", "fps": 25, "events": []},
        "a",
    ]
    (tmp_path / "x.json").write_text(json.dumps(rows))
    entries = [fault.entry for fault in read_e2e_spot(tmp_path / "x.json", tmp_path).faults]
    assert entries == [
        *(f"video 0, event {number}" for number in range(3)),
        *(f"video {number}" for number in range(1, 5)),
    ]


def test_a_dataset_that_is_there_is_replaced_only_if_asked(tmp_path, capsys):
    write_video(tmp_path / "a.mp4", 5)
    (tmp_path / "t.csv").write_text("video,label,frame\na.mp4,PASS,3\n")
    assert _import(tmp_path / "t.csv", tmp_path) == 0
    assert _import(tmp_path / "t.csv", tmp_path) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert _import(tmp_path / "t.csv", tmp_path, "--overwrite") == 0


@pytest.mark.parametrize("placing", ["--link", "--copy"])
def test_names_that_are_not_utf8_are_linked_and_copied_under_others(tmp_path, placing, capsys):
    name = os.fsdecode(b"H\xe4lfte")
    season = tmp_path / "spotting-ball-2023"
    write_video(season / "league" / name / "1_224p.mkv", 10)
    write_label_file(season / "league" / name / "Labels-ball.json", [entry("PASS", "40")])
    out = tmp_path / "out"

    assert _import(season, out) == 2
    said = capsys.readouterr().err
    assert "H\ufffdlfte/1_224p.mkv is not UTF-8" in said
    assert "--link or --copy" in said
    assert not (out / "dataset.json").exists()

    assert _import(season, out, placing) == 0
    [(match, _, annotations)] = _found(out, "PASS")
    assert match.startswith("league/H_lfte_")
    assert annotations == [(1, "PASS", 0.04)]
    assert main(["data", "check", str(out)]) == 0


def test_a_text_of_annotations_that_is_not_utf8_is_refused_with_the_place(tmp_path, capsys):
    (tmp_path / "t.csv").write_bytes(b"video,label,frame\nH\xe4lfte.mp4,PASS,3\n")
    assert _import(tmp_path / "t.csv", tmp_path / "out") == 2
    assert "line 2, column 2 is not UTF-8" in capsys.readouterr().err


def test_two_data_sets_in_one_root_are_imported_one_by_one(tmp_path):
    for name in ("spotting-ball-2023", "action-spotting-2023"):
        (tmp_path / name).mkdir()
    with pytest.raises(
        DataError, match=r"2 data sets \(action-spotting-2023, spotting-ball-2023\); import one"
    ):
        read_soccernet(tmp_path)


def test_a_german_table_with_line_breaks_becomes_a_dataset(tmp_path):
    write_video(tmp_path / "a.mp4", 75)
    (tmp_path / "t.csv").write_bytes(
        'Video;LABEL;Seconds;note\r\na.mp4;"HIGH\nPASS";0,52;\r\na.mp4;DRIVE;1,48;spät\r\n'.encode(
            "utf-8-sig"
        )
    )
    assert _import(tmp_path / "t.csv", tmp_path / "out") == 2
    (tmp_path / "t.csv").write_bytes(
        'Video;LABEL;Seconds;Team\r\na.mp4;"HIGH PASS";0,52;\r\na.mp4;DRIVE;1,48;"left\n"\r\n'.encode(
            "utf-8-sig"
        )
    )
    assert _import(tmp_path / "t.csv", tmp_path / "out") == 0
    assert _found(tmp_path / "out", "HIGH PASS", "DRIVE") == [
        ("a", 0, [(1, "HIGH PASS", 0.52), (1, "DRIVE", 1.48)])
    ]
