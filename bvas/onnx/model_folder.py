"""Folder of an exported model: two ONNX files with their settings, as `bvas weights export` writes it.

    encoder.onnx   stacks [M, S, H, W] in [0, 1]         -> features [M, C, h, w]
    head.onnx      windows [B, N, C, h, w] of features   -> scores [B, K] in [0, 1]
    README.md      the model card

Of kind clip it is one file in place of the two:

    classifier.onnx   clips [B, T, H, W], of RGB [B, T, 3, H, W], in [0, 1]   -> probabilities [B, K]

M and B may be any number. The other dimensions are fixed: H and W are the size that every video is fitted into. The
weights of several folds lie in the same files. C then counts the features of all folds, and scores are their mean.
Metadata of each file: `bvas_format`, `bvas_part` (`encoder`, `head`, `classifier`) and `bvas_settings` (JSON of
`ExportSettings`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bvas.data.spotting_task import SpottingTask
from bvas.errors import CheckpointError, ConfigError, DataError
from bvas.experiment.class_config import ClassConfig
from bvas.experiment.experiment import Experiment, TaskKindName
from bvas.experiment.input_config import InputConfig
from bvas.experiment.peak_config import PeakConfig
from bvas.onnx.session import OnnxPart
from bvas.system.dataclass_json import value_from_json, value_to_json
from bvas.system.devices import EngineName
from bvas.values.annotations import LabelSet
from bvas.values.clip_config import ClipConfig

Part = Literal["encoder", "head", "classifier"]
FILE_NAMES: Mapping[Part, str] = {"encoder": "encoder.onnx", "head": "head.onnx"}
CLASSIFIER_NAMES: Mapping[Part, str] = {"classifier": "classifier.onnx"}
CARD_NAME = "README.md"
_FORMAT = "bvas-onnx-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceWeights:
    """A checkpoint that went into an export."""

    fold: int
    sha256: str
    """Of its file, hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Int8Encoder:
    """What an encoder in int8 costs: differences of scores from float32, on stretches that it was not calibrated on."""

    videos: tuple[str, ...]
    """Names of the videos that it was calibrated on, which the stretches are of too."""
    num_rows: int
    """Rows compared."""
    mean_difference: float
    largest_difference: float

    def __str__(self) -> str:
        return (
            f"int8 encoder: scores differ from float32 by {self.mean_difference:.4f} on average and by at most "
            f"{self.largest_difference:.4f}, in {self.num_rows} rows of the calibration videos"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportSettings:
    """All settings that spotting or classifying with an exported model needs."""

    name: str
    """Of the experiment."""
    task: str
    labels: tuple[str, ...]
    """In the order of the columns of scores."""
    clip: ClipConfig
    input: InputConfig
    peaks: PeakConfig
    flip_tta: bool
    """Average the scores of each clip and its mirror image."""
    bvas_version: str
    """Version that wrote the export."""
    weights: tuple[SourceWeights, ...]
    kind: TaskKindName = "spot"
    classes: ClassConfig = field(default_factory=ClassConfig)
    """Rules of kind clip."""
    int8: Int8Encoder | None = None
    """Loss of an encoder in int8; None: it computes in float32."""

    def metadata(self, part: Part) -> dict[str, str]:
        """Return the metadata of a file."""
        return {"bvas_format": _FORMAT, "bvas_part": part, "bvas_settings": value_to_json(self)}

    def experiment(self) -> Experiment:
        """Return an experiment with these settings; its training settings are defaults."""
        return Experiment(
            name=self.name,
            kind=self.kind,
            task=SpottingTask(name=self.task, labels=LabelSet(self.labels)),
            input=self.input,
            clip=self.clip,
            peaks=self.peaks,
            classes=self.classes,
            flip_tta=self.flip_tta,
        )


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """The two parts of an exported model, ready to run."""

    settings: ExportSettings
    encoder: OnnxPart
    head: OnnxPart


def load_exported(folder: Path, device: str = "auto", engine: EngineName = "auto") -> ExportedModel:
    """Open a folder that `bvas weights export` wrote.

    Args:
        folder: The folder.
        device: As `choose_provider` takes it.
        engine: `auto` is ONNX Runtime; `openvino` computes on a CPU.

    Raises:
        DataError: the folder or one of its files is missing.
        CheckpointError: a file is not an ONNX file, not written by bvas, of another version, or of another export.
        ConfigError: the device or the engine is unavailable.
    """
    if engine == "torch":
        raise ConfigError(
            "engine torch cannot compute an exported model; take --engine onnxruntime or openvino"
        )
    if engine == "openvino" and device not in ("auto", "cpu"):
        raise ConfigError(f"engine openvino computes on the CPU, not on {device}; take --engine onnxruntime")
    check_files(folder, FILE_NAMES)
    encoder, head = (OnnxPart(folder / name, device, engine) for name in FILE_NAMES.values())
    settings, others = read_settings(encoder, "encoder"), read_settings(head, "head")
    if settings != others:
        raise CheckpointError(
            f"{encoder.name} and {head.name} come from different exports; copy both files of one export, or "
            "export again"
        )
    return ExportedModel(settings, encoder, head)


def check_files(folder: Path, names: Mapping[Part, str]) -> None:
    """Check that a folder has the files of an export.

    Raises:
        DataError: the folder or one of its files is missing.
    """
    if not folder.is_dir():
        raise DataError(f"no folder {folder}; make one with: bvas weights export NAME --out {folder}")
    for name in names.values():
        if not (folder / name).is_file():
            others = FILE_NAMES if names is CLASSIFIER_NAMES else CLASSIFIER_NAMES
            is_other = all((folder / other).is_file() for other in others.values())
            verb = "bvas classify" if others is CLASSIFIER_NAMES else "bvas spot"
            raise DataError(
                f"no {name} in {folder}; an exported model is a folder with {' and '.join(names.values())}, "
                f"as 'bvas weights export' writes it{f'; this one is for {verb!r}' if is_other else ''}"
            )


def read_settings(part: OnnxPart, name: Part) -> ExportSettings:
    """Return the settings that a file holds.

    Raises:
        CheckpointError: bvas did not write it, it is of another version, it is the other part, or its shapes do not
            match its settings.
    """
    metadata = part.metadata
    if "bvas_format" not in metadata:
        raise CheckpointError(
            f"{part.name} was not written by 'bvas weights export': it has no settings; take a folder that it wrote"
        )
    if metadata["bvas_format"] != _FORMAT:
        raise CheckpointError(
            f"{part.name} has format {metadata['bvas_format']!r}, this version of bvas reads {_FORMAT!r}; "
            "export it again, or install the version that wrote it"
        )
    if metadata.get("bvas_part") != name:
        raise CheckpointError(f"{part.name} is the {metadata.get('bvas_part')} of a model, not its {name}")
    try:
        settings = value_from_json(
            metadata.get("bvas_settings", ""), ExportSettings, "set of export settings"
        )
    except ConfigError as error:
        raise CheckpointError(f"{part.name}: {error}; export it again") from error
    _check_shapes(part, name, settings)
    return settings


def _check_shapes(part: OnnxPart, name: Part, settings: ExportSettings) -> None:
    wanted: tuple[int, ...]
    if name == "classifier":
        wanted = (settings.clip.num_frames, *settings.input.form.unit_shape, len(settings.labels))
        found = (*part.input_shape[1:], *part.output_shape[1:])
    elif name == "encoder":
        wanted = (
            settings.clip.stack_size * settings.input.form.num_channels,
            *settings.input.size,
        )
        found = part.input_shape[1:]
    else:
        wanted = (settings.clip.num_stacks, len(settings.labels))
        found = (*part.input_shape[1:2], *part.output_shape[1:])
    if found != wanted:
        raise CheckpointError(
            f"{part.name} has the shape {found}, its settings say {wanted}; export it again"
        )
