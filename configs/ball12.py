"""Twelve labels of Ball Action Spotting 2024 with the network and the recipe of stage 1."""

from dataclasses import replace

from bvas.data.ball12 import ball12_task
from bvas.experiment.experiment import Experiment, load_experiment


def experiment() -> Experiment:
    return replace(load_experiment("ball_base"), task=ball12_task(), published=None)
