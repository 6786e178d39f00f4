"""Files of action clips: SpaceJam's layout, `dataset.json`, resumed runs, the command."""

import hashlib
import json
from collections import Counter

import numpy as np
import pytest
from video_samples import read_luma

from bvas import ConfigError, DataError
from bvas.cli import main
from bvas.data.dataset_json import read_dataset
from bvas.data.matches import find_matches
from bvas.data.spotting_task import dataset_task
from bvas.synthetic.clip_config import LABELS, ClipSetConfig
from bvas.synthetic.clip_files import make_clips
from bvas.synthetic.clips import film_clips
from bvas.video.decode.open_video import open_video

SMALL = ClipSetConfig(matches=3, clips=14, size=(88, 64), seed=2)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("clips")
    calls = []
    make_clips(root, SMALL, progress=lambda *counts: calls.append(counts), jobs=1)
    return root, calls


def digests(root) -> dict[str, bytes]:
    files = [*root.glob("examples/*"), *root.glob("*.json")]
    return {path.name: hashlib.sha256(path.read_bytes()).digest() for path in files}


def test_files_lie_as_spacejams_do(made):
    root, calls = made
    assert calls[-1] == (14, 14)
    assert [done for done, _ in calls] == list(range(1, 15))
    names = [f"{number:07d}.{kind}" for number in range(14) for kind in ("mp4", "npy")]
    assert sorted(path.name for path in (root / "examples").iterdir()) == names
    assert sorted(path.name for path in root.iterdir()) == [
        "annotation_dict.json",
        "dataset.json",
        "examples",
        "labels_dict.json",
        "synthetic_clips.json",
    ]
    assert json.loads((root / "labels_dict.json").read_text()) == {
        str(number): label for number, label in enumerate(LABELS)
    }
    numbers = json.loads((root / "annotation_dict.json").read_text())
    assert list(numbers) == [f"{number:07d}" for number in range(14)]
    assert [LABELS[number] for number in numbers.values()] == list(SMALL.labels())
    assert Counter(SMALL.labels()) == dict(zip(LABELS, SMALL.counts(), strict=True))


def test_a_clip_has_sixteen_frames_at_ten_a_second_and_its_joints(made):
    root, _ = made
    for match in range(3):
        filmed = film_clips(SMALL, match)
        for clip, number in enumerate(SMALL.clips_of(match)):
            with open_video(root / "examples" / f"{number:07d}.mp4") as reader:
                assert (reader.size, reader.info.num_frames, reader.info.rate) == ((88, 64), 16, 10)
                luma = read_luma(reader, range(16))
            frames = filmed.frames(clip)
            rendered = np.stack(list(filmed.renderer().frames(frames.start, frames.stop)))
            assert abs(luma.astype(int) - rendered).mean() < 4.0
            joints = np.load(root / "examples" / f"{number:07d}.npy")
            assert joints.dtype == np.float32
            assert np.array_equal(joints, filmed.joints(clip))


def test_dataset_json_has_a_group_for_each_match_and_shares_of_the_splits(made):
    root, _ = made
    dataset, faults = read_dataset(root / "dataset.json")
    assert faults == []
    assert dataset.labels == LABELS
    assert dataset.shares == {"train": 0.7, "valid": 0.2, "test": 0.1}
    assert dataset.seed == 2
    # 14 clips of 3 matches: 5, 5 and 4.
    groups = ["match_00"] * 5 + ["match_01"] * 5 + ["match_02"] * 4
    assert [match.group for match in dataset.matches] == groups
    assert [match.name for match in dataset.matches] == [f"{number:07d}" for number in range(14)]

    matches = find_matches(dataset_task(LABELS), root)
    split_of = {match.group: match.split for match in matches}
    assert sorted(split_of.values()) == ["test", "train", "valid"]
    assert all(split_of[match.group] == match.split for match in matches)


def test_any_number_of_jobs_gives_the_same_bytes_and_a_second_call_makes_what_is_missing(made, tmp_path):
    root, _ = made
    before = digests(root)
    make_clips(tmp_path / "two", SMALL, jobs=2)
    assert digests(tmp_path / "two") == before

    times = {path.name: path.stat().st_mtime_ns for path in (root / "examples").glob("*.mp4")}
    for name in ("0000003.mp4", "0000013.mp4"):
        (root / "examples" / name).unlink()
    (root / "dataset.json").unlink()
    calls = []
    make_clips(root, SMALL, progress=lambda *counts: calls.append(counts), jobs=1)
    assert calls == [(13, 14), (14, 14)]
    assert digests(root) == before
    again = {path.name: path.stat().st_mtime_ns for path in (root / "examples").glob("*.mp4")}
    assert {name for name in times if times[name] != again[name]} == {"0000003.mp4", "0000013.mp4"}


def test_other_data_is_not_touched(made, tmp_path):
    other = ClipSetConfig(matches=3, clips=14, size=(88, 64), seed=3)
    with pytest.raises(DataError, match=r"another config \(other: seed\)"):
        make_clips(made[0], other, jobs=1)
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(DataError, match="data of another origin; choose another folder"):
        make_clips(tmp_path, SMALL, jobs=1)
    with pytest.raises(ConfigError, match="jobs must be at least 1, got 0"):
        make_clips(tmp_path, SMALL, jobs=0)


def test_the_command_makes_clips_and_refuses_what_does_not_apply(tmp_path, capsys):
    command = ["data", "synth", "--task", "clips", "--out", str(tmp_path / "data"), "--quiet", "--jobs", "1"]
    small = ["--matches", "3", "--clips", "12", "--size", "88x64", "--fps", "5", "--gray", "--balanced"]

    assert main([*command, *small]) == 0
    config = json.loads((tmp_path / "data" / "synthetic_clips.json").read_text())
    assert (config["rate"], config["color"], config["proportions"]) == ("5", False, [1.0] * 10)
    labels = [
        sample["label"] for sample in json.loads((tmp_path / "data" / "dataset.json").read_text())["samples"]
    ]
    assert max(Counter(labels).values()) == 2
    with open_video(tmp_path / "data" / "examples" / "0000000.mp4") as reader:
        assert (reader.info.num_frames, reader.info.rate) == (8, 5)

    for extra in (["--preset", "broadcast"], ["--challenge-matches", "1"], ["--minutes", "1"], ["--sound"]):
        assert main([*command, *small, *extra]) == 2
        assert "--task clips has none" in capsys.readouterr().err
    for extra in (["--clips", "12"], ["--balanced"]):
        assert main(["data", "synth", "--task", "presence", "--out", str(tmp_path / "no"), *extra]) == 2
        assert "--task presence has neither" in capsys.readouterr().err
