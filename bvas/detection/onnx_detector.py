"""Detector that is an ONNX file, with a description of its input and outputs."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.detection.box_choice import choose_boxes
from bvas.detection.detector_description import (
    BoxesOutput,
    DetectorDescription,
    HeatmapOutput,
    read_description,
)
from bvas.detection.detector_protocol import Found
from bvas.detection.onnx_outputs import read_outputs
from bvas.detection.picture_fit import plan_input
from bvas.errors import CheckpointError, ConfigError
from bvas.system.onnx_session import OnnxSession, OnnxValue

logger = logging.getLogger(__name__)

_DTYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
_INTEGERS: dict[str, type[np.generic]] = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


class OnnxDetector:
    """Finds players by an ONNX file.

    Pictures are given to the graph one by one, or, where its batch is fixed, that many at a time.
    """

    def __init__(
        self,
        file: Path,
        description: DetectorDescription,
        *,
        device: str = "auto",
        threshold: float | None = None,
    ) -> None:
        """Load it.

        Args:
            file: The ONNX file.
            description: Its input and outputs.
            device: As `choose_provider` takes it.
            threshold: Smallest score of a box; None: that of the description.

        Raises:
            CheckpointError: it is not an ONNX file, or ONNX Runtime cannot run it.
            ConfigError: the description names inputs or outputs that are not there, or does not say the size of a
                variable input; or the device or ONNX Runtime is unavailable.
        """
        if not file.is_file():
            raise CheckpointError(f"no detector at {file}; give the path of an ONNX file")
        self.name = file.stem
        self._file = file
        self._description = description
        self._threshold = description.threshold if threshold is None else threshold
        self._session = OnnxSession(file, device)
        self._input = _named(self._session.inputs, description.input.name, "input", file)
        if self._input.dtype not in _DTYPES:
            raise ConfigError(
                f"input {self._input.name} of {file} is {self._input.dtype}; pictures can be {', '.join(_DTYPES)}"
            )
        self._size_input = self._checked_second_input()
        for name in _outputs_of(description):
            _named(self._session.outputs, name, "output", file)
        self.size = self._input_size()
        """(H, W) that pictures are fitted to."""
        batch = self._input.shape[0]
        self._batch = batch if isinstance(batch, int) else 1

    def detect(self, frames: NDArray[np.uint8]) -> Sequence[Found]:
        """Return the boxes of each frame; see `Detector`.

        Raises:
            CheckpointError: ONNX Runtime failed.
            ConfigError: outputs have another form than the description says.
        """
        found: list[Found] = []
        for start in range(0, len(frames), self._batch):
            found += self._detect_some(frames[start : start + self._batch])
        return found

    def _detect_some(self, frames: NDArray[np.uint8]) -> list[Found]:
        plan = plan_input(frames.shape[1:3], self.size, self._description.input.fit)
        pictures = np.stack([plan.apply(frame, self._description.input.padding) for frame in frames])
        # A fixed batch is filled up with the last picture.
        missing = self._batch - len(pictures)
        inputs: dict[str, NDArray[Any]] = {
            self._input.name: self._prepared(
                np.concatenate([pictures, pictures[-1:].repeat(missing, axis=0)])
            )
        }
        if self._size_input is not None:
            sizes = np.tile(self.size[::-1], (self._batch, 1))
            inputs[self._size_input.name] = sizes.astype(_INTEGERS[self._size_input.dtype])
        outputs = self._session.run(inputs)
        found = []
        for place in range(len(frames)):
            try:
                own = {name: outputs[name][place] for name in _outputs_of(self._description)}
                boxes, scores = read_outputs(own, self._description, self.size)
            except ConfigError as error:
                raise ConfigError(f"{self._file}: {error}") from error
            found.append(
                choose_boxes(
                    plan.boxes_in_picture(boxes),
                    scores,
                    threshold=self._threshold,
                    most=self._description.most,
                    nms_overlap=self._description.nms_overlap,
                )
            )
        return found

    def _prepared(self, pictures: NDArray[np.uint8]) -> NDArray[Any]:
        """Return pictures, uint8 [B, H, W, 3] of RGB, as the graph takes them."""
        described = self._description.input
        values: NDArray[Any] = pictures[..., ::-1] if described.channels == "bgr" else pictures
        dtype = _DTYPES[self._input.dtype]
        if dtype is not np.uint8:
            values = values.astype(np.float32)
            if described.values == "0..1":
                values = values / np.float32(255)
            mean, std = (np.array(triple, np.float32) for triple in (described.mean, described.std))
            values = (values - mean) / std
        values = values.transpose(0, 3, 1, 2) if described.layout == "NCHW" else values
        return np.ascontiguousarray(values.astype(dtype, copy=False))

    def _input_size(self) -> tuple[int, int]:
        described = self._description.input
        shape = self._input.shape
        if len(shape) != 4:
            raise ConfigError(
                f"input {self._input.name} of {self._file} has the shape {[*shape]}, and a batch of pictures has 4 "
                "dimensions; name the input of the picture in the description"
            )
        sides, channels = (shape[2:], shape[1]) if described.layout == "NCHW" else (shape[1:3], shape[3])
        if isinstance(channels, int) and channels != 3:
            raise ConfigError(
                f"input {self._input.name} of {self._file} has the shape {[*shape]}, which is not 3 channels as "
                f"{described.layout}; correct 'layout' in the description"
            )
        given = described.size or sides
        for asked, fixed in zip(given, sides, strict=True):
            if not isinstance(asked, int):
                raise ConfigError(
                    f"input {self._input.name} of {self._file} takes pictures of any size; give 'size', [height, "
                    "width], in the description's 'input'"
                )
            if isinstance(fixed, int) and fixed != asked:
                raise ConfigError(
                    f"input {self._input.name} of {self._file} is {sides[0]} x {sides[1]}, and the description says "
                    f"{given[0]} x {given[1]}; correct its 'size', or leave it out"
                )
        height, width = given
        assert isinstance(height, int)
        assert isinstance(width, int)
        return height, width

    def _checked_second_input(self) -> OnnxValue | None:
        name = self._description.input.size_input
        found = None if name is None else _named(self._session.inputs, name, "input", self._file)
        if found is not None and found.dtype not in _INTEGERS:
            raise ConfigError(
                f"input {name} of {self._file} is {found.dtype}; a size can be {', '.join(_INTEGERS)}"
            )
        others = [value.name for value in self._session.inputs if value.name not in (self._input.name, name)]
        if others:
            raise ConfigError(
                f"{self._file} has more inputs: {', '.join(others)}; name the one that takes the picture's size as "
                "'size_input', or export the detector with one input"
            )
        return found


def load_onnx_detector(
    file: Path, *, description: Path | None = None, device: str = "auto", threshold: float | None = None
) -> OnnxDetector:
    """Return the detector in an ONNX file.

    Args:
        file: The file, `model.onnx`.
        description: Its description; None: `model.json` beside it, or that of a known file of this name
            (`movenet_multipose.onnx`).
        device: As `choose_provider` takes it.
        threshold: Smallest score of a box; None: that of the description.

    Raises:
        CheckpointError, ConfigError: as `OnnxDetector`, or the description is missing or wrong.
    """
    place = description or file.with_suffix(".json")
    known = Path(__file__).with_name(place.name)
    if description is None and not place.is_file() and known.is_file():
        place = known
        logger.info("%s is read as bvas describes a file of this name", file.name)
    if file.is_file() and not place.is_file():
        raise ConfigError(
            f"{file} has no description of its input and outputs; write {place} as docs/players_detectors.md shows, or "
            "name it (--detector-description FILE)"
        )
    if not file.is_file():
        raise CheckpointError(f"no detector at {file}; give the path of an ONNX file")
    return OnnxDetector(file, read_description(place), device=device, threshold=threshold)


def _named(values: Sequence[OnnxValue], name: str, kind: str, file: Path) -> OnnxValue:
    """Return an input or output by its name; the first for an empty name."""
    found = next((value for value in values if value.name == name or not name), None)
    if found is None:
        known = ", ".join(value.name for value in values)
        raise ConfigError(f"{file} has no {kind} {name!r}; it has {known}: correct the description")
    return found


def _outputs_of(description: DetectorDescription) -> list[str]:
    output = description.output
    if isinstance(output, HeatmapOutput):
        names = [output.center, output.size, output.offset]
    elif isinstance(output, BoxesOutput):
        names = [output.boxes, output.scores, output.labels]
    else:
        names = [output.name]
    return [name for name in names if name is not None]
