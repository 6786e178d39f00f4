import json

import pytest
from task_videos import match as match_entry
from task_videos import write_dataset, write_video

from bvas.cli import main
from bvas.data.importing.from_corrections import is_corrections, read_corrections
from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.matches import annotated_halves, find_matches
from bvas.data.spotting_task import dataset_task
from bvas.values.annotations import Interval


def video(**changes):
    return {
        "match": "league/first",
        "part": 1,
        "file": "1.mkv",
        "path": "matches/first/1.mkv",
        "num_frames": 50,
        "reviewed": True,
        "annotations": [{"frame": 12, "seconds": 0.48, "label": "PASS", "origin": "spot", "confidence": 0.9}],
        "deleted": [{"frame": 30, "seconds": 1.2, "label": "PASS", "origin": "annotation"}],
        **changes,
    }


def written(path, *videos, **changes):
    content = {"format": "bvas-corrections-1", "title": "t", "experiment": "e", "labels": ["PASS", "DRIVE"]}
    path.write_text(json.dumps({**content, "videos": list(videos), **changes}))
    return path


@pytest.fixture
def root(tmp_path):
    write_video(tmp_path / "matches/first/1.mkv", 50)
    return tmp_path


def faults_of(path, root):
    return [str(fault) for fault in read_corrections(path, root).faults]


def test_corrections_become_a_dataset_that_training_reads(root, tmp_path):
    annotations = [
        {"frame": 49, "label": "DRIVE", "origin": "annotation", "team": "home", "visible": False},
        {"frame": 12, "label": "PASS", "origin": "added", "was": {"frame": 11, "label": "PASS"}},
    ]
    path = written(tmp_path / "corrections.json", video(annotations=annotations))

    assert (
        main(["data", "import", str(path), "--videos", str(root), "--out", str(root / "new"), "--quiet"]) == 0
    )

    task = dataset_task(("PASS", "DRIVE"))
    (match,) = find_matches(task, root / "new")
    ((half, found),) = annotated_halves(match, task)
    assert match.name == "league/first"
    assert half.path.samefile(root / "matches/first/1.mkv")
    assert [(a.label, a.seconds, a.team, a.visible) for a in found] == [
        ("PASS", 0.48, None, True),
        ("DRIVE", 1.96, "home", False),
    ]


def test_ranges_become_ranges_and_wrong_ones_are_named(root):
    ranges = [
        {"from_frame": 5, "to_frame": 10, "label": "PASS", "origin": "added"},
        {"from_frame": 10, "to_frame": 50, "label": "PASS", "origin": "spot", "confidence": 0.9},
    ]
    written(root / "c.json", video(annotations=[*ranges, {"frame": 7, "label": "DRIVE"}]))
    content = imported(root)
    assert content["format"] == "bvas-dataset-2"
    assert content["matches"][0]["annotations"] == [
        {"from_frame": 5, "to_frame": 10, "label": "PASS"},
        {"from_frame": 10, "to_frame": 50, "label": "PASS"},
        {"frame": 7, "label": "DRIVE"},
    ]
    ((_, found),) = labelled_ranges(
        find_matches(dataset_task(("PASS",)), root / "new")[0], dataset_task(("PASS",), ignored=("DRIVE",))
    )
    assert found == [Interval("PASS", 0.2, 0.4), Interval("PASS", 0.4, 2.0)]
    ends = [(9, 12), (20, 20), (40, 51)]
    ranges += [{"from_frame": first, "to_frame": end, "label": "PASS"} for first, end in ends]
    assert [
        fault.split(": ", 1)[1]
        for fault in faults_of(written(root / "c.json", video(annotations=ranges)), root)
    ] == [
        "video 0, annotation 3: has frames 20 to 20; 'to_frame' is the first frame after the range",
        "video 0, annotation 4: has frame 50; the video has frames 0 to 49",
        "video 0, annotation 2: 'PASS', frames 9 to 12, overlaps annotation 0 (frames 5 to 10); ranges of one label "
        "may touch and not overlap: join them, or move an end",
        "video 0, annotation 1: 'PASS', frames 10 to 50, overlaps annotation 2 (frames 9 to 12); ranges of one label "
        "may touch and not overlap: join them, or move an end",
    ]


def imported(root, *options):
    """The dataset.json that an import into `new` writes, with the annotations of each match."""
    command = ["data", "import", str(root / "c.json"), "--out", str(root / "new"), "--quiet", *options]
    assert main(command) == 0
    content = json.loads((root / "new/dataset.json").read_text())
    for entry in content["matches"]:
        if "annotations" in entry:
            entry["annotations"] = json.loads((root / "new" / entry["annotations"]).read_text())[
                "annotations"
            ]
    return content


def test_corrected_matches_take_the_place_of_those_of_a_data_root(root):
    for name in ("a", "b", "c"):
        write_video(root / f"{name}.mp4", 50)
    kick = [{"label": "KICK", "seconds": 1.0}]
    entries = [match_entry("a", kick, fold=1), match_entry("b", kick, fold=0, test=True), match_entry("c")]
    write_dataset(root, entries, labels=("KICK",))
    changes = {"match": "b", "file": "b.mp4", "path": "b.mp4"}
    written(root / "c.json", video(**changes), video())

    content = imported(root, "--with", str(root))

    assert content["labels"] == ["KICK", "PASS", "DRIVE"]
    assert [(m["name"], m.get("fold"), m.get("test")) for m in content["matches"]] == [
        ("a", 1, None),
        ("b", 0, True),
        ("c", None, None),
        ("league/first", 2, None),
    ]
    first, second, third, fourth = content["matches"]
    assert first["annotations"] == [{"seconds": 1.0, "label": "KICK"}]
    assert second["annotations"] == fourth["annotations"] == [{"frame": 12, "label": "PASS"}]
    assert "annotations" not in third


def test_a_data_root_takes_no_part_of_a_match_and_only_corrections(root, capsys):
    write_video(root / "b.mp4", 50)
    write_dataset(root, [{**match_entry("b", []), "videos": ["b.mp4", "matches/first/1.mkv"]}])
    written(root / "c.json", video(match="b", file="b.mp4", path="b.mp4"))
    command = [
        "data",
        "import",
        str(root / "c.json"),
        "--out",
        str(root / "new"),
        "--with",
        str(root),
        "--quiet",
    ]
    assert main(command) == 2
    assert "b: is about 1 of its 2 videos; correct all, on one page" in capsys.readouterr().err
    (root / "a.csv").write_text("video,label,frame\nb.mp4,KICK,3\n")
    command[2] = str(root / "a.csv")
    assert main(command) == 2
    assert "--with is for corrections" in capsys.readouterr().err


def test_a_video_is_found_by_its_match_or_its_name_too(root, tmp_path):
    for folder in ("league/first", "."):
        write_video(tmp_path / "elsewhere" / folder / "1.mkv", 50)
        found = read_corrections(written(tmp_path / "c.json", video()), tmp_path / "elsewhere")
        assert found.matches[0].videos == [tmp_path / "elsewhere" / folder / "1.mkv"]
        found.matches[0].videos[0].unlink()


def test_a_video_that_nobody_looked_at_is_no_video_without_actions(root, tmp_path):
    write_video(root / "matches/first/2.mkv", 50)
    unseen = video(part=2, file="2.mkv", path="matches/first/2.mkv", reviewed=False, annotations=[])
    found = read_corrections(written(tmp_path / "c.json", video(), unseen), root)
    assert [len(match.videos) for match in found.matches] == [1]

    (fault,) = faults_of(written(tmp_path / "c.json", unseen), root)
    assert "no video in it was reviewed" in fault


def test_what_is_wrong_is_named(root, tmp_path):
    path = tmp_path / "c.json"
    wrong = [{"frame": 50, "label": "PASS"}, {"frame": 3, "label": "GOAL"}, {"label": "PASS"}, 7]
    assert [
        fault.split(": ", 1)[1] for fault in faults_of(written(path, video(annotations=wrong)), root)
    ] == [
        "video 0, annotation 0: has frame 50; the video has frames 0 to 49",
        "video 0, annotation 1: has label 'GOAL', which is not among PASS, DRIVE",
        "video 0, annotation 2: needs 'frame', a whole number from 0 up, got nothing",
        "video 0, annotation 3: must be an object, got 7",
    ]
    assert (
        "has 50 frames, and the corrections are about one with 51"
        in faults_of(written(path, video(num_frames=51)), root)[0]
    )
    assert (
        "no video 9.mkv of league/first"
        in faults_of(written(path, video(file="9.mkv", path="9.mkv")), root)[0]
    )
    assert (
        "this version reads bvas-corrections-1"
        in faults_of(written(path, format="bvas-corrections-9"), root)[0]
    )
    assert "needs 'labels'" in faults_of(written(path, video(), labels="PASS"), root)[0]


def test_other_files_are_not_taken_for_corrections(tmp_path):
    assert not is_corrections([])
    assert not is_corrections({"format": "bvas-dataset-1"})
    assert is_corrections(json.loads(written(tmp_path / "c.json").read_text()))
