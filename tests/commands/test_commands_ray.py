"""`--ray` of train, video prepare and data synth, against a fake of Ray's calls: results of this machine alone."""

from dataclasses import replace

import pytest
from fake_ray import VERSIONS, FakeRay, RayError, greeting
from tiny import TINY_CONFIG, TINY_LEAGUE
from video_samples import make_video, numbers_in, read_luma

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.synthetic.league import make_league
from bvas.system.jobs import ray_executor
from bvas.video.decode.open_video import open_video

LOST = RayError("The actor died unexpectedly.")


@pytest.fixture
def ray(monkeypatch):
    """A cluster of two workers, the first of which is lost with its first job."""
    fake = FakeRay([greeting("a"), LOST], [greeting("b")])
    monkeypatch.setattr(ray_executor, "connect", lambda settings: (fake, 2))
    monkeypatch.setattr(ray_executor, "versions", lambda: VERSIONS)
    return fake


def files_of(root):
    return {path.relative_to(root): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("task", ["ball", "clips"])
def test_rendered_files_are_those_of_this_machine(ray, tmp_path, monkeypatch, task):
    monkeypatch.chdir(tmp_path)
    size = {
        "ball": ["--matches", "2", "--minutes", "0.1"],
        "clips": ["--task", "clips", "--clips", "20"],
    }[task]
    rendering = ["data", "synth", *size, "--size", "64x96", "--quiet"]
    assert main([*rendering, "--out", "here", "--jobs", "1"]) == OK
    assert main([*rendering, "--out", "there", "--ray", "auto"]) == OK
    assert len(ray.actors) >= 2
    assert ray.is_shut_down
    assert files_of(tmp_path / "there") == files_of(tmp_path / "here")


def test_copies_of_videos_are_made_by_the_workers(ray, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        make_video(tmp_path / f"{number}.mp4", num_frames=6, first_number=10 * number)
    videos = [f"{number}.mp4" for number in range(3)]
    assert main(["video", "prepare", *videos, "--out", "out", "--ray", "auto", "--quiet"]) == OK
    assert ray.options[0]["num_gpus"] == 0
    copies = sorted(path for path in (tmp_path / "out").iterdir())
    assert [path.stem for path in copies] == ["0", "1", "2"]
    for number, path in enumerate(copies):
        with open_video(path) as reader:
            assert numbers_in(read_luma(reader, [0, 5])) == [10 * number, 10 * number + 5]


def test_folds_are_trained_by_the_workers_and_a_lost_one_is_resumed(ray, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_league(tmp_path / "data", replace(TINY_LEAGUE, challenge_matches=0, minutes=0.2), jobs=1)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/tiny.py").write_text(TINY_CONFIG)
    training = ["train", "--experiment", "tiny", "--workers", "0", "--quiet", "--ray", "auto"]
    assert main([*training, "--ray-gpus", "0"]) == OK
    assert sorted(path.parent.name for path in (tmp_path / "runs").rglob("model.safetensors")) == [
        "fold_0",
        "fold_1",
    ]
    assert main([*training, "--overfit", "4"]) == WRONG_INPUT


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["data", "synth", "--out", "x", "--ray-workers", "2"], "--ray-workers and --ray-gpus are of --ray"),
        (
            ["data", "synth", "--out", "x", "--ray", "auto", "--jobs", "2"],
            "--jobs is of this machine and --ray of",
        ),
        (
            ["data", "synth", "--out", "x", "--ray", "auto", "--ray-workers", "0"],
            "--ray-workers must be at least 1",
        ),
        (["train", "--experiment", "demo", "--ray", "auto", "--ray-gpus", "1.5"], "must be a whole number"),
        (
            ["train", "--experiment", "demo", "--ray", "auto", "--ray-gpus", "-1"],
            "--ray-gpus must be 0 or more",
        ),
        (
            ["train", "--experiment", "demo", "--ray", "auto", "--device", "cpu"],
            "--device is of this machine",
        ),
        (
            ["train", "--experiment", "demo", "--ray", "auto", "--jobs", "2"],
            "give neither --jobs nor torchrun",
        ),
        (
            ["predict", "--experiment", "demo", "--ray", "auto", "--devices", "cpu,cpu"],
            "--devices is of this",
        ),
    ],
)
def test_options_that_exclude_each_other_are_named_before_work(tmp_path, monkeypatch, capsys, words, rule):
    monkeypatch.chdir(tmp_path)
    assert main(words) == WRONG_INPUT
    assert rule in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
