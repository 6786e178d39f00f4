"""One of several processes that predict one video: together.py VIDEO LOG SECONDS [LOG...].

Each segment that it completes is a line in its log. A pause of so many seconds behind each gives the others time, and
behind the first one it waits until the others' logs exist.
"""

import sys
import time
from pathlib import Path

import torch

from bvas.experiment.experiment import load_experiment
from bvas.predicting.assignments import of_video
from bvas.predicting.many_matches import predict_matches
from bvas.predicting.segments import SegmentedVideo
from bvas.predicting.settings import Work

SEGMENT_FRAMES = 20


def main(video: str, log: Path, seconds: float, others: list[Path]) -> None:
    save = SegmentedVideo.save

    def save_slowly(self, segment, rows):
        save(self, segment, rows)
        if len(rows.scores) == len(self.frames_of(segment)):
            with log.open("a") as file:
                print(segment, file=file)
            deadline = time.monotonic() + 60
            while not all(other.exists() for other in others) and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(seconds)

    SegmentedVideo.save = save_slowly
    torch.set_num_threads(1)
    work = Work(
        experiment=load_experiment("tiny"), runs=Path("runs"), segment_frames=SEGMENT_FRAMES, save_seconds=0.0
    )
    assignment = of_video(Path(video), (0, 1), Path("runs/tiny/predictions"))
    done = predict_matches([assignment], work, lambda *_: None, devices="cpu")
    assert not done.failures, done.failures


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), list(map(Path, sys.argv[4:])))
