"""ONNX Runtime session of a graph: named arrays in, named arrays out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bvas.errors import CheckpointError, ConfigError
from bvas.system.cpu_cores import fixed_threads
from bvas.system.log_lines import first_line


def choose_provider(device: str) -> tuple[str, dict[str, str]]:
    """Return the execution provider of ONNX Runtime, and its options, for a device.

    Args:
        device: `auto` (CUDA where this ONNX Runtime has it, else the CPU), `cpu`, `cuda` or `cuda:N`.

    Raises:
        ConfigError: the device is unknown or unsupported by this ONNX Runtime, or ONNX Runtime is not installed.
    """
    there = import_runtime().get_available_providers()
    kind, _, number = device.partition(":")
    if kind == "auto" and not number:
        kind = "cuda" if "CUDAExecutionProvider" in there else "cpu"
    if kind == "cpu" and not number:
        return "CPUExecutionProvider", {}
    if kind != "cuda" or (device != kind and not number.isdecimal()):
        raise ConfigError(f"unknown device {device!r}; use auto, cpu, cuda or cuda:N")
    if "CUDAExecutionProvider" not in there:
        raise ConfigError(
            f"this ONNX Runtime has no CUDA ({', '.join(there)}); install the package onnxruntime-gpu in place of "
            "onnxruntime, or use --device cpu"
        )
    # TF32 would round the inputs of convolutions to 10 bits.
    return "CUDAExecutionProvider", {"device_id": number or "0", "use_tf32": "0"}


@dataclass(frozen=True, slots=True)
class OnnxValue:
    """An input or output of a graph."""

    name: str
    shape: tuple[int | str | None, ...]
    """A dimension of variable length has a name, or None."""
    dtype: str
    """As ONNX Runtime spells it, such as `tensor(float)`."""


class GraphSession(Protocol):
    """A graph that an engine has loaded."""

    name: str
    """Name of the file in messages."""
    metadata: Mapping[str, str]
    inputs: tuple[OnnxValue, ...]
    outputs: tuple[OnnxValue, ...]

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs by name, in their order, for inputs by name.

        Raises:
            CheckpointError: the engine cannot compute them, for example because memory runs out.
        """
        ...


class OnnxSession:
    """A graph that ONNX Runtime has loaded."""

    def __init__(self, model: Path | bytes, device: str = "cpu", *, num_threads: int | None = None) -> None:
        """Load it.

        Args:
            model: The file, or its content.
            device: As `choose_provider` takes it.
            num_threads: Threads that compute; None: as many as cores are free now.

        Raises:
            CheckpointError: it is not an ONNX file, or this ONNX Runtime cannot run it.
            ConfigError: the device or ONNX Runtime is unavailable.
        """
        runtime = import_runtime()
        self.name = graph_name(model)
        options = runtime.SessionOptions()
        # Errors raise; its other log lines are about optimization.
        options.log_severity_level = 4
        # By default it also binds threads to cores, which fails with messages in containers that have only some cores.
        options.intra_op_num_threads = num_threads or fixed_threads()
        # Threads that wait in a busy loop take the time of whatever else the machine does.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        provider = choose_provider(device)
        try:
            # By default it falls back to the CPU where CUDA fails, and prints that to standard output.
            source = str(model) if isinstance(model, Path) else model
            session = runtime.InferenceSession(source, options, providers=[provider], enable_fallback=0)
        except _runtime_errors() as error:
            raise CheckpointError(
                f"ONNX Runtime {runtime.__version__} cannot load {self.name} ({first_line(error)}); copy or export it "
                "again, or install a newer onnxruntime"
            ) from error
        if provider[0] not in session.get_providers():
            raise ConfigError(
                f"ONNX Runtime {runtime.__version__} cannot use {provider[0]} here, though it was built with it; fix "
                "the driver and the CUDA libraries that it needs, or use --device cpu"
            )
        self._session = session
        self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self.inputs = _values(session.get_inputs())
        self.outputs = _values(session.get_outputs())

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs by name for inputs by name.

        Raises:
            CheckpointError: ONNX Runtime cannot compute them, for example because memory runs out.
        """
        try:
            outputs = self._session.run(None, dict(inputs))
        except _runtime_errors() as error:
            shapes = ", ".join(str(list(array.shape)) for array in inputs.values())
            raise CheckpointError(
                f"ONNX Runtime failed in {self.name} on an input of {shapes}: {first_line(error)}"
            ) from error
        return {value.name: np.asarray(output) for value, output in zip(self.outputs, outputs, strict=True)}


def graph_name(model: Path | bytes) -> str:
    """Return the name of a graph in messages."""
    return str(model) if isinstance(model, Path) else "the exported graph"


def import_runtime() -> Any:
    """Return the module `onnxruntime`.

    Raises:
        ConfigError: it is not installed; the message says how to.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(
            f"ONNX files run on ONNX Runtime ({error}); install it with: pip install onnxruntime"
        ) from error
    return onnxruntime


def _runtime_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of ONNX Runtime; they have no common base below Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    load = (state.InvalidGraph, state.InvalidProtobuf, state.NoSuchFile, state.NotImplemented)
    return (*load, state.Fail, state.InvalidArgument, state.RuntimeException, RuntimeError)


def _values(nodes: Any) -> tuple[OnnxValue, ...]:
    return tuple(OnnxValue(node.name, tuple(node.shape), node.type) for node in nodes)
