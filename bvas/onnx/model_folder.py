"""The folder that `bvas weights export` writes: two ONNX files, each with all that spotting needs to know.

    encoder.onnx   stacks [M, S, H, W] in [0, 1]         -> features [M, C, h, w]
    head.onnx      windows [B, N, C, h, w] of features   -> scores [B, K] in [0, 1]
    README.md      the model card

M and B are any, the other dimensions fixed: H and W are the size that every video is fitted into. The weights of
several folds lie in the same two files; C then counts the features of all of them, and scores are their mean.
Metadata of both files: `bvas_format`, `bvas_part` (`encoder`, `head`) and `bvas_settings` (JSON of
`ExportSettings`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bvas.data.spotting_task import SpottingTask
from bvas.errors import CheckpointError, ConfigError, DataError
from bvas.experiment.experiment import Experiment, InputConfig
from bvas.experiment.peak_config import PeakConfig
from bvas.onnx.session import OnnxPart
from bvas.system.dataclass_json import value_from_json, value_to_json
from bvas.values.annotations import LabelSet
from bvas.values.clip_config import ClipConfig

Part = Literal["encoder", "head"]
FILE_NAMES: Mapping[Part, str] = {"encoder": "encoder.onnx", "head": "head.onnx"}
CARD_NAME = "README.md"
_FORMAT = "bvas-onnx-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceWeights:
    """A checkpoint that went into an export."""

    fold: int
    sha256: str
    """Of its file, hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportSettings:
    """What a program has to know to spot with an exported model."""

    name: str
    """Of the experiment."""
    task: str
    labels: tuple[str, ...]
    """In the order of the columns of scores."""
    clip: ClipConfig
    input: InputConfig
    peaks: PeakConfig
    flip_tta: bool
    """Scores are meant as the mean over each clip and its mirror image."""
    bvas_version: str
    """What wrote it."""
    weights: tuple[SourceWeights, ...]

    def metadata(self, part: Part) -> dict[str, str]:
        """Return what a file holds about itself."""
        return {"bvas_format": _FORMAT, "bvas_part": part, "bvas_settings": value_to_json(self)}

    def experiment(self) -> Experiment:
        """Return the experiment as far as spotting asks for it; what is about training is left at its defaults."""
        return Experiment(
            name=self.name,
            task=SpottingTask(name=self.task, labels=LabelSet(self.labels)),
            input=self.input,
            clip=self.clip,
            peaks=self.peaks,
            flip_tta=self.flip_tta,
        )


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """The two parts of an exported model, ready to run."""

    settings: ExportSettings
    encoder: OnnxPart
    head: OnnxPart


def load_exported(folder: Path, device: str = "auto") -> ExportedModel:
    """Open what `bvas weights export` wrote.

    Args:
        folder: Where it lies.
        device: As `choose_provider` takes it.

    Raises:
        DataError: the folder or one of its files is missing.
        CheckpointError: a file is no ONNX file, not one of ours, of another version, or not of the same export.
        ConfigError: the device is not there, or ONNX Runtime is not.
    """
    if not folder.is_dir():
        raise DataError(f"no folder {folder}; make one with: bvas weights export NAME --out {folder}")
    for name in FILE_NAMES.values():
        if not (folder / name).is_file():
            raise DataError(
                f"no {name} in {folder}; an exported model is a folder with {' and '.join(FILE_NAMES.values())}, "
                "as 'bvas weights export' writes it"
            )
    encoder, head = (OnnxPart(folder / name, device) for name in FILE_NAMES.values())
    settings, others = read_settings(encoder, "encoder"), read_settings(head, "head")
    if settings != others:
        raise CheckpointError(
            f"{encoder.name} and {head.name} come from different exports; copy both files of one export, or "
            "export again"
        )
    return ExportedModel(settings, encoder, head)


def read_settings(part: OnnxPart, name: Part) -> ExportSettings:
    """Return what a file says about the model.

    Raises:
        CheckpointError: it is not one of ours, of another version, the other part, or its shapes are not those it
            tells of.
    """
    metadata = part.metadata
    if "bvas_format" not in metadata:
        raise CheckpointError(
            f"{part.name} was not written by 'bvas weights export': it does not say what its labels and clips are"
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
    if name == "encoder":
        wanted: tuple[int, ...] = (settings.clip.stack_size, *settings.input.size)
        found = part.input_shape[1:]
    else:
        wanted = (settings.clip.num_stacks, len(settings.labels))
        found = (*part.input_shape[1:2], *part.output_shape[1:])
    if found != wanted:
        raise CheckpointError(f"{part.name} has a shape of {found} where its settings tell of {wanted}")
