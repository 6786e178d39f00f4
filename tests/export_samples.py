"""Results to export, as people have them, and what comes out."""

import csv

from bvas.cli import main
from bvas.experiment.peak_config import PeakConfig
from bvas.results.recording import Recording
from bvas.results.store import RESULTS_NAME, write_recording, write_results
from bvas.results.video_result import VideoFile
from bvas.values.annotations import LabelSet, Spot

BALL = LabelSet(("PASS", "DRIVE"))
SPOTS = (Spot("PASS", 0.4, 0.9), Spot("DRIVE", 1.2, 0.1), Spot("PASS", 1.6, 0.5))


def export(*arguments):
    return main(["spots", "export", *map(str, arguments)])


def results_in(folder, spots=SPOTS, *more):
    """A results file of one or more halves."""
    folder.mkdir(parents=True, exist_ok=True)
    halves = dict(enumerate([spots, *more], 1))
    write_results(folder / RESULTS_NAME, folder.name, halves, rate=25)
    return folder / RESULTS_NAME


def recording_in(folder, videos, *, operating_point=0.2, per_label=None, begins=(0.0, 2.4)):
    """What `bvas spot` writes beside the results."""
    recording = Recording(
        experiment="tiny",
        labels=BALL,
        peaks=PeakConfig(operating_point=operating_point, per_label=per_label or {}),
        kickoff_seconds=0.0,
        parts=tuple(
            VideoFile(number=number, name=video.stem, path=video, begin_seconds=begins[number - 1])
            for number, video in enumerate(videos, 1)
        ),
    )
    write_recording(folder, recording)


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
