"""Outputs of an ONNX detector as boxes in pixels of its input."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.detection.detector_description import BoxesOutput, DetectorDescription, HeatmapOutput, RowsOutput
from bvas.errors import ConfigError
from bvas.values.boxes import Boxes

Arrays = Mapping[str, NDArray[Any]]
Candidates = tuple[Boxes, NDArray[np.float64]]
"""Boxes [N, 4] in pixels of the input and their scores [N], in any order."""
_LARGEST_LOGARITHM = 20.0
"""Of a size in cells: e^20; more would overflow."""


def read_outputs(outputs: Arrays, description: DetectorDescription, size: tuple[int, int]) -> Candidates:
    """Return the persons of one picture.

    Args:
        outputs: Outputs of the graph by name, without the batch dimension.
        description: Their meaning.
        size: (H, W) of the input.

    Raises:
        ConfigError: an output is not what the description says; the message names it.
    """
    output = description.output
    if isinstance(output, HeatmapOutput):
        return _read_heatmap(outputs, output, description.person)
    if isinstance(output, BoxesOutput):
        return _read_boxes(outputs, output, description.person, size)
    return _read_rows(outputs, output, description.person, size)


def _read_heatmap(outputs: Arrays, output: HeatmapOutput, person: int) -> Candidates:
    maps = _array(outputs, output.center, 3, "[classes, rows, columns]")
    _check_class(output.center, person, len(maps))
    sizes = _array(outputs, output.size, 3, "[2, rows, columns]")
    center = _sigmoid(maps[person]) if output.sigmoid else maps[person]
    offsets = np.zeros_like(sizes)
    if output.offset is not None:
        offsets = _array(outputs, output.offset, 3, "[2, rows, columns]")
    for name, array in ((output.size, sizes), (output.offset, offsets)):
        if array.shape != (2, *center.shape):
            raise ConfigError(
                f"output {name} has the shape {[*array.shape]}, and that of {output.center} asks for "
                f"{[2, *center.shape]}; correct the description"
            )
    rows, columns = local_maxima(center)
    y, x = (0, 1) if output.order == "yx" else (1, 0)
    height, width = sizes[y, rows, columns], sizes[x, rows, columns]
    middle_x = columns + offsets[x, rows, columns]
    middle_y = rows + offsets[y, rows, columns]
    boxes = np.stack([middle_x - width / 2, middle_y - height / 2, width, height], axis=1)
    return boxes * output.stride, center[rows, columns]


def local_maxima(center: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (rows, columns) of the cells of a map [h, w] that no neighbor of the eight exceeds."""
    height, width = center.shape
    padded = np.pad(center, 1, constant_values=-np.inf)
    around = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    rows, columns = np.nonzero(center >= np.max(around, axis=0))
    return rows, columns


def _read_boxes(outputs: Arrays, output: BoxesOutput, person: int, size: tuple[int, int]) -> Candidates:
    columns = 5 if output.scores is None else 4
    rows = _array(outputs, output.boxes, 2, f"[boxes, {columns}]")
    if rows.shape[1] != columns:
        raise ConfigError(
            f"output {output.boxes} has {rows.shape[1]} columns, and {columns} are expected "
            f"{'without' if output.scores is None else 'beside'} 'scores'; correct the description"
        )
    if output.scores is None:
        scores = _activated(rows[:, 4], output.activation)
    else:
        raw = _array(outputs, output.scores, None, "[boxes] or [boxes, classes]")
        if raw.ndim == 2:
            _check_class(output.scores, person, raw.shape[1])
        scores = _activated(raw, output.activation)
        scores = scores[:, person] if scores.ndim == 2 else scores
    kept = np.ones(len(rows), bool)
    if output.labels is not None:
        kept = _array(outputs, output.labels, 1, "[boxes]") == person
    for name, array in ((output.scores, scores), (output.labels, kept)):
        if len(array) != len(rows):
            raise ConfigError(
                f"output {name} has {len(array)} rows, and {output.boxes} has {len(rows)}; correct the description"
            )
    return _left_top(rows[kept, :4], output.form, output.units, size), scores[kept]


def _read_rows(outputs: Arrays, output: RowsOutput, person: int, size: tuple[int, int]) -> Candidates:
    rows = _array(outputs, output.name, 2, "[boxes, columns]")
    rows = rows.T if output.transposed else rows
    first = 5 if output.objectness else 4
    _check_class(output.name, person, rows.shape[1] - first)
    scores = _activated(rows[:, first:], output.activation)[:, person]
    if output.objectness:
        scores = scores * _activated(rows[:, 4], output.activation)
    boxes = rows[:, :4]
    if output.yolox_strides is not None:
        boxes = _decoded(boxes, tuple(output.yolox_strides), size, output.name)
    return _left_top(boxes, output.form, output.units, size), scores


def _decoded(
    boxes: NDArray[np.float64], strides: tuple[int, ...], size: tuple[int, int], name: str
) -> NDArray[np.float64]:
    """Return YOLOX's (center x, center y, width, height) in pixels, of what its heads put out (arXiv:2107.08430)."""
    corners, cells = [], []
    for stride in strides:
        # The grid of each level is flattened row by row; levels follow each other.
        y, x = np.mgrid[: size[0] // stride, : size[1] // stride]
        corners.append(np.stack([x.ravel(), y.ravel()], axis=1))
        cells.append(np.full(x.size, stride))
    corner, cell = np.concatenate(corners), np.concatenate(cells)[:, None]
    if len(corner) != len(boxes):
        raise ConfigError(
            f"output {name} has {len(boxes)} rows, and strides {', '.join(map(str, strides))} of an input of "
            f"{size[0]} x {size[1]} give {len(corner)}; correct 'yolox_strides' or the input's size"
        )
    lengths = np.exp(np.minimum(boxes[:, 2:], _LARGEST_LOGARITHM))
    return np.concatenate([(boxes[:, :2] + corner) * cell, lengths * cell], axis=1)


def _left_top(boxes: NDArray[np.float64], form: str, units: str, size: tuple[int, int]) -> Boxes:
    first, second = boxes[:, :2], boxes[:, 2:]
    if form == "xyxy":
        second = second - first
    elif form == "cxcywh":
        first = first - second / 2
    found: Boxes = np.concatenate([first, second], axis=1)
    return found * np.tile(size[::-1], 2) if units == "fraction" else found


def _array(outputs: Arrays, name: str, ndim: int | None, form: str) -> NDArray[np.float64]:
    """Return an output in float64.

    Raises:
        ConfigError: it has another number of dimensions.
    """
    array = outputs[name]
    if array.ndim not in ((1, 2) if ndim is None else (ndim,)):
        raise ConfigError(
            f"output {name} of a picture has the shape {[*array.shape]}, and {form} is expected; correct the "
            "description"
        )
    return array.astype(np.float64)


def _check_class(name: str, person: int, num_classes: int) -> None:
    if not person < num_classes:
        raise ConfigError(
            f"output {name} has {num_classes} classes, and the class of persons is {person}; correct 'person' in the "
            "description (classes count from 0)"
        )


def _activated(values: NDArray[np.float64], activation: str) -> NDArray[np.float64]:
    if activation == "sigmoid":
        return _sigmoid(values)
    if activation == "softmax":
        powers = np.exp(values - values.max(axis=-1, keepdims=True))
        shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
        return shares
    return values


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # Beyond 500 the exponential overflows, and the sigmoid is 0.
    result: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(values, -500, 500)))
    return result
