"""Session of one part of an exported model: one array in, one array out."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.errors import CheckpointError
from bvas.system.devices import EngineName
from bvas.system.openvino_session import graph_session
from bvas.values.plural import count_text


class OnnxPart:
    """A graph with one input and one output, both float32, whose first dimension is the batch."""

    def __init__(self, model: Path | bytes, device: str = "cpu", engine: EngineName = "auto") -> None:
        """Load it.

        Args:
            model: The file, or its content.
            device: As `choose_provider` takes it; OpenVINO computes on the CPU.
            engine: `openvino`, else ONNX Runtime.

        Raises:
            CheckpointError: it is not an ONNX file, or the engine cannot run it.
            ConfigError: the device or the engine is unavailable.
        """
        self._session = session = graph_session(model, engine, device)
        self.name = session.name
        """Name of the file in messages."""
        self.metadata: Mapping[str, str] = session.metadata
        if len(session.inputs) != 1 or len(session.outputs) != 1:
            raise CheckpointError(
                f"{self.name} has {count_text(len(session.inputs), 'input')} and "
                f"{count_text(len(session.outputs), 'output')}, a part of an exported model has one "
                "of each; take a file that 'bvas weights export' wrote"
            )
        self._input, self._output = session.inputs[0].name, session.outputs[0].name
        self.input_shape = session.inputs[0].shape
        """A dimension of variable length has a name, or None."""
        self.output_shape = session.outputs[0].shape

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the output for an input.

        Raises:
            CheckpointError: the engine cannot compute it, for example because memory runs out.
        """
        return self._session.run({self._input: batch})[self._output]
