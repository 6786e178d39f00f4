"""The card of an exported model, from what lies on disk; what is not known from there is said to be unknown."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas.checkpoint import FILE_NAME, Checkpoint
from bvas.errors import DataError
from bvas.experiment import Experiment
from bvas.exported import ExportSettings
from bvas.files import read_json
from bvas.postprocess import PeakRule

_SCORES_NAME = "evaluation.json"
_ENVIRONMENT_NAME = "environment.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFacts:
    """An exported file."""

    name: str
    input_shape: tuple[int | str | None, ...]
    output_shape: tuple[int | str | None, ...]
    num_bytes: int
    sha256: str


def model_card(
    settings: ExportSettings,
    files: Sequence[FileFacts],
    checkpoints: Mapping[int, Checkpoint],
    run: Path,
    *,
    opset: int,
    score_deviation: float,
) -> str:
    """Return the card as Markdown, with the header that model hubs read.

    Args:
        settings: What the files say of themselves.
        files: Encoder, then head.
        checkpoints: The weights by fold.
        run: The experiment's folder of runs, for its scores and the machines it was trained on.
        opset: Version of the ONNX operators.
        score_deviation: Largest difference of a score from PyTorch that the export's check has seen.

    Raises:
        DataError: a file in `run` cannot be read.
    """
    sections = [
        _header(settings),
        _files(files, opset, score_deviation),
        _use(settings),
        _input(settings),
        _weights(checkpoints, settings, run),
        _training_data(checkpoints, run),
        _scores(checkpoints, run),
        _unknown(),
    ]
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _header(settings: ExportSettings) -> list[str]:
    clip, rate = settings.clip, settings.input.rate
    averaged = f" Scores are the mean of {len(settings.weights)} folds." if len(settings.weights) > 1 else ""
    return [
        "---",
        "library_name: onnx",
        "tags:",
        "- action-spotting",
        "- video",
        "---",
        "",
        f"# {settings.name}",
        "",
        f"Scores each frame of a video, {rate:g} per second, for {_count(len(settings.labels), 'label')}: how "
        f"likely the action happens there. It sees {_count(clip.num_frames, 'gray frame')} over "
        f"{clip.span / rate:.2f} s around it, and no sound.{averaged}",
        "",
        f"Exported by bvas {settings.bvas_version}.",
    ]


def _files(files: Sequence[FileFacts], opset: int, score_deviation: float) -> list[str]:
    lines = ["## Files", "", "| file | input | output | bytes | SHA-256 |", "|---|---|---|---|---|"]
    lines += [
        f"| `{file.name}` | {_shape(file.input_shape)} | {_shape(file.output_shape)} | {file.num_bytes} | "
        f"`{file.sha256}` |"
        for file in files
    ]
    return [
        *lines,
        "",
        f"ONNX, opset {opset}, float32; dimensions with a name are of any length. The metadata of both files "
        "(`bvas_settings`, JSON) hold what this card says about input, clips, labels and weights. On random input "
        f"their scores were within {score_deviation:.1e} of PyTorch's.",
    ]


def _use(settings: ExportSettings) -> list[str]:
    clip = settings.clip
    reach = clip.stack_size * clip.frame_step
    starts = f"`c - {clip.frames_before} + {reach} * n` for n = 0 .. {clip.num_stacks - 1}"
    steps = [
        f"Take the video at {settings.input.rate:g} frames per second (of any other rate the frame nearest in "
        "time), upright, its luma fitted into the size below, the aspect kept, the rest black; bring it to [0, 1] as "
        "below. Before the first and after the last frame repeat it.",
        f"The stack that starts at frame s is the frames {_listed(clip.frame_step, clip.stack_size)}. "
        "`encoder.onnx` gives its features, which serve every clip that holds it.",
        f"The clip about frame c holds the stacks that start at {starts}, in this order. "
        "`head.onnx` gives its scores.",
        "Do the same with the pictures mirrored left to right, and take the mean of both scores.",
        "Smooth each label's scores along time by a Gaussian, and take the peaks that lie far enough apart, the higher "
        "first, as the table below says.",
    ]
    if not settings.flip_tta:
        del steps[3]
    return [
        "## Use",
        "",
        "With bvas and ONNX Runtime, without PyTorch: `bvas spot VIDEO --model FOLDER`. In another program:",
        "",
        *(f"{number}. {step}" for number, step in enumerate(steps, 1)),
        "",
        "| label | sigma of the Gaussian, frames | smallest distance, frames | candidates from | shown from |",
        "|---|---|---|---|---|",
        *(_rule(label, settings.peaks.rule(label)) for label in settings.labels),
    ]


def _rule(label: str, rule: PeakRule) -> str:
    return (
        f"| {label} | {rule.sigma_frames:g} | {rule.min_distance_frames} | {rule.min_height:g} | "
        f"{rule.operating_point:g} |"
    )


def _listed(step: int, count: int) -> str:
    return ", ".join(f"`s + {place * step}`" if place else "`s`" for place in range(count))


def _input(settings: ExportSettings) -> list[str]:
    clip = settings.clip
    scaling = {
        "range": "by the video's range tag: limited `(y - 16) / 219`, full `y / 255`, cut off at 0 and 1",
        "stored": "`y / 255`, whatever the video's range tag",
    }[settings.input.luma_scaling]
    rows = {
        "labels, in the order of the scores": ", ".join(settings.labels),
        "picture": f"{settings.input.size[0]} x {settings.input.size[1]} (height x width), luma only",
        "luma y (8 bit) to [0, 1]": scaling,
        "rate": f"{settings.input.rate:g} frames per second",
        "clip": f"{_count(clip.num_frames, 'frame')}, {clip.frame_step} apart, in stacks of {clip.stack_size}; "
        f"{clip.frames_before} frames before and {clip.frames_after} after its center",
        "mirrored clips averaged in": "yes" if settings.flip_tta else "no",
    }
    return ["## Input", "", *_table(rows)]


def _weights(checkpoints: Mapping[int, Checkpoint], settings: ExportSettings, run: Path) -> list[str]:
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
            *_table(rows),
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
    return [*lines, "", *_table(rows)]


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


def _training_data(checkpoints: Mapping[int, Checkpoint], run: Path) -> list[str]:
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


def _scores(checkpoints: Mapping[int, Checkpoint], run: Path) -> list[str]:
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
    return [*lines, "", *_table(rows)]


def _unknown() -> list[str]:
    return [
        "## Not recorded",
        "",
        "License of the weights and of the training data, intended use, and how it does on other videos than those "
        "above: whoever publishes this model has to add them.",
    ]


def _figure(name: str, value: object) -> dict[str, str]:
    return {name: f"{value:.4f}"} if isinstance(value, int | float) else {}


def _is_imported(checkpoints: Mapping[int, Checkpoint]) -> bool:
    return any("imported_from" in checkpoint.facts for checkpoint in checkpoints.values())


def _object(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise DataError(f"{path} is no JSON object but {json.dumps(value)[:40]}; make it anew or remove it")
    return value


def _table(rows: Mapping[str, str]) -> Iterable[str]:
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]


def _shape(shape: Sequence[int | str | None]) -> str:
    return f"[{', '.join(str(size) for size in shape)}]"


def _count(number: int, name: str) -> str:
    return f"{number} {name}" + ("" if number == 1 else "s")
