"""Encoder of an export in int8, calibrated on stacks of videos, and its loss on other stretches of these videos.

Each video is divided into blocks. Even ones give the stacks that the ranges of activations are taken from; odd ones
give the rows whose scores are compared. The head stays float32, and so do the encoder's first and last convolution.
"""

# Dimension letters in this file: S channels of a stack, H W picture size.

import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError
from bvas.inference.file_rows import GridVideo
from bvas.onnx.model_folder import ExportedModel, ExportSettings, Int8Encoder
from bvas.onnx.session import OnnxPart
from bvas.onnx.spotter import OnnxSpotter
from bvas.system.onnx_graph import import_exporter, without_traces
from bvas.system.quiet_logging import quieted
from bvas.values.color import to_unit_frames_array
from bvas.video.decode.open_video import open_video
from bvas.video.index.frame_grid import make_grid

logger = logging.getLogger(__name__)

_NUM_BLOCKS = 8
_MOST_STACKS = 256
"""Stacks that calibrate, of all videos."""
_MOST_STRETCHES = 8
"""Stretches that are compared, of all videos."""
_STRETCH_ROWS = 32


def quantized(content: bytes, stacks: Iterable[NDArray[np.float32]]) -> bytes:
    """Return the graph of an encoder with int8 weights, one scale a channel, and uint8 activations.

    Args:
        content: The graph in float32.
        stacks: What it is calibrated on, each [1, S, H, W] in [0, 1].
    """
    onnx = import_exporter()
    # They import packages of the export.
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as name, quieted("root", "onnxruntime"):
        source, folded, made = (Path(name, part) for part in ("float32.onnx", "folded.onnx", "int8.onnx"))
        # Of a graph in memory it would write the weights apart, and not find them again.
        source.write_bytes(content)
        # It folds batch normalization into the convolutions.
        quant_pre_process(source, folded, skip_symbolic_shape=True)
        graph = onnx.load(folded).graph
        quantize_static(
            folded,
            made,
            _Calibration(graph.input[0].name, stacks),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            # Without VNNI sums of two products of 8 bits overflow.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_ends(graph),
        )
        return without_traces(onnx.load(made), {})


def _ends(graph: Any) -> list[str]:
    """Return the names of the convolutions that no other one comes before, or none behind: those of each fold."""
    ends = []
    for nodes, outer, inner in ((graph.node, "input", "output"), (graph.node[::-1], "output", "input")):
        reached: set[str] = set()
        for node in nodes:
            is_inside = any(name in reached for name in getattr(node, outer))
            if node.op_type == "Conv" and not is_inside:
                ends.append(node.name)
            if node.op_type == "Conv" or is_inside:
                reached.update(getattr(node, inner))
    return ends


class _Calibration:
    """Stacks one by one, as ONNX Runtime's calibration asks for them."""

    def __init__(self, name: str, stacks: Iterable[NDArray[np.float32]]) -> None:
        self._name = name
        self._stacks = iter(stacks)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next inputs, or None behind the last."""
        stack = next(self._stacks, None)
        return None if stack is None else {self._name: stack}


def calibration_stacks(videos: Sequence[Path], settings: ExportSettings) -> Iterator[NDArray[np.float32]]:
    """Yield stacks [1, S, H, W] of the even blocks of videos, every other one mirrored where flips are averaged.

    Raises:
        DataError: a video is too short.
        DecodeError: a video cannot be read.
    """
    clip, form = settings.clip, settings.input.form
    reach = (clip.stack_size - 1) * clip.frame_step
    num_in_block = max(1, _MOST_STACKS // len(videos) // (_NUM_BLOCKS // 2))
    for path in videos:
        with open_video(path, **form.reading) as reader:
            grid = make_grid(reader.index, settings.input.rate)
            for start, stop in _blocks(path, grid.num_frames, settings)[::2]:
                num = min(num_in_block, stop - reach - start)
                for number, first in enumerate(np.linspace(start, stop - reach - 1, num).astype(np.int64)):
                    wanted = grid.indices[first : first + reach + 1 : clip.frame_step]
                    frames = np.empty((len(wanted), *reader.frame_shape), np.uint8)
                    reader.read_into(wanted, frames)
                    stack = to_unit_frames_array(frames, reader.form, settings.input.luma_scaling)
                    stack = stack.reshape(1, -1, *stack.shape[-2:])
                    is_mirrored = settings.flip_tta and number % 2
                    yield np.ascontiguousarray(stack[..., ::-1]) if is_mirrored else stack


def measure_int8(
    content: bytes, encoder: bytes, head: bytes, videos: Sequence[Path], settings: ExportSettings
) -> Int8Encoder:
    """Return how far scores with an int8 encoder are from those in float32, in the odd blocks of the videos.

    Args:
        content: The encoder in int8.
        encoder: The encoder in float32.
        head: The head.
        videos: Videos that it was calibrated on.
        settings: Settings of the export.
    """
    spotters = [
        OnnxSpotter(settings.experiment(), ExportedModel(settings, OnnxPart(one), OnnxPart(head)))
        for one in (encoder, content)
    ]
    num_stretches = max(1, min(_NUM_BLOCKS // 2, _MOST_STRETCHES // len(videos)))
    differences = []
    for path in videos:
        video = GridVideo(path, spotters[0])
        for start, stop in _blocks(path, video.grid.num_frames, settings)[1::2][:num_stretches]:
            first = start + settings.clip.frames_before
            last = min(first + _STRETCH_ROWS, stop - settings.clip.frames_after)
            scores = [
                np.concatenate([chunk.scores for chunk in video.rows(one.predictor(), first, last)])
                for one in spotters
            ]
            differences.append(np.abs(scores[0] - scores[1]))
    compared = np.concatenate(differences)
    # Rows of gaps are NaN.
    compared = compared[~np.isnan(compared).any(axis=1)]
    if not len(compared):
        raise DataError(
            f"no frame of {videos[0]} can be decoded where scores are compared; take another video"
        )
    return Int8Encoder(
        videos=tuple(path.name for path in videos),
        num_rows=len(compared),
        mean_difference=float(compared.mean()),
        largest_difference=float(compared.max()),
    )


def _blocks(path: Path, num_frames: int, settings: ExportSettings) -> list[tuple[int, int]]:
    """Return the blocks [start, stop) of the grid frames of a video.

    Raises:
        DataError: a block has no row whose clip lies within.
    """
    least = _NUM_BLOCKS * (settings.clip.span + 1)
    if num_frames < least:
        raise DataError(
            f"{path} has {num_frames} frames at {settings.input.rate:g} per second, and a calibration needs {least}; "
            "take a longer video"
        )
    edges = np.linspace(0, num_frames, _NUM_BLOCKS + 1).astype(int).tolist()
    return list(pairwise(edges))
