"""Training and scoring of an experiment of kind clip, for benchmarks that compare data or clips."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from harness import measure

from bvas.data.matches import find_matches
from bvas.evaluation.class_evaluation import evaluate_classes
from bvas.experiment.experiment import Experiment
from bvas.predicting.samples import predict_samples
from bvas.results.sample_predictions import SamplePredictions, save_sample_predictions
from bvas.results.store import sample_predictions_path
from bvas.training.fold import run_fold


def train_and_predict(experiment: Experiment, data: Path, runs: Path) -> tuple[SamplePredictions, float]:
    """Train fold 0 and predict all that it holds out, a test split included; return the seconds of training too.

    A finished run is taken as it is, and then the seconds are those of loading it.
    """
    matches = find_matches(experiment.task, data)
    device = torch.device("cpu")

    def train() -> None:
        run_fold(experiment, 0, matches, runs=runs, device=device, workers={"pyav": 1})

    cost, _ = measure(train)
    found = predict_samples(experiment, matches, [0], runs, device=device, workers={"pyav": 1})
    save_sample_predictions(found.predictions, sample_predictions_path(runs, experiment.name))
    return found.predictions, cost.wall_seconds


def figures_of(experiment: Experiment, runs: Path, sides: set[str]) -> dict[str, Any]:
    """Return accuracy, macro F1, F1 and recall by class, and what the majority class gives, over some sides."""
    scores = evaluate_classes(experiment, runs, sides=sides).scores
    return {
        "samples": scores.macro.support,
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro.f1,
        "f1": {name: rates.f1 for name, rates in scores.classes.items()},
        "recall": {name: rates.recall for name, rates in scores.classes.items()},
        "support": {name: rates.support for name, rates in scores.classes.items()},
        "majority": {"class": scores.majority, "accuracy": scores.majority_accuracy},
        "confusion": scores.confusion.tolist(),
    }


def with_seed(experiment: Experiment, name: str, seed: int) -> Experiment:
    """Return an experiment under another name, with another random seed."""
    return replace(experiment, name=f"{name}_{seed}", seed=seed)


def majority_f1(support: dict[str, int]) -> float:
    """Return the macro F1 of always answering the most frequent class."""
    counts = Counter(support)
    ((_, most),) = counts.most_common(1)
    return 2 * most / (sum(counts.values()) + most) / len(counts)
