"""Actions of the players of synthetic matches, on a CPU: the network of mini_clips, on clips cut out of matches."""

from dataclasses import replace

from bvas.data.spotting_task import dataset_task
from bvas.experiment.class_config import ClassConfig
from bvas.experiment.experiment import Experiment, load_experiment

# What is named where the clips are missing; they need matches first: docs/players_clips.md.
CLIPS = "bvas players clips VIDEO... --tracks FILE... --actions FILE... --out {root}"
# Labels that a match of minutes shows often; headers, throws and falls are too rare there.
LABELS = ("stand", "walk", "run", "dribble", "control", "pass")


def experiment() -> Experiment:
    clips = load_experiment("mini_clips")
    return replace(
        clips,
        name="mini_players",
        task=replace(dataset_task(LABELS), made_by=CLIPS),
        # `bvas players clips` balances already.
        classes=ClassConfig(cap=400, weigh_by_count=True),
        train=replace(clips.train, validation_clips=400),
    )
