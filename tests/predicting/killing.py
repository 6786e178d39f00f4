"""Prediction of one video in processes that are killed at random moments: killing.py VIDEO NUM_FRAMES NUM_KILLS.

Prints a JSON list of the frames that each process computed. The last process is not killed.
Processes are forked, as importing PyTorch again takes longer than the prediction.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from bvas.experiment.experiment import load_experiment
from bvas.predicting.assignments import of_video
from bvas.predicting.many_matches import predict_matches
from bvas.predicting.settings import Work

SEGMENT_FRAMES = 50


def predict(video: str, log: Path) -> None:
    torch.set_num_threads(1)

    def report(done: int, total: int, note: str = "") -> None:
        replace_text(log, str(done))

    work = Work(
        experiment=load_experiment("tiny"),
        runs=Path("runs"),
        segment_frames=SEGMENT_FRAMES,
        save_seconds=0.0,
    )
    done = predict_matches(
        [of_video(Path(video), (0, 1), Path("runs/tiny/predictions"))], work, report, devices="cpu"
    )
    assert not done.failures, done.failures


def replace_text(path: Path, text: str) -> None:
    """Write a file that is read meanwhile."""
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").replace(path)


def start(video: str, log: Path) -> int:
    pid = os.fork()
    if pid == 0:
        predict(video, log)
        os._exit(0)
    return pid


def main(video: str, num_frames: int, num_kills: int) -> None:
    draw = random.Random(num_kills + 1)
    computed = []
    for number in range(num_kills + 1):
        log = Path(f"log_{number}")
        began = time.monotonic()
        pid = start(video, log)
        if number < num_kills:
            # A third of the moments lie before the first row, the others up to 3 kills' share behind it. One kill alone
            # comes behind 374 of 400 frames.
            wanted = max(0, draw.uniform(-0.5, 1.0) * min(num_kills, 3) * num_frames / num_kills)
            ended = (0, 0)
            while wanted and ended == (0, 0) and not (log.exists() and int(log.read_text()) >= wanted):
                time.sleep(0.002)
                assert time.monotonic() - began < 60
                ended = os.waitpid(pid, os.WNOHANG)
            time.sleep(draw.uniform(0.0, 0.05))
            if ended == (0, 0):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        else:
            _, status = os.waitpid(pid, 0)
            assert status == 0
        computed.append(int(log.read_text()) if log.exists() else 0)
    print(json.dumps(computed))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
