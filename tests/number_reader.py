"""Networks without training whose answers can be worked out by hand, and the experiments around them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tiny import tiny_experiment
from torch import nn
from video_samples import HEIGHT, NUM_BITS, WIDTH

from bvas.data.spotting_task import dataset_task
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.experiment.experiment import Experiment
from bvas.experiment.input_config import InputConfig
from bvas.inference.classifier import Classifier
from bvas.tasks.kind_choice import kind_of
from bvas.values.clip_config import ClipConfig

NUMBERS = tuple(f"frame {number}" for number in range(128))


def class_experiment(labels=NUMBERS, *, clip=None, size=(HEIGHT, WIDTH), rate=25.0, **changes) -> Experiment:
    """An experiment of kind clip for gray frames, by default of the size of numbered videos."""
    return replace(
        tiny_experiment(flip_tta=False),
        name="classes_tiny",
        kind="clip",
        task=dataset_task(tuple(labels)),
        input=InputConfig(size=size, rate=rate),
        clip=clip or ClipConfig(num_frames=4, frame_step=1, stack_size=4),
        **changes,
    )


class NumberReader(nn.Module):
    """Says the mean of the numbers that the frames of a clip show; a class for each number."""

    def __init__(self, num_classes: int = len(NUMBERS)) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.num_clips: list[int] = []

    def forward(self, frames):
        self.num_clips.append(len(frames))
        bar = frames.shape[-1] // NUM_BITS
        rows = frames[..., HEIGHT // 8 : HEIGHT * 3 // 8, : bar * NUM_BITS].unflatten(-1, (NUM_BITS, bar))
        bits = rows[..., bar // 4 : bar - bar // 4].mean(dim=(-3, -1)) > 0.5
        numbers = (bits * 2.0 ** torch.arange(NUM_BITS)).sum(dim=-1).mean(dim=1)
        # A class beside it is e^-8 as probable.
        return -8 * (numbers[:, None] - torch.arange(self.num_classes)).abs()


class Brightness(nn.Module):
    """Two classes, dark and bright, by the mean of a clip."""

    def forward(self, frames):
        mean = frames.flatten(1).mean(dim=1)
        return torch.stack([0.5 - mean, mean - 0.5], dim=1) * 20


def classifier_of(model: nn.Module, experiment: Experiment) -> Classifier:
    return Classifier(experiment, (model.eval(),), torch.device("cpu"))


def save_folds(experiment: Experiment, runs: Path, num_folds: int = 2) -> None:
    """Write folds with random weights to a runs folder, as training does."""
    for fold in range(num_folds):
        torch.manual_seed(fold)
        state = kind_of(experiment).model().state_dict()
        save_checkpoint(fold_folder(runs, experiment.name, fold) / FILE_NAME, state, experiment, {})
    (runs / experiment.name / "experiment.json").write_text(experiment.to_json())


def number_reader(**changes) -> Classifier:
    return classifier_of(NumberReader(), class_experiment(**changes))


def numbers_of(rows) -> list[int]:
    """The numbers of the labels of rows."""
    return [int(row.label.removeprefix("frame ")) for row in rows]


def black(luma: np.ndarray) -> np.ndarray:
    return np.full_like(luma, 16)
