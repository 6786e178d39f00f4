"""Model cards of exports and of uploaded weights, filled in from files on disk.

Facts that are not on disk are called unknown.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bvas.errors import DataError, redacted_url
from bvas.experiment.checkpoint import FILE_NAME, Checkpoint
from bvas.experiment.experiment import Experiment
from bvas.experiment.peak_config import PeakRule
from bvas.onnx.model_folder import ExportSettings, Int8Encoder
from bvas.system.download import hash_of
from bvas.system.text_files import read_json
from bvas.values.plural import count_text

_TEMPLATES = {"spot": "model_card.md", "clip": "clip_card.md"}
_LUMA = {
    "range": "by the video's range tag: limited `(y - 16) / 219`, full `y / 255`, cut off at 0 and 1",
    "stored": "`y / 255`, whatever the video's range tag",
}
_RGB = "RGB by the video's matrix and range, chroma bilinear at its stated position; the encoder normalizes"
_FITS = {
    "pad": "fitted into the size below, the aspect kept, the rest black",
    "crop": "scaled with its aspect until it covers {resize}, and the size below cut out of the middle",
    "stretch": "scaled to {resize}, its aspect not kept, and the size below cut out of the middle",
}
_RESAMPLES = {
    "area": "the mean of what a pixel covers",
    "bilinear": "bilinear interpolation between pixels, without antialias, after the conversion to [0, 1]",
}
_FLIP_STEP = "1. Do the same with the pictures mirrored left to right, and take the mean of both scores.\n"


@dataclass(frozen=True, slots=True)
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
    clip, form = settings.clip, settings.input.form
    template = Path(__file__).with_name(_TEMPLATES[settings.kind])
    return template.read_text(encoding="utf-8").format(
        settings=settings,
        clip=clip,
        opset=opset,
        score_deviation=score_deviation,
        num_labels=count_text(len(settings.labels), "label"),
        num_frames=count_text(clip.num_frames, "frame"),
        num_folds=count_text(len(settings.weights), "fold"),
        span_seconds=clip.span / settings.input.rate,
        files=_rows(map(_file_row, files)),
        clip_frames=", ".join(
            f"`c {place * clip.frame_step - clip.frames_before:+d}`" for place in range(clip.num_frames)
        ),
        stack_frames=", ".join(f"`s + {place * clip.frame_step}`" for place in range(clip.stack_size)),
        reach=clip.stack_size * clip.frame_step,
        last_stack=clip.num_stacks - 1,
        flip_step=_FLIP_STEP if settings.flip_tta else "",
        flips=", each of a clip and its mirror image" if settings.flip_tta else "",
        peaks=_rows(_peak_row(label, settings.peaks.rule(label)) for label in settings.labels),
        labels=", ".join(settings.labels),
        fit=_FITS[form.fit].format(resize=f"{form.scaled[0]} x {form.scaled[1]}"),
        channels="luma only"
        if form.channels == "luma"
        else "RGB, the channels of a frame one after the other",
        resample=_RESAMPLES[form.resample],
        pixels=_LUMA[settings.input.luma_scaling] if form.channels == "luma" else _RGB,
        weights=_weights(checkpoints, {weights.fold: weights.sha256 for weights in settings.weights}, run),
        training=_training(checkpoints, run),
        scores=_scores(checkpoints, run),
        precision="float32"
        if settings.int8 is None
        else "the encoder in int8 (QDQ, one scale a channel), the head float32",
        int8="" if settings.int8 is None else f"\n\n{_int8(settings.int8)}",
    )


def _int8(loss: Int8Encoder) -> str:
    return f"**{loss}**: {', '.join(loss.videos)}. These say little of other videos: measure on yours."


def _file_row(file: FileFacts) -> tuple[object, ...]:
    shapes = (f"[{', '.join(map(str, shape))}]" for shape in (file.input_shape, file.output_shape))
    return f"`{file.name}`", *shapes, file.num_bytes, f"`{file.sha256}`"


def _peak_row(label: str, rule: PeakRule) -> tuple[object, ...]:
    heights = (f"{rule.min_height:g}", f"{rule.operating_point:g}")
    return label, f"{rule.sigma_frames:g}", rule.min_distance_frames, *heights


def weights_card(
    experiment: Experiment,
    checkpoints: Mapping[int, Checkpoint],
    files: Mapping[str, Path],
    run: Path,
    repository: str,
) -> str:
    """Return the card of an experiment's weights as Markdown, with the header that model hubs read.

    Args:
        experiment: The experiment.
        checkpoints: The weights by fold.
        files: The files that the card lies beside, by the names that they have there.
        run: The experiment's folder of runs, for its scores and the machines it was trained on.
        repository: OWNER/NAME of the repository that it is for.

    Raises:
        DataError: a file in `run` cannot be read.
    """
    form, clip = experiment.input.form, experiment.clip
    hashes = {name: hash_of(path) for name, path in files.items()}
    template = Path(__file__).with_name("weights_card.md")
    return template.read_text(encoding="utf-8").format(
        experiment=experiment,
        clip=clip,
        tag="video-classification" if experiment.kind == "clip" else "action-spotting",
        verb={"spot": "bvas spot", "interval": "bvas intervals", "clip": "bvas classify"}[experiment.kind],
        repository=repository,
        num_labels=count_text(len(experiment.task.labels), "label"),
        num_folds=count_text(len(checkpoints), "fold"),
        num_frames=count_text(clip.num_frames, "frame"),
        files=_rows((f"`{name}`", files[name].stat().st_size, f"`{hashes[name]}`") for name in sorted(files)),
        labels=", ".join(experiment.task.labels),
        channels="luma" if form.channels == "luma" else "RGB",
        weights=_weights(
            checkpoints, {fold: hashes[f"fold_{fold}/{FILE_NAME}"] for fold in checkpoints}, run
        ),
        training=_training(checkpoints, run),
        scores=_scores(checkpoints, run),
    )


def _weights(checkpoints: Mapping[int, Checkpoint], hashes: Mapping[int, str], run: Path) -> str:
    """Return a line for each fold: file, hash, facts of the checkpoint, machine."""
    lines = []
    for fold, checkpoint in checkpoints.items():
        machine = _object(run / f"fold_{fold}" / "environment.json")
        of_machine = {name: machine[name] for name in ("bvas", "torch", "timm", "device") if name in machine}
        facts = [f"{name} {value}" for name, value in (*checkpoint.facts.items(), *of_machine.items())]
        known = ", ".join(facts) or "nothing else is noted in it"
        lines.append(f"- fold {fold}: `{FILE_NAME}` with SHA-256 `{hashes[fold]}`; {known}")
    return "\n".join(lines)


def _training(checkpoints: Mapping[int, Checkpoint], run: Path) -> str:
    """Return the training settings, without the trainer's folders, and the matches that each fold leaves out."""
    if any("imported_from" in checkpoint.facts for checkpoint in checkpoints.values()):
        return "How and on which matches the weights were trained is not recorded here: they were imported."
    trained = next(iter(checkpoints.values())).experiment
    task, start = trained.task, trained.train.start_from
    settings = {
        "model": asdict(replace(trained.model, weights_file=None)),
        "train": asdict(trained.train)
        | {"start_from": redacted_url(start) if not start or "://" in start else Path(start).name},
        "sampling": asdict(trained.sampling),
        "loss": asdict(trained.loss),
        "seed": trained.seed,
    }
    folds = dict(enumerate(task.folds))
    if not folds:
        scored = _object(run / "evaluation.json").get("cross_validation", {}).get("folds", {})
        folds = {int(fold): score["matches"] for fold, score in scored.items()}
    lines = [
        f"- fold {fold} leaves out{'' if fold in checkpoints else ' (not in this export)'}: {'; '.join(matches)}"
        for fold, matches in sorted(folds.items())
    ]
    source = (
        f"Its matches are synthetic, made by `{task.made_by.format(root='data')}`. " if task.made_by else ""
    )
    split = "Each fold was trained on the labelled matches but those that it leaves out."
    if not folds:
        split = "The matches of each fold are not recorded here."
    elif not task.folds:
        split += " Matches that were not scored are not recorded here."
    shown = json.dumps(settings, indent=1, default=str)
    return "\n".join([source + split, "", *lines, "", f"```json\n{shown}\n```"])


def _scores(checkpoints: Mapping[int, Checkpoint], run: Path) -> str:
    """Return the figures of the last evaluation, and whether they may be of other weights."""
    path = run / "evaluation.json"
    found = _object(path)
    if not found:
        return "None are recorded: `bvas evaluate` had not been run when this was exported."
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
        **_class_figures(found),
    }
    known = [(name, f"{figure:.4f}") for name, figure in figures.items() if isinstance(figure, int | float)]
    what = (
        ("samples", found["scores"]["num_samples"])
        if "sides" in found
        else ("matches", len(found.get("matches", [])))
    )
    rows = _rows([what, *known])
    return "\n".join([*lines, "", "| | |", "|---|---|", rows])


def _class_figures(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of an evaluation of kind clip by name; none of other kinds."""
    if "sides" not in evaluation:
        return {}
    scores = evaluation["scores"]
    return {
        "accuracy": scores["accuracy"],
        "balanced accuracy": scores["balanced_accuracy"],
        "macro F1": scores["macro"]["f1"],
        **{f"F1 of {label}": rates["f1"] for label, rates in scores["classes"].items()},
        f"accuracy of always {scores['majority']['class']}": scores["majority"]["accuracy"],
    }


def _object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; empty where there is none."""
    value = read_json(path) if path.is_file() else {}
    if not isinstance(value, dict):
        raise DataError(
            f"{path} is not a JSON object but {json.dumps(value)[:40]}; make it again or remove it"
        )
    return value


def _rows(rows: Iterable[Sequence[object]]) -> str:
    """Return lines of a Markdown table."""
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)
