"""ONNX Runtime session of one part of an exported model: one array in, one array out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import CheckpointError, ConfigError
from bvas.system.devices import num_cpus
from bvas.system.log_lines import first_line
from bvas.values.plural import count_text


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


class OnnxPart:
    """A graph with one input and one output, both float32, whose first dimension is the batch."""

    def __init__(self, model: Path | bytes, device: str = "cpu") -> None:
        """Load it.

        Args:
            model: The file, or its content.
            device: As `choose_provider` takes it.

        Raises:
            CheckpointError: it is not an ONNX file, or this ONNX Runtime cannot run it.
            ConfigError: the device or ONNX Runtime is unavailable.
        """
        runtime = import_runtime()
        self.name = str(model) if isinstance(model, Path) else "the exported graph"
        """Name of the file in messages."""
        options = runtime.SessionOptions()
        # Errors raise; its other log lines are about optimization.
        options.log_severity_level = 4
        # By default it also binds threads to cores, which fails with messages in containers that have only some cores.
        options.intra_op_num_threads = num_cpus()
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
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise CheckpointError(
                f"{self.name} has {count_text(len(inputs), 'input')} and "
                f"{count_text(len(outputs), 'output')}, a part of an exported model has one "
                "of each; take a file that 'bvas weights export' wrote"
            )
        self._input = inputs[0].name
        self.input_shape: tuple[int | str | None, ...] = tuple(inputs[0].shape)
        """A dimension of variable length has a name, or None."""
        self.output_shape: tuple[int | str | None, ...] = tuple(outputs[0].shape)

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the output for an input.

        Raises:
            CheckpointError: ONNX Runtime cannot compute it, for example because memory runs out.
        """
        try:
            output: NDArray[np.float32] = self._session.run(None, {self._input: batch})[0]
        except _runtime_errors() as error:
            raise CheckpointError(
                f"ONNX Runtime failed in {self.name} on an input of {list(batch.shape)}: {first_line(error)}"
            ) from error
        return output


def import_runtime() -> Any:
    """Return the module `onnxruntime`.

    Raises:
        ConfigError: it is not installed; the message says how to.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(
            f"exported models run on ONNX Runtime ({error}); install it with: pip install onnxruntime"
        ) from error
    return onnxruntime


def _runtime_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of ONNX Runtime; they have no common base below Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    load = (state.InvalidGraph, state.InvalidProtobuf, state.NoSuchFile, state.NotImplemented)
    return (*load, state.Fail, state.InvalidArgument, state.RuntimeException, RuntimeError)
