"""A workplace with a few tiny matches and models that were never trained."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tiny import TINY_CONFIG

from bvas.cli import main
from bvas.data.matches import find_matches
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.experiment.experiment import load_experiment
from bvas.models.spotting import build_model
from bvas.predicting.assignments import Assignment, challenge, held_out, of_video
from bvas.predicting.many_matches import predict_matches
from bvas.predicting.schedule import Schedule
from bvas.predicting.settings import Work
from bvas.video.encode.video_writer import VideoWriter

NUM_FRAMES = 60
RESULTS = "results_spotting.json"


def save_untrained(folder: Path, fold: int, seed: int) -> None:
    experiment = load_experiment(str(folder / "configs/tiny.py"))
    torch.manual_seed(seed)
    model = build_model(experiment.model, experiment.clip, len(experiment.task.labels))
    save_checkpoint(
        fold_folder(folder / "runs", "tiny", fold) / FILE_NAME, model.state_dict(), experiment, {}
    )


def write_video(path: Path, seed: int, num_frames: int = NUM_FRAMES, rate: float = 25) -> Path:
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, size=(64, 96), rate=rate, keyframe_interval=10) as writer:
        for frame in rng.integers(16, 236, (num_frames, 64, 96), dtype=np.uint8):
            writer.write(frame)
    return path


@dataclass(frozen=True)
class Workplace:
    folder: Path

    @property
    def league(self) -> Path:
        return self.folder / "data" / load_experiment("demo").task.folder

    @property
    def predictions(self) -> Path:
        return self.folder / "runs/tiny/predictions"

    def video(self, match: str, half: int = 1) -> Path:
        return self.league / match / f"{half}_64p.mkv"

    def predict(self, *options: str) -> int:
        return main(["predict", "--experiment", "tiny", "--quiet", "--device", "cpu", *options])

    def held_out(self, *folds: int) -> list[Assignment]:
        return held_out(self._matches(), folds, self.predictions)

    def challenge(self, *folds: int) -> list[Assignment]:
        return challenge(self._matches(), folds, self.predictions)

    def of_video(self, path: str) -> Assignment:
        return of_video(Path(path), (0, 1), self.predictions)

    def _matches(self):
        return find_matches(load_experiment("tiny").task, self.folder / "data")

    def work(self, **settings) -> Work:
        return Work(experiment=load_experiment("tiny"), runs=self.folder / "runs", **settings)

    def run(self, assignments, *, progress=None, devices="cpu", **settings) -> tuple[Schedule, int]:
        """Predict; return the outcome, and how many frames were computed."""
        reports = [0]

        def report(done: int, total: int, note: str = "") -> None:
            reports.append(done)
            if progress is not None:
                progress(done, total)

        done = predict_matches(assignments, self.work(**settings), report, devices=devices)
        return done, reports[-1]

    def scores(self, name: str, stem: str = "1_64p") -> np.ndarray:
        with np.load(self.predictions / name / f"{stem}_scores.npz") as curve:
            return curve["scores"]

    def times(self) -> dict[str, int]:
        """When each results file was written."""
        # Unlike `rglob`, it passes folders that another process removes meanwhile.
        folders = [Path(folder) for folder, _, files in os.walk(self.predictions) if RESULTS in files]
        return {
            folder.relative_to(self.predictions).as_posix(): (folder / RESULTS).stat().st_mtime_ns
            for folder in folders
        }

    def failures(self, split: str = "cv") -> dict[str, str]:
        lines = (self.predictions / split / "failed.jsonl").read_text().splitlines()
        return {entry["match"]: entry["reason"] for entry in map(json.loads, lines)}


def make_workplace(folder: Path) -> Workplace:
    """Two labelled matches of two halves, a challenge match of one, and a model for each fold."""
    place = Workplace(folder)
    (place.folder / "configs").mkdir()
    (place.folder / "configs/tiny.py").write_text(TINY_CONFIG)
    for fold in (0, 1):
        save_untrained(place.folder, fold, seed=fold)
    for number, match in enumerate(("game/a", "game/b")):
        for half in (1, 2):
            write_video(place.video(match, half), seed=2 * number + half)
        kicks = [
            {"gameTime": f"{half} - 00:01", "label": "PASS", "position": "1000", "team": "left"}
            for half in (1, 2)
        ]
        (place.league / match / "Labels-ball.json").write_text(json.dumps({"annotations": kicks}))
    write_video(place.video("game/c"), seed=9)
    return place
