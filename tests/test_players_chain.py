"""Players, the whole chain on a half never seen: detector and actions trained in seconds, `bvas players`, scores.

Two synthetic matches of seconds, 144x256, players 18 pixels high. Actions are learned from one match, the detector from
the first halves of both; the second half of the other match is scored. With one thread it had HOTA 0.62, IDF1 0.84,
MOTA 0.85 and a macro F1 of 0.70.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from bvas.cli import main
from bvas.players.track_players import track_players
from bvas.tracking.mot_files import read_truth
from bvas.video.encode.video_writer import VideoWriter
from bvas.video.index.video_index import build_index

HEIGHT, WIDTH = 144, 256
NUM_50 = 150
"""Frames at 25 a second of the video that is compared with one of 50."""
EXPERIMENT = '''
"""Standing and running, told apart in seconds."""

from dataclasses import replace

from bvas.augment.config import AugmentConfig
from bvas.data.spotting_task import dataset_task
from bvas.experiment.class_config import ClassConfig
from bvas.experiment.experiment import Experiment, InputConfig, TrainConfig
from bvas.models.video.config import SmallR2plus1dConfig, VideoModelConfig
from bvas.values.clip_config import ClipConfig


def experiment() -> Experiment:
    small = SmallR2plus1dConfig(features=(8, 16, 32), drop_rate=0.0)
    return Experiment(
        name="seconds",
        kind="clip",
        task=dataset_task(("stand", "run")),
        input=InputConfig(size=(32, 24), rate=10.0),
        clip=ClipConfig(num_frames=8, frame_step=1, stack_size=8),
        video=VideoModelConfig(network="small_r2plus1d", small_r2plus1d=small),
        classes=ClassConfig(weigh_by_count=True),
        augment=replace(AugmentConfig.none(), flip_probability=0.5),
        train=TrainConfig(
            batch_size=16, warmup_epochs=0, epochs=8, learning_rate=4e-3, ema_decay=0.8, validation_clips=8
        ),
        flip_tta=False,
    )
'''


def run(*words):
    assert main([str(word) for word in words]) == 0


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A folder with halves a1, a2, b1 and b2 of two matches, all that was trained, and results in players/b2."""
    before, folder = Path.cwd(), tmp_path_factory.mktemp("chain")
    os.chdir(folder)
    try:
        match = ["--matches", 2, "--minutes", 0.4, "--seed", 5, "--size", f"{HEIGHT}x{WIDTH}", "--jobs", 1]
        run("data", "synth", "--out", "league", *match, "--boxes", "--quiet")
        for name, place in zip(
            "ab", sorted(path.parent for path in folder.glob("league/**/1_gt.txt")), strict=True
        ):
            for half in (1, 2):
                (place / f"{half}_{HEIGHT}p.mkv").rename(f"{name}{half}.mkv")
                for file in ("gt.txt", "actions.csv"):
                    (place / f"{half}_{file}").rename(f"{name}{half}_{file}")
        _train()
        words = ["--detector", "small.safetensors", "--experiment", "seconds.py"]
        run("players", "b2.mkv", *words, "--device", "cpu", "--quiet")
        _score()
    finally:
        os.chdir(before)
    return folder


def _train():
    steps = ["--height", HEIGHT, "--frames", 60, "--steps", 120, "--device", "cpu", "--quiet"]
    run("players", "detector", "a1.mkv", "b1.mkv", *steps, "--out", "small.safetensors")
    files = [[f"{half}{end}" for half in ("a1", "a2", "b1")] for end in (".mkv", "_gt.txt", "_actions.csv")]
    clips = ["--labels", "stand,run", "--per-class", 60, "--size", "32x24", "--frames", 8, "--quiet"]
    run("players", "clips", *files[0], "--tracks", *files[1], "--actions", *files[2], *clips, "--out", "data")
    content = json.loads(Path("data/dataset.json").read_text())
    for sample in content["samples"]:
        sample["split"] = "valid" if sample["group"] == "b1" else "train"
    content.pop("splits", None)
    Path("data/dataset.json").write_text(json.dumps(content))
    Path("seconds.py").write_text(EXPERIMENT)
    device = ["--workers", 0, "--device", "cpu"]
    run("train", "--experiment", "seconds.py", "--data", "data", *device, "--allow-siblings", "--quiet")


def _score():
    head, *rows = Path("b2_actions.csv").read_text().splitlines()
    # Boxes with another action are not scored.
    two = [row for row in rows if row.rsplit(",", 1)[1] in ("stand", "run")]
    Path("two.csv").write_text("\n".join([head, *two]) + "\n")
    files = ["--tracks", "players/b2", "--truth", "b2_gt.txt", "--actions", "two.csv"]
    run("players", "score", *files, "--json", "scores.json")


def test_players_of_an_unseen_half_are_found_and_followed(chain):
    scores = json.loads((chain / "scores.json").read_text())["combined"]
    assert scores["HOTA"] >= 0.5
    assert scores["IDF1"] >= 0.65
    assert scores["MOTA"] >= 0.7


def test_their_actions_are_named(chain):
    actions = json.loads((chain / "scores.json").read_text())["combined"]["actions"]
    assert actions["pairs"] >= 1000
    # Always "run" would be 0.47.
    assert actions["macro_f1"] >= 0.58


def test_the_annotated_video_has_all_frames(chain):
    drawn, source = (build_index(chain / name)[0] for name in ("players/b2/players.mp4", "b2.mkv"))
    assert drawn.num_frames == source.num_frames == 300


def test_results_do_not_depend_on_the_batch_size(chain):
    found = [
        list(
            track_players(
                chain / "b2.mkv",
                str(chain / "seconds.py"),
                detector=str(chain / "small.safetensors"),
                runs=chain / "runs",
                device="cpu",
                stride=0.2,
                every=3.0,
                batch_size=size,
            )
        )
        for size in (1, 4)
    ]
    keys = [[(row.frame, row.player, row.label) for row in rows] for rows in found]
    assert keys[0] == keys[1]
    assert len(keys[0]) > 1000
    assert {label for _, _, label in keys[0]} == {"", "stand", "run"}
    boxes, others = (np.array([row.box for row in rows]) for rows in found)
    assert np.abs(boxes - others).max() < 1e-3
    sure, other = (np.array([row.confidence or 0.0 for row in rows]) for rows in found)
    assert np.abs(sure - other).max() < 1e-4


def test_every_second_frame_at_50_a_second_gives_the_players_of_25(chain, tmp_path):
    whole = read_truth(chain / "b2_gt.txt")
    frames, true = whole.frames[whole.frames < NUM_50], whole.boxes[whole.frames < NUM_50]
    noise = np.random.default_rng(3).normal(0, 0.04, true.shape) * true[:, [2, 3, 2, 3]]
    found = []
    for step in (1, 2):
        with VideoWriter(tmp_path / f"{step}.mp4", size=(64, 96), rate=25 * step) as writer:
            for _ in range(NUM_50 * step):
                writer.write(np.full((64, 96), 90, np.uint8))
        lines = [
            f"{frame * step + 1},-1,{x:.2f},{y:.2f},{w:.2f},{h:.2f},0.9"
            for frame, (x, y, w, h) in zip(frames.tolist(), true + noise, strict=True)
        ]
        (tmp_path / f"{step}.txt").write_text("\n".join(lines) + "\n")
        found.append(track_players(tmp_path / f"{step}.mp4", detections=tmp_path / f"{step}.txt"))
    slow = {(row.frame, row.player): row.box for row in found[0]}
    fast = {(row.frame, row.player): row.box for row in found[1]}
    shared = {(frame // 2, player): box for (frame, player), box in fast.items() if frame % 2 == 0}
    assert shared.keys() == slow.keys()
    assert len(slow) > 1000
    assert max(np.abs(np.subtract(shared[key], slow[key])).max() for key in slow) < 1e-6
    # And each frame between two of them has a box.
    assert len(fast) > 1.95 * len(slow)
