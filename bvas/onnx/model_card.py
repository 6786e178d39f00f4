"""Model card of an export: `model_card.md` filled in from files on disk; facts not on disk are called unknown."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from string import Template
from typing import Any

from bvas.errors import DataError
from bvas.experiment.checkpoint import FILE_NAME, Checkpoint
from bvas.experiment.experiment import Experiment
from bvas.onnx.model_folder import ExportSettings
from bvas.system.text_files import read_json
from bvas.values.plural import count_text

_TEMPLATE = Path(__file__).with_name("model_card.md")
_LUMA = {
    "range": "by the video's range tag: limited `(y - 16) / 219`, full `y / 255`, cut off at 0 and 1",
    "stored": "`y / 255`, whatever the video's range tag",
}
_FLIP_STEP = "1. Do the same with the pictures mirrored left to right, and take the mean of both scores.\n"


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
        settings: Settings that the files hold.
        files: Encoder, then head.
        checkpoints: The weights by fold.
        run: The experiment's folder of runs, for its scores and the machines it was trained on.
        opset: Version of the ONNX operators.
        score_deviation: Largest difference of a score from PyTorch that the export's check has seen.

    Raises:
        DataError: a file in `run` cannot be read.
    """
    clip, peaks = settings.clip, settings.peaks
    is_imported = any("imported_from" in checkpoint.facts for checkpoint in checkpoints.values())
    trained = next(iter(checkpoints.values())).experiment
    rules = [(label, peaks.rule(label)) for label in settings.labels]
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        name=settings.name,
        bvas_version=settings.bvas_version,
        task=settings.task,
        rate=f"{settings.input.rate:g}",
        num_labels=count_text(len(settings.labels), "label"),
        num_frames=count_text(clip.num_frames, "frame"),
        span_seconds=f"{clip.span / settings.input.rate:.2f}",
        num_folds=count_text(len(settings.weights), "fold"),
        files=_rows(
            (
                f"`{file.name}`",
                _shape(file.input_shape),
                _shape(file.output_shape),
                file.num_bytes,
                f"`{file.sha256}`",
            )
            for file in files
        ),
        opset=opset,
        score_deviation=f"{score_deviation:.1e}",
        stack_frames=", ".join(
            f"`s + {i * clip.frame_step}`" if i else "`s`" for i in range(clip.stack_size)
        ),
        reach=clip.stack_size * clip.frame_step,
        last_stack=clip.num_stacks - 1,
        frame_step=clip.frame_step,
        stack_size=clip.stack_size,
        frames_before=clip.frames_before,
        frames_after=clip.frames_after,
        flip_step=_FLIP_STEP if settings.flip_tta else "",
        peaks=_rows(
            (
                label,
                f"{r.sigma_frames:g}",
                r.min_distance_frames,
                f"{r.min_height:g}",
                f"{r.operating_point:g}",
            )
            for label, r in rules
        ),
        labels=", ".join(settings.labels),
        size=f"{settings.input.size[0]} x {settings.input.size[1]}",
        luma=_LUMA[settings.input.luma_scaling],
        weights="\n".join(_weights(checkpoints, settings, run)),
        training=(
            "How they were trained is not recorded here: they were imported."
            if is_imported
            else f"Trained with:\n\n```json\n{_training(trained)}\n```"
        ),
        training_data=(
            "What the weights were trained on is not recorded here: they were imported."
            if is_imported
            else _training_data(trained, checkpoints, run)
        ),
        scores=_scores(checkpoints, run),
    )


def _weights(checkpoints: Mapping[int, Checkpoint], settings: ExportSettings, run: Path) -> list[str]:
    """Return a line for each fold: file, hash, facts of the checkpoint, machine."""
    hashes = {weights.fold: weights.sha256 for weights in settings.weights}
    lines = []
    for fold, checkpoint in checkpoints.items():
        path = run / f"fold_{fold}" / "environment.json"
        machine = _object(path) if path.is_file() else {}
        facts = [f"{name} {value}" for name, value in checkpoint.facts.items()]
        facts += [
            f"{name} {machine[name]}" for name in ("bvas", "torch", "timm", "device") if name in machine
        ]
        known = ", ".join(facts) or "nothing else is noted in it"
        lines.append(f"- fold {fold}: `{FILE_NAME}` with SHA-256 `{hashes[fold]}`; {known}")
    return lines


def _training(trained: Experiment) -> str:
    """Return the training settings as JSON, without the trainer's folders."""
    train = trained.train
    if train.start_from and "://" not in train.start_from:
        train = replace(train, start_from=Path(train.start_from).name)
    shown = {
        "model": asdict(replace(trained.model, weights_file=None)),
        "train": asdict(train),
        "sampling": asdict(trained.sampling),
        "loss": asdict(trained.loss),
        "seed": trained.seed,
    }
    return json.dumps(shown, indent=1, default=str)


def _training_data(trained: Experiment, checkpoints: Mapping[int, Checkpoint], run: Path) -> str:
    """Return the matches that each fold leaves out: those of the task, else those that were scored."""
    task = trained.task
    made_by = (
        f"Its matches are synthetic, made by `{task.made_by.format(root='data')}`. " if task.made_by else ""
    )
    folds = dict(enumerate(task.folds))
    if not folds and (run / "evaluation.json").is_file():
        scored = _object(run / "evaluation.json").get("cross_validation", {}).get("folds", {})
        folds = {int(fold): score["matches"] for fold, score in scored.items()}
    if not folds:
        return made_by + "The matches that each fold was trained on are not recorded here."
    lines = [
        f"- fold {fold} leaves out{'' if fold in checkpoints else ' (not in this export)'}: {'; '.join(matches)}"
        for fold, matches in sorted(folds.items())
    ]
    others = "" if task.folds else " Matches that were not scored are not recorded here."
    head = "Each fold was trained on the labelled matches but those that it leaves out."
    return "\n".join([made_by + head + others, "", *lines])


def _scores(checkpoints: Mapping[int, Checkpoint], run: Path) -> str:
    """Return the figures of the last evaluation, and whether they may be of other weights."""
    path = run / "evaluation.json"
    if not path.is_file():
        return "None are recorded: `bvas evaluate` had not been run when this was exported."
    found = _object(path)
    lines = ["Of `bvas evaluate`: each match scored by the model of the fold that left it out."]
    if len(checkpoints) > 1:
        lines.append("The mean of the folds, as it is exported, was not scored by itself.")
    if path.stat().st_mtime < max(checkpoint.path.stat().st_mtime for checkpoint in checkpoints.values()):
        lines.append("**The scores were written before these weights, and may be of others.**")
    validation = found.get("cross_validation", {})
    figures = {
        "mAP@1 (within 0.5 s, SoccerNet's rules)": found.get("official_map_at_1"),
        **{f"AP@1 of {label}": ap for label, ap in found.get("official_map_at_1_per_label", {}).items()},
        "mAP within 0.2 s": found.get("map_at_0.2_seconds"),
        "mAP@1 of spots at the average rate, without looking": found.get("blind_baseline_map_at_1"),
        **{
            f"mAP@1 of fold {n}": fold["official_map_at_1"] for n, fold in validation.get("folds", {}).items()
        },
        "mAP@1 of the test matches": (validation.get("test") or {}).get("official_map_at_1"),
    }
    known = [(name, f"{figure:.4f}") for name, figure in figures.items() if isinstance(figure, int | float)]
    rows = _rows([("matches", len(found.get("matches", []))), *known])
    return "\n".join([*lines, "", "| | |", "|---|---|", rows])


def _object(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise DataError(
            f"{path} is not a JSON object but {json.dumps(value)[:40]}; make it again or remove it"
        )
    return value


def _rows(rows: Iterable[Sequence[object]]) -> str:
    """Return lines of a Markdown table."""
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _shape(shape: Sequence[int | str | None]) -> str:
    return f"[{', '.join(str(size) for size in shape)}]"
