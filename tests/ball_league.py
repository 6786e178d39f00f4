"""A data root with the nine matches of Ball Action Spotting 2023, and curves for it: no video is made or read."""

import json
from pathlib import Path

import numpy as np

from bvas.data.ball import ball_task
from bvas.data.matches import find_matches
from bvas.results import store
from bvas.values.score_curve import ScoreCurve

NUM_BLOCKS = 6
ROWS = 500 * NUM_BLOCKS
SECONDS = np.arange(ROWS) / 25


def actions(number):
    """Frames of 12 passes in 6 pairs 8 frames apart, and of 12 drives; at other places in each match."""
    starts = 500 * np.arange(NUM_BLOCKS) + np.random.default_rng(number).integers(60, 140, NUM_BLOCKS)
    passes = sorted([*starts, *(starts + 8)])
    drives = sorted([*(starts + 120), *(starts + 200)])
    return np.array(passes), np.array(drives)


def tunable_curve(number):
    """A curve that is best spotted with passes 7 frames apart and drives not smoothed.

    Passes are lone rows of 0.9 without anything else. Drives are lone rows of 0.9 too, among as many false
    stretches of 9 rows of 0.5, which are the higher ones once smoothed.
    """
    passes, drives = actions(number)
    scores = np.zeros((ROWS, 2), np.float32)
    scores[passes, 0] = 0.9
    scores[drives, 1] = 0.9
    for row in drives + 130:
        scores[row : row + 9, 1] = 0.5
    return scores


def make_data(root: Path) -> None:
    """Write labels and empty video files."""
    task = ball_task()
    for number, name in enumerate([*(name for fold in task.folds for name in fold), *task.challenge]):
        folder = root / task.folder / name
        folder.mkdir(parents=True)
        (folder / "1_720p.mkv").touch()
        if name not in task.challenge:
            passes, drives = actions(number)
            events = [
                {"gameTime": "1 - 00:00", "label": label, "position": str(40 * int(frame))}
                for label, frames in (("PASS", passes), ("DRIVE", drives))
                for frame in frames
            ]
            (folder / "Labels-ball.json").write_text(json.dumps({"annotations": events}))


def league_matches(root: Path):
    """Return (number, match) of all matches, the challenge last."""
    return list(enumerate(find_matches(ball_task(), root)))


def save_curve(folder: Path, match, scores, *, labels=("PASS", "DRIVE"), rate=25.0) -> Path:
    """Write the curve of a match's only half below a folder of predictions; return its path."""
    path = folder / match.name / "1_720p_scores.npz"
    scores = np.asarray(scores, np.float32)
    store.save_curve(ScoreCurve(scores, np.arange(len(scores)) / rate, labels), path)
    return path
