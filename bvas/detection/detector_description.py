"""Description of an ONNX detector: its input, and the meaning of its outputs, in a small JSON file beside it.

    {
      "input": {"size": [224, 384], "fit": "stretch", "values": "0..255"},
      "heatmap": {"center": "center", "size": "scale", "offset": "offset", "stride": 4},
      "threshold": 0.3,
      "most": 6
    }

One of `heatmap`, `boxes` and `rows` describes the outputs. docs/players_detectors.md lists all keys.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from bvas.data.json_object import Count, Flag, Name, Place, Rule, read_json_file
from bvas.data.raw_annotations import Fault
from bvas.errors import ConfigError
from bvas.values.checks import MOST_SIDE

Pair = tuple[int, int]
Triple = tuple[float, float, float]


def _one_of(*choices: str) -> Rule:
    def read(value: Any, _: Any) -> str:
        if isinstance(value, str) and value in choices:
            return value
        raise ValueError

    return Rule(f"one of {', '.join(choices)}", read)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _number(allows: Callable[[float], bool]) -> Callable[[Any, Any], float]:
    def read(value: Any, _: Any) -> float:
        if _is_number(value) and allows(value):
            return float(value)
        raise ValueError

    return read


def _triple(allows: Callable[[float], bool]) -> Callable[[Any, Any], Triple]:
    def read(value: Any, _: Any) -> Triple:
        if isinstance(value, list) and len(value) == 3 and all(_is_number(one) for one in value):
            first, second, third = (float(one) for one in value)
            if allows(first) and allows(second) and allows(third):
                return first, second, third
        raise ValueError

    return read


def _sides(value: Any, _: Any) -> Pair:
    if isinstance(value, list) and len(value) == 2 and all(type(one) is int for one in value):
        height, width = value
        if 1 <= height <= MOST_SIDE and 1 <= width <= MOST_SIDE:
            return height, width
    raise ValueError


def _strides(value: Any, _: Any) -> tuple[int, ...]:
    if isinstance(value, list) and value and all(type(one) is int and one >= 1 for one in value):
        return tuple(value)
    raise ValueError


def _positive(value: Any, _: Any) -> int:
    if type(value) is int and value >= 1:
        return value
    raise ValueError


Share = Annotated[float, Rule("a number from 0 to 1", _number(lambda value: 0 <= value <= 1))]
Positive = Annotated[int, Rule("a whole number from 1 up", _positive)]
Shade = Annotated[float, Rule("a number from 0 to 255", _number(lambda value: 0 <= value <= 255))]
Means = Annotated[Triple, Rule("a list of three numbers", _triple(lambda _: True))]
Deviations = Annotated[Triple, Rule("a list of three numbers above 0", _triple(lambda value: value > 0))]
Sides = Annotated[Pair, Rule(f"[height, width], two whole numbers from 1 to {MOST_SIDE}", _sides)]
Strides = Annotated[Sequence[int], Rule("a list of whole numbers from 1 up", _strides)]
Form = Annotated[str, _one_of("xyxy", "xywh", "cxcywh")]
Units = Annotated[str, _one_of("pixels", "fraction")]
Activation = Annotated[str, _one_of("none", "sigmoid", "softmax")]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDescription:
    """How a picture is given to the graph."""

    name: Name = ""
    """Input of the picture; empty: the first input of the graph."""
    layout: Annotated[str, _one_of("NCHW", "NHWC")] = "NCHW"
    size: Sides | None = None
    """(H, W) that pictures are fitted to; None: as the graph fixes it."""
    fit: Annotated[str, _one_of("stretch", "pad-corner", "pad-center")] = "stretch"
    """`stretch` ignores the aspect. The others keep it and pad: below and on the right, or on all sides."""
    padding: Shade = 114.0
    """Value of the padding, before `values`, `mean` and `std`. 114 is that of YOLOX."""
    channels: Annotated[str, _one_of("rgb", "bgr")] = "rgb"
    values: Annotated[str, _one_of("0..255", "0..1")] = "0..255"
    mean: Means = (0.0, 0.0, 0.0)
    """Subtracted, in the order of the channels and the range of `values`."""
    std: Deviations = (1.0, 1.0, 1.0)
    """Divides the result."""
    size_input: Name | None = None
    """Second input [1, 2] that takes the (width, height) of the fitted picture, as D-FINE and RT-DETR have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatmapOutput:
    """Centers as maxima of a map (CenterNet, arXiv:1904.07850; MoveNet MultiPose)."""

    center: Name = ""
    """Output [1, C, h, w] with the map of each class."""
    size: Name = ""
    """Output [1, 2, h, w]: size in cells."""
    offset: Name | None = None
    """Output [1, 2, h, w]: center within the cell, in cells; None: the cell's own corner."""
    stride: Positive = 4
    """Pixels of the input in a cell."""
    order: Annotated[str, _one_of("yx", "xy")] = "yx"
    """Order of the two channels of `size` and `offset`."""
    sigmoid: Flag = False
    """Whether the map is still without its sigmoid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxesOutput:
    """Arrays of boxes and of scores (DETR and its successors; RTMDet with NMS inside)."""

    boxes: Name = ""
    """Output [1, N, 4], or [1, N, 5] with the score in the last column."""
    scores: Name | None = None
    """Output [1, N] or, by class, [1, N, C]; None: the last column of `boxes`."""
    labels: Name | None = None
    """Output [1, N] with the class of each box; None: `scores` are by class, or all boxes are persons."""
    form: Form = "xyxy"
    units: Units = "pixels"
    """`pixels` of the fitted input, or `fraction` of it."""
    activation: Activation = "none"
    """What makes probabilities of `scores`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOutput:
    """One array with a row for each box: four numbers, perhaps an objectness, a score for each class (YOLO)."""

    name: Name = ""
    """Output [1, N, columns]."""
    transposed: Flag = False
    """Whether it is [1, columns, N]."""
    objectness: Flag = False
    """Whether the fifth column is an objectness, which multiplies the scores."""
    form: Form = "cxcywh"
    units: Units = "pixels"
    activation: Activation = "none"
    """What makes probabilities of objectness and scores."""
    yolox_strides: Strides | None = None
    """Rows are those of YOLOX before decoding: centers from the cell's corner, logarithms of sizes, in cells."""


Output = HeatmapOutput | BoxesOutput | RowsOutput


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorDescription:
    """An ONNX detector's input and outputs, and which boxes are kept."""

    input: InputDescription
    output: Output
    person: int = 0
    """Number of the class of persons."""
    threshold: float = 0.3
    """Smallest score of a box that is kept."""
    most: int = 100
    """Most boxes of a picture; the best are kept."""
    nms_overlap: float | None = None
    """Non-maximum suppression: of two boxes with a larger IoU the better one is kept; None: all are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """The keys of the file."""

    input: Any = None
    heatmap: Any = None
    boxes: Any = None
    rows: Any = None
    person: Count = 0
    threshold: Share = 0.3
    most: Positive = 100
    nms_overlap: Share | None = None


_KINDS: dict[str, tuple[type[Output], tuple[str, ...]]] = {
    "heatmap": (HeatmapOutput, ("center", "size")),
    "boxes": (BoxesOutput, ("boxes",)),
    "rows": (RowsOutput, ("name",)),
}


def read_description(path: Path) -> DetectorDescription:
    """Return the description in a JSON file.

    Raises:
        ConfigError: the file is missing or not JSON, or keys or values are wrong; the message names each.
    """
    faults: list[Fault] = []
    value = read_json_file(path, faults)
    found = None if faults else _description(value, Place(path, "", faults))
    if found is None or faults:
        raise ConfigError("; ".join(str(fault) for fault in faults))
    return found


def _description(value: Any, place: Place) -> DetectorDescription | None:
    written = place.read(value, _Written)
    if written is None:
        return None
    kinds = [kind for kind in _KINDS if getattr(written, kind) is not None]
    if len(kinds) != 1:
        place.fault(
            f"must describe the outputs by one of the keys {', '.join(_KINDS)}, got {' and '.join(kinds) or 'none'}"
        )
    source = place.inner("input").read({} if written.input is None else written.input, InputDescription)
    output: Output | None = None
    for kind in kinds:
        type_, needs = _KINDS[kind]
        output = place.inner(kind).read(getattr(written, kind), type_, needs=needs)
    if source is None or output is None:
        return None
    return DetectorDescription(
        input=source,
        output=output,
        person=written.person,
        threshold=written.threshold,
        most=written.most,
        nms_overlap=written.nms_overlap,
    )
