"""`bvas video prepare` on a data root: a second data root of copies."""

import json

import numpy as np
import pytest
from task_videos import write_dataset
from video_samples import damage, make_video, numbers_in, read_luma

from bvas.cli import main
from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.matches import find_matches, match_halves
from bvas.data.spotting_task import dataset_task
from bvas.video.decode.open_video import open_video
from bvas.video.index.frame_grid import make_grid
from bvas.video.index.video_index import build_index

TASK = dataset_task(("A", "B"))


@pytest.fixture
def root(tmp_path):
    """Six clips with splits to draw, and two ranges of a longer video."""
    folder = tmp_path / "root"
    (folder / "clips").mkdir(parents=True)
    samples = []
    for number in range(6):
        make_video(folder / f"clips/{number}.mp4", num_frames=8, rate=10, first_number=10 * number)
        samples.append(
            {"video": f"clips/{number}.mp4", "label": "AB"[number % 2], "group": f"g{number // 2}"}
        )
    make_video(folder / "long.avi", num_frames=30, rate=10, codec="mpeg4")
    samples += [{"video": "long.avi", "label": "A", "from_frame": a, "to_frame": a + 8} for a in (4, 20)]
    splits = {"train": 60, "valid": 20, "test": 20}
    write_dataset(
        folder, [], format="bvas-dataset-2", labels=["A", "B"], samples=samples, splits=splits, seed=3
    )
    return folder


def prepare(root, out, *options):
    return main(["video", "prepare", str(root), "--out", str(out), "--quiet", *map(str, options)])


def described(root):
    return [
        (
            match.name,
            match.group,
            match.side,
            [(one.label, one.start_seconds, one.end_seconds) for one in found],
        )
        for match in find_matches(TASK, root)
        for _, found in labelled_ranges(match, TASK)
    ]


def test_copies_have_the_names_labels_groups_and_splits_of_their_originals(root, tmp_path):
    assert prepare(root, tmp_path / "out", "--size", "24x40") == 0

    assert described(tmp_path / "out") == described(root)
    content = json.loads((tmp_path / "out/dataset.json").read_text())
    assert (content["splits"], content["seed"]) == ({"train": 60, "valid": 20, "test": 20}, 3)
    videos = {entry["video"] for entry in content["samples"]}
    # Two ranges share one copy.
    assert len(videos) == 7
    assert all((tmp_path / "out" / video).is_file() for video in videos)
    by_name = {match.name: match for match in find_matches(TASK, tmp_path / "out")}
    (half,) = match_halves(by_name["clips/3"], "720p")
    with open_video(half.path) as reader:
        assert reader.info.height, reader.info.width == (24, 40)
        assert numbers_in(read_luma(reader, [0, 7])) == [30, 37]


def test_a_second_run_makes_only_the_copies_that_are_missing(root, tmp_path, capsys):
    out = tmp_path / "out"
    assert prepare(root, out) == 0
    (out / "dataset.json").unlink()
    (out / "clips/2.mp4").unlink()
    before = (out / "clips/1.mp4").stat().st_mtime_ns

    assert main(["video", "prepare", str(root), "--out", str(out)]) == 0

    assert "copies of 7 videos, 1 of them new" in capsys.readouterr().err
    assert (out / "clips/1.mp4").stat().st_mtime_ns == before
    assert described(out) == described(root)


def test_copies_of_another_size_are_not_taken_for_those_wanted(root, tmp_path, capsys):
    out = tmp_path / "out"
    assert prepare(root, out, "--size", "24x40") == 0
    assert prepare(root, out) == 2
    assert "dataset.json exists already; --force replaces it" in capsys.readouterr().err
    (out / "dataset.json").unlink()
    assert prepare(root, out) == 2
    said = capsys.readouterr().err
    assert "exists and has 8 frames of 24x40, where 8 of 48x80 are wanted; --force replaces it" in said
    assert prepare(root, out, "--force") == 0
    assert described(out) == described(root)


def test_a_clip_that_cannot_be_copied_stays_named_where_it_lies(root, tmp_path, capsys):
    damage(root / "clips/4.mp4", range(8))
    assert prepare(root, tmp_path / "out") == 3
    said = capsys.readouterr().err
    assert "clips/4.mp4" in said
    assert "1 video without a copy named where they lie" in said
    content = json.loads((tmp_path / "out/dataset.json").read_text())
    assert content["samples"][4]["video"] == str(root / "clips/4.mp4")
    assert len(content["samples"]) == 8


def test_joints_go_along(root, tmp_path):
    np.save(root / "clips/0.npy", np.ones((8, 18, 2)))
    assert prepare(root, tmp_path / "out") == 0
    assert np.load(tmp_path / "out/clips/0.npy").shape == (8, 18, 2)


def test_a_root_is_prepared_alone_and_not_into_itself(root, tmp_path, capsys):
    assert prepare(root, root) == 2
    assert "choose another --out folder" in capsys.readouterr().err
    assert main(["video", "prepare", str(root), str(root / "long.avi"), "--out", str(tmp_path / "out")]) == 2
    assert "is a data root; prepare it alone" in capsys.readouterr().err
    assert prepare(root, tmp_path / "out", "--stream", "1") == 2
    assert "--stream is for single videos" in capsys.readouterr().err
    (root / "clips/5.mp4").unlink()
    assert prepare(root, tmp_path / "out") == 2
    assert "no video" in capsys.readouterr().err


def test_a_rate_keeps_the_frames_that_an_experiment_of_it_sees(root, tmp_path):
    assert prepare(root, tmp_path / "out", "--rate", "5") == 0

    with open_video(tmp_path / "out/clips/3.mp4") as reader:
        assert (reader.info.num_frames, reader.info.rate) == (4, 5)
        assert numbers_in(read_luma(reader, range(4))) == [30, 32, 34, 36]
    with open_video(tmp_path / "out/long.mp4") as reader:
        assert numbers_in(read_luma(reader, range(15))) == list(range(0, 30, 2))
    # Frames 4 to 12 at 10 a second.
    found = {name: spans for name, _, _, spans in described(tmp_path / "out")}
    assert found["long_4-12"] == [("A", 0.4, 1.2)]
    assert [row[:3] for row in described(tmp_path / "out")] == [row[:3] for row in described(root)]


def test_a_rate_above_that_of_the_videos_repeats_frames_and_their_own_changes_nothing(root, tmp_path):
    assert prepare(root, tmp_path / "more", "--rate", "20") == 0
    assert prepare(root, tmp_path / "same", "--rate", "10") == 0
    with open_video(tmp_path / "more/clips/1.mp4") as reader:
        numbers = numbers_in(read_luma(reader, range(reader.info.num_frames)))
    index, _ = build_index(root / "clips/1.mp4")
    assert numbers == [10 + number for number in make_grid(index, 20).indices]
    with open_video(tmp_path / "same/clips/1.mp4") as reader:
        assert reader.info.num_frames == 8


def test_two_files_of_one_name_and_files_elsewhere_have_copies_of_their_own(root, tmp_path):
    make_video(root / "clips/0.avi", num_frames=8, rate=10, codec="mpeg4", first_number=90)
    make_video(tmp_path / "far.mp4", num_frames=8, rate=10, first_number=100)
    content = json.loads((root / "dataset.json").read_text())
    content["samples"] += [
        {"video": "clips/0.avi", "label": "A", "name": "other"},
        {"video": str(tmp_path / "far.mp4"), "label": "B"},
    ]
    (root / "dataset.json").write_text(json.dumps(content))
    assert prepare(root, tmp_path / "out") == 0
    for place, number in (("clips/0.mp4", 0), ("clips/0.avi.mp4", 90), ("videos/far/far.mp4", 100)):
        with open_video(tmp_path / "out" / place) as reader:
            assert numbers_in(read_luma(reader, [0])) == [number]
