"""Networks as ONNX graphs, by PyTorch's exporter.

`torch.onnx.export` is used in its form over `torch.export`; the TorchScript form is deprecated.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bvas import __version__
from bvas.errors import ConfigError
from bvas.system.extras import INSTALL_TRAIN
from bvas.system.onnx_session import import_runtime
from bvas.system.quiet_logging import quieted

OPSET = 18
"""Version of the ONNX operators; ONNX Runtime supports it from 1.14 on."""
MOST_DEVIATION = 1e-4
"""Largest accepted difference from PyTorch: of scores, and of features as a share of the largest of them."""


def import_exporter() -> Any:
    """Return the module `onnx`, if all packages of an export are installed.

    Raises:
        ConfigError: a package is missing; the message says how to install it.
    """
    import_runtime()
    try:
        import onnx
        import onnxscript  # noqa: F401 - torch.onnx.export asks for it
    except ImportError as error:
        raise ConfigError(
            f"an export to ONNX needs packages that are not installed ({error}); install them with: {INSTALL_TRAIN}"
        ) from error
    return onnx


def graph_bytes(
    module: nn.Module,
    examples: tuple[Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    metadata: Mapping[str, str],
    *,
    any_batch: bool = True,
) -> bytes:
    """Return the content of the file of a graph.

    Args:
        module: In evaluation mode, on the CPU.
        examples: Inputs, one batch. Dimensions behind the first are fixed.
        inputs: Their names.
        outputs: Names of the outputs.
        metadata: Settings that the file holds.
        any_batch: The batch may have any size; that of the examples is two, as torch.export specializes one of 1.
            An export with a fixed batch takes a third of the time.

    Raises:
        ConfigError: a package is missing, or PyTorch cannot export it.
    """
    import_exporter()
    # One dimension: the inputs of a graph come in one batch.
    dimensions = {0: torch.export.Dim(f"num_{inputs[0]}")} if any_batch else {}
    return without_traces(_graph(module, examples, inputs, outputs, dimensions), metadata)


def without_traces(graph: Any, metadata: Mapping[str, str]) -> bytes:
    """Return the content of the file of a graph, without annotations that name folders of this machine.

    Args:
        graph: The ModelProto; it is changed.
        metadata: Settings that the file holds.
    """
    del graph.metadata_props[:]
    inner = graph.graph
    del inner.metadata_props[:]
    for noted in (*inner.node, *inner.input, *inner.output, *inner.value_info, *inner.initializer):
        noted.doc_string = ""
        del noted.metadata_props[:]
    assert not graph.functions
    graph.producer_name, graph.producer_version = "bvas", __version__
    import_exporter().helper.set_model_props(graph, dict(metadata))
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def _graph(
    module: nn.Module,
    examples: tuple[Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    dimensions: Mapping[int, Any],
) -> Any:
    try:
        with quieted("torch.onnx", "torch.export", "onnxscript", "onnx_ir"):
            program = torch.onnx.export(
                module,
                examples,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=tuple(dict(dimensions) for _ in examples),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().partition("\n")[0]
        raise ConfigError(
            f"PyTorch {torch.__version__} cannot export this model to ONNX: {reason}; another version of torch or "
            "onnxscript may, or train with another encoder"
        ) from error
    assert program is not None
    return program.model_proto
