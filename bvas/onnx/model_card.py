"""The card of an exported model, from what lies on disk; what is not known from there is said to be unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bvas.experiment.checkpoint import Checkpoint
from bvas.experiment.peak_config import PeakRule
from bvas.onnx.model_card_training import fact_table, scores_section, training_data_section, weights_section
from bvas.onnx.model_folder import ExportSettings
from bvas.values.plural import count_text


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
        weights_section(checkpoints, settings, run),
        training_data_section(checkpoints, run),
        scores_section(checkpoints, run),
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
        f"Scores each frame of a video, {rate:g} per second, for {count_text(len(settings.labels), 'label')}: how "
        f"likely the action happens there. It sees {count_text(clip.num_frames, 'gray frame')} over "
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
        "clip": f"{count_text(clip.num_frames, 'frame')}, {clip.frame_step} apart, in stacks of {clip.stack_size}; "
        f"{clip.frames_before} frames before and {clip.frames_after} after its center",
        "mirrored clips averaged in": "yes" if settings.flip_tta else "no",
    }
    return ["## Input", "", *fact_table(rows)]


def _unknown() -> list[str]:
    return [
        "## Not recorded",
        "",
        "License of the weights and of the training data, intended use, and how it does on other videos than those "
        "above: whoever publishes this model has to add them.",
    ]


def _shape(shape: Sequence[int | str | None]) -> str:
    return f"[{', '.join(str(size) for size in shape)}]"
