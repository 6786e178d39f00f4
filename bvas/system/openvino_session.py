"""OpenVINO session of an ONNX graph: named arrays in, named arrays out."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import CheckpointError, ConfigError
from bvas.system.cpu_cores import fixed_threads
from bvas.system.devices import EngineName
from bvas.system.log_lines import first_line
from bvas.system.onnx_session import GraphSession, OnnxSession, OnnxValue, graph_name


class OpenVinoSession:
    """A graph that OpenVINO has loaded, on the CPU."""

    def __init__(self, model: Path | bytes, *, num_threads: int | None = None) -> None:
        """Load it.

        Args:
            model: The file, or its content.
            num_threads: As `OnnxSession` takes it.

        Raises:
            CheckpointError: it is not an ONNX file, or this OpenVINO cannot run it.
            ConfigError: OpenVINO is not installed.
        """
        openvino = import_openvino()
        self.name = graph_name(model)
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": num_threads or fixed_threads(),
            # Others use the same cores.
            "ENABLE_CPU_PINNING": False,
            # By default it computes in bfloat16 where the CPU has it.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            graph = _core().read_model(model)
            self._request = _core().compile_model(graph, "CPU", settings).create_infer_request()
        except RuntimeError as error:
            raise CheckpointError(
                f"OpenVINO {openvino.__version__} cannot load {self.name} ({first_line(error)}); copy or export it "
                "again, or take --engine onnxruntime"
            ) from error
        # Of the ONNX file.
        has_metadata = graph.has_rt_info("framework")
        self.metadata: Mapping[str, str] = graph.get_rt_info("framework").value if has_metadata else {}
        self.inputs = _values(graph.inputs)
        self.outputs = _values(graph.outputs)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs by name, in their order, for inputs by name.

        Raises:
            CheckpointError: OpenVINO cannot compute them, for example because memory runs out.
        """
        try:
            outputs = self._request.infer(dict(inputs), share_inputs=True)
        except RuntimeError as error:
            shapes = ", ".join(str(list(array.shape)) for array in inputs.values())
            raise CheckpointError(
                f"OpenVINO failed in {self.name} on an input of {shapes}: {first_line(error)}"
            ) from error
        return {value.name: np.asarray(outputs[place]) for place, value in enumerate(self.outputs)}


def graph_session(
    model: Path | bytes, engine: EngineName, device: str = "cpu", *, num_threads: int | None = None
) -> GraphSession:
    """Return a session on ONNX Runtime (also for `auto`) or OpenVINO; errors are those of their sessions."""
    if engine == "openvino":
        return OpenVinoSession(model, num_threads=num_threads)
    return OnnxSession(model, device, num_threads=num_threads)


def import_openvino() -> Any:
    """Return the module `openvino`.

    Raises:
        ConfigError: it is not installed; the message says how to.
    """
    try:
        # By name: type checkers run without it too.
        return import_module("openvino")
    except ImportError as error:
        raise ConfigError(
            f"OpenVINO is not installed ({error}); install it with: pip install openvino"
        ) from error


@cache
def _core() -> Any:
    """Return the one core of this process; it is kept until the process ends.

    On CPUs with AMX each core puts in a signal stack of its own, and its end restores the one before. Where an older
    core ended first, that one is unmapped, and the next signal, such as Ctrl-C, is a segmentation fault.
    """
    return import_openvino().Core()


def _values(nodes: Any) -> tuple[OnnxValue, ...]:
    return tuple(
        OnnxValue(
            node.get_any_name(),
            tuple(None if size.is_dynamic else size.get_length() for size in node.partial_shape),
            str(node.element_type),
        )
        for node in nodes
    )
