"""What a model card says of weights, training data and scores, as far as it lies on disk."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bvas.errors import DataError
from bvas.experiment.checkpoint import FILE_NAME, Checkpoint
from bvas.experiment.experiment import Experiment
from bvas.onnx.model_folder import ExportSettings
from bvas.system.text_files import read_json

_SCORES_NAME = "evaluation.json"
_ENVIRONMENT_NAME = "environment.json"


def weights_section(checkpoints: Mapping[int, Checkpoint], settings: ExportSettings, run: Path) -> list[str]:
    """Return what is known of the weights: where they come from and how they were trained."""
    hashes = {weights.fold: weights.sha256 for weights in settings.weights}
    lines = ["## Weights", ""]
    for fold, checkpoint in checkpoints.items():
        facts = [f"{name} {value}" for name, value in checkpoint.facts.items()]
        lines.append(
            f"- fold {fold}: `{FILE_NAME}` with SHA-256 `{hashes[fold]}`; "
            + (", ".join(facts) or "nothing else is noted in it")
        )
        lines += _machine(run / f"fold_{fold}")
    trained = next(iter(checkpoints.values())).experiment
    rows = {
        "2D encoder": f"{trained.model.encoder} (timm)",
        "3D blocks": str(trained.model.num_blocks_3d),
        "numbers in a checkpoint": str(
            sum(t.numel() for t in next(iter(checkpoints.values())).state.values())
        ),
    }
    if _is_imported(checkpoints):
        return [
            *lines,
            "",
            *fact_table(rows),
            "",
            "How it was trained is not recorded here: the weights were imported.",
        ]
    train = trained.train
    rows |= {
        "started from": _start(trained),
        "epochs": f"{train.warmup_epochs} of warm-up and {train.epochs}, {trained.sampling.clips_per_epoch} clips each",
        "clips in a step": str(train.batch_size),
        "optimizer": f"{train.optimizer}, peak learning rate {train.learning_rate:g}, "
        f"weight decay {train.weight_decay:g}",
        "average of weights": f"exponential, decay {train.ema_decay:g}",
        "2D encoder frozen": "yes" if train.freeze_encoder2d else "no",
        "loss": f"focal, gamma {trained.loss.gamma:g}",
        "seed of random draws": str(trained.seed),
    }
    return [*lines, "", *fact_table(rows)]


def _machine(folder: Path) -> list[str]:
    path = folder / _ENVIRONMENT_NAME
    if not path.is_file():
        return []
    facts = _object(path)
    told = [f"{name} {facts[name]}" for name in ("bvas", "torch", "timm", "device") if name in facts]
    return [f"  trained with {', '.join(told)}"]


def _start(trained: Experiment) -> str:
    start = trained.train.start_from
    if start:
        # The folders above are the trainer's own.
        return f"the weights {start if '://' in start else Path(start).name}"
    return "the encoder's published weights" if trained.model.pretrained else "random weights"


def training_data_section(checkpoints: Mapping[int, Checkpoint], run: Path) -> list[str]:
    """Return what the weights learned from, and what each fold left out."""
    trained = next(iter(checkpoints.values())).experiment
    task = trained.task
    lines = ["## Training data", "", f"Task `{task.name}`: {', '.join(task.labels.names)}."]
    if _is_imported(checkpoints):
        return [*lines, "What the weights were trained on is not recorded here: they were imported."]
    if task.made_by:
        lines.append(f"Its matches are synthetic, made by `{task.made_by.format(root='data')}`.")
    held_out = _held_out(trained, run)
    if not held_out and task.made_by:
        return [*lines, "Which of them each fold left out is not recorded here."]
    if not held_out:
        return [
            *lines,
            "Its matches are those of the data root it was trained on; which is not recorded here.",
        ]
    lines += ["Each fold was trained on the labelled matches but those that it leaves out:", ""]
    for fold, matches in sorted(held_out.items()):
        here = "" if fold in checkpoints else " (not in this export)"
        lines.append(f"- fold {fold} leaves out{here}: {'; '.join(matches)}")
    if not task.folds:
        lines += [
            "",
            "The list is that of the matches scored; whether there were others is not recorded here.",
        ]
    return lines


def _held_out(trained: Experiment, run: Path) -> dict[int, list[str]]:
    """Return the matches of each fold as far as they are known: by the task, else from the scores."""
    if trained.task.folds:
        return {fold: list(matches) for fold, matches in enumerate(trained.task.folds)}
    path = run / _SCORES_NAME
    if not path.is_file():
        return {}
    folds = _object(path).get("cross_validation", {}).get("folds", {})
    return {int(fold): list(score["matches"]) for fold, score in folds.items()}


def scores_section(checkpoints: Mapping[int, Checkpoint], run: Path) -> list[str]:
    """Return the scores of the last evaluation, and whether they may be of other weights."""
    lines = ["## Scores", ""]
    path = run / _SCORES_NAME
    if not path.is_file():
        return [*lines, "None are recorded: `bvas evaluate` had not been run when this was exported."]
    scores = _object(path)
    alone = (
        " The mean of the folds, as it is exported, was not scored by itself." if len(checkpoints) > 1 else ""
    )
    lines.append(f"Of `bvas evaluate`: each match scored by the model of the fold that left it out.{alone}")
    newest = max(checkpoint.path.stat().st_mtime for checkpoint in checkpoints.values())
    if path.stat().st_mtime < newest:
        lines.append("**The scores were written before these weights, and may be of others.**")
    validation = scores.get("cross_validation", {})
    rows = {"matches": str(len(scores.get("matches", [])))}
    rows |= _figure("mAP@1 (within 0.5 s, SoccerNet's rules)", scores.get("official_map_at_1"))
    for label, score in scores.get("official_map_at_1_per_label", {}).items():
        rows |= _figure(f"AP@1 of {label}", score)
    rows |= _figure("mAP within 0.2 s", scores.get("map_at_0.2_seconds"))
    rows |= _figure(
        "mAP@1 of spots at the average rate, without looking", scores.get("blind_baseline_map_at_1")
    )
    for fold, score in validation.get("folds", {}).items():
        rows |= _figure(f"mAP@1 of fold {fold}", score["official_map_at_1"])
    rows |= _figure("standard deviation over folds", validation.get("spread_over_folds"))
    interval = validation.get("interval_over_matches")
    if interval:
        rows["interval over matches"] = (
            f"{interval['low']:.4f} to {interval['high']:.4f} ({interval['level']:.0%})"
        )
    test = validation.get("test")
    if test:
        rows |= _figure("mAP@1 of the test matches", test["official_map_at_1"])
    return [*lines, "", *fact_table(rows)]


def _figure(name: str, value: object) -> dict[str, str]:
    return {name: f"{value:.4f}"} if isinstance(value, int | float) else {}


def _is_imported(checkpoints: Mapping[int, Checkpoint]) -> bool:
    return any("imported_from" in checkpoint.facts for checkpoint in checkpoints.values())


def _object(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise DataError(f"{path} is no JSON object but {json.dumps(value)[:40]}; make it anew or remove it")
    return value


def fact_table(rows: Mapping[str, str]) -> list[str]:
    """Return facts as the lines of a Markdown table without a head."""
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
