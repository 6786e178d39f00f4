"""Export to ONNX: graphs, checked against PyTorch before anything is written, and a model card."""

import hashlib
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bvas import __version__
from bvas.errors import ConfigError, DataError
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, load_checkpoint
from bvas.experiment.experiment import Experiment
from bvas.inference.classifier import load_classifier
from bvas.inference.spotter import load_spotter
from bvas.onnx.clip_graph import make_clip_graph, measure_clips
from bvas.onnx.graphs import make_graphs, measure
from bvas.onnx.int8 import calibration_stacks, measure_int8, quantized
from bvas.onnx.model_card import FileFacts, model_card
from bvas.onnx.model_folder import (
    CARD_NAME,
    CLASSIFIER_NAMES,
    FILE_NAMES,
    ExportSettings,
    Part,
    SourceWeights,
)
from bvas.onnx.session import OnnxPart
from bvas.system.atomic_files import check_writable, replacing
from bvas.system.download import hash_of
from bvas.system.onnx_graph import OPSET, import_exporter, without_traces

logger = logging.getLogger(__name__)


def export_onnx(
    experiment: Experiment,
    runs: Path,
    folds: Sequence[int],
    out: Path,
    *,
    overwrite: bool = False,
    int8_videos: Sequence[Path] = (),
) -> None:
    """Write the mean of trained folds as ONNX files, and a model card.

    These are `encoder.onnx` and `head.onnx` of kind spot, `classifier.onnx` of kind clip.

    Args:
        experiment: Experiment of the folds; its peak rules and flip TTA go into the export.
        runs: The runs folder.
        folds: Trained folds.
        out: Folder for the files.
        overwrite: Replace an older export.
        int8_videos: Videos to calibrate an int8 encoder on; none: it stays float32.

    Raises:
        ConfigError: a package is missing, the encoder cannot be exported, the weights are too large for a file, or
            frames of kind spot are scaled on the device.
        CheckpointError: weights are missing or of another experiment, or the files would differ from PyTorch by
            more than `MOST_DEVIATION`; nothing is written then.
        DataError: there is an older export, `out` cannot be written, or a video is too short.
        DecodeError: a video cannot be read.
    """
    onnx = import_exporter()
    is_of_clips = experiment.kind == "clip"
    if is_of_clips and int8_videos:
        raise ConfigError(
            f"an encoder in int8 is of kind spot, and {experiment.name} is of kind clip; leave out --int8"
        )
    if experiment.input.form.is_scaled_on_device and not is_of_clips:
        raise ConfigError(
            f'experiment {experiment.name} has input resample="bilinear", which is computed by PyTorch and is no part '
            'of the ONNX files; train with resample="area" for an export'
        )
    names = CLASSIFIER_NAMES if is_of_clips else FILE_NAMES
    _check_place(out, (*names.values(), CARD_NAME), overwrite=overwrite)
    paths = {fold: fold_folder(runs, experiment.name, fold) / FILE_NAME for fold in folds}
    settings = ExportSettings(
        name=experiment.name,
        task=experiment.task.name,
        labels=experiment.task.labels.names,
        clip=experiment.clip,
        input=experiment.input,
        kind=experiment.kind,
        peaks=experiment.peaks,
        classes=experiment.classes,
        flip_tta=experiment.flip_tta,
        bvas_version=__version__,
        weights=tuple(SourceWeights(fold=fold, sha256=hash_of(path)) for fold, path in paths.items()),
    )
    content: dict[Part, bytes]
    if is_of_clips:
        networks = load_classifier(experiment, runs, folds=folds, device="cpu").models
        content = {"classifier": make_clip_graph(networks, settings)}
        of_scores = measure_clips(networks, content["classifier"], flip_tta=settings.flip_tta)
        logger.info("largest difference from PyTorch on random input: %.1e in probabilities", of_scores)
    else:
        models = load_spotter(experiment, runs, folds=folds, device="cpu").models
        content = make_graphs(models, settings)
        of_scores, of_features = measure(models, content)
        logger.info(
            "largest difference from PyTorch on random input: %.1e in scores, %.1e of the largest feature",
            *(of_scores, of_features),
        )
        if int8_videos:
            logger.info("calibrating on stacks of %s", ", ".join(path.name for path in int8_videos))
            encoder = quantized(content["encoder"], calibration_stacks(int8_videos, settings))
            loss = measure_int8(encoder, content["encoder"], content["head"], int8_videos, settings)
            logger.info("%s", loss)
            settings = replace(settings, int8=loss)
            content = {
                part: without_traces(onnx.load_from_string(data), settings.metadata(part))
                for part, data in {**content, "encoder": encoder}.items()
            }
    facts = []
    for part, name in names.items():
        data, loaded = content[part], OnnxPart(content[part])
        digest = hashlib.sha256(data).hexdigest()
        facts.append(FileFacts(name, loaded.input_shape, loaded.output_shape, len(data), digest))
    card = model_card(
        settings,
        facts,
        {fold: load_checkpoint(path) for fold, path in paths.items()},
        runs / experiment.name,
        opset=OPSET,
        score_deviation=of_scores,
    )
    # All files under temporary names, then renamed.
    with ExitStack() as files:
        for part, name in names.items():
            files.enter_context(replacing(out / name)).write_bytes(content[part])
        files.enter_context(replacing(out / CARD_NAME)).write_bytes(card.encode())


def _check_place(out: Path, names: Sequence[str], *, overwrite: bool) -> None:
    """Refuse a folder that would fail after minutes of work."""
    check_writable(out)
    there = [name for name in names if (out / name).exists()]
    if there and not overwrite:
        raise DataError(
            f"{out / there[0]} already exists; choose another --out, or replace it with --overwrite"
        )
