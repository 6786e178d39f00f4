"""The two parts of a prepared model, each on an engine of its own.

A graph of a part is exported from the prepared model once, and kept in the cache folder by all that decides it. It has
a fixed batch: that takes a third of the time to export. PyTorch computes the partly filled batches of live sources.
"""

# Dimension letters in this file: M stacks, S channels of a stack, H W picture size.

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from typing import Literal

import torch
from torch import Tensor, nn

from bvas import __version__
from bvas.inference.prepared_model import PreparedModel
from bvas.system.cache_folder import read_cached, write_cached
from bvas.system.devices import EngineName
from bvas.system.onnx_graph import MOST_DEVIATION, graph_bytes
from bvas.system.openvino_session import graph_session

logger = logging.getLogger(__name__)

PartName = Literal["2D", "3D"]
PARTS: tuple[PartName, ...] = ("2D", "3D")


@dataclass(frozen=True, slots=True)
class ModelParts:
    """What computes a model: `encode` and `score` of `PreparedModel`."""

    encode: Callable[[Tensor], tuple[Tensor, ...]]
    score: Callable[..., Tensor]


def torch_parts(models: Sequence[PreparedModel]) -> list[ModelParts]:
    """Return both parts of each model on PyTorch."""
    return [ModelParts(model.encode, model.score) for model in models]


class ExportablePart:
    """A part of a prepared model that other engines can compute, for one batch of pictures of one size."""

    def __init__(self, model: PreparedModel, name: PartName, batch: int, size: tuple[int, int]) -> None:
        """Take a part; nothing is computed yet.

        Args:
            model: On the CPU, float32.
            name: The part.
            batch: Stacks that are encoded, and clips that are scored, at once; mirror images count.
            size: (H, W) of the pictures.
        """
        self.name = name
        self.run: nn.Module = _Encode(model) if name == "2D" else _Score(model)
        """PyTorch's computation, whose output is a tuple."""
        self.batch = batch
        self._model = model
        self._shape = (batch, model.stack_channels, *size)

    @torch.no_grad()
    def examples(self) -> tuple[Tensor, ...]:
        """Return inputs: a batch of random pictures, or what is kept of these."""
        stacks_MSHW = torch.rand(self._shape, generator=torch.Generator().manual_seed(0))
        if self.name == "2D":
            return (stacks_MSHW,)
        features = self._model.encode(stacks_MSHW)
        return tuple(torch.stack([one] * self._model.num_stacks, dim=1) for one in features)

    @cached_property
    def cache_name(self) -> str:
        """Name of its graph in the cache folder: a digest of weights, layers, shapes, and versions of what exports."""
        versions = [__version__, *package_versions("torch", "onnx", "onnxscript")]
        model = self._model
        facts = (self.name, self._shape, model.num_stacks, model.power, versions, model)
        digest = hashlib.sha256(str(facts).encode())
        for name, tensor in model.state_dict().items():
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        return f"graphs/{digest.hexdigest()[:32]}"

    @property
    def has_graph(self) -> bool:
        """Whether its graph lies in the cache folder."""
        return read_cached(self.cache_name) is not None

    @property
    def graph(self) -> bytes:
        """Its graph, as the content of an ONNX file; read from the cache folder, or exported.

        Raises:
            ConfigError: a package is missing, or PyTorch cannot export it.
        """
        kept = read_cached(self.cache_name)
        return write_cached(self.cache_name, self._export()) if kept is None else kept

    @torch.no_grad()
    def _export(self) -> bytes:
        logger.info("the %s part is exported for other engines, once", self.name)
        examples = self.examples()
        inputs = [f"input_{number}" for number in range(len(examples))]
        outputs = [f"output_{number}" for number in range(len(self.run(*examples)))]
        return graph_bytes(self.run, examples, inputs, outputs, {}, any_batch=False)

    def on(self, engine: EngineName) -> Callable[..., tuple[Tensor, ...]]:
        """Return the part on an engine.

        Raises:
            ConfigError: the engine is not installed, or the part cannot be exported.
            CheckpointError: the engine cannot load the graph.
        """
        if engine == "torch":
            return self.run
        return CheckedGraph(self, engine)


class CheckedGraph:
    """A part on another engine, with as many threads as PyTorch has, which follow the cores that are free.

    PyTorch computes the first batch too, and all others where that differs.
    """

    def __init__(self, part: ExportablePart, engine: EngineName) -> None:
        """Load the graph; errors are those of `ExportablePart.on`."""
        self._name = part.name
        self._in_torch = part.run
        self._batch = part.batch
        self._engine = engine
        self._graph = part.graph
        self._open()
        self._is_checked = False
        self.is_refused = False
        """Whether the first batch differed from PyTorch's."""

    def _open(self) -> None:
        self._num_threads = torch.get_num_threads()
        self._session = graph_session(self._graph, self._engine, num_threads=self._num_threads)

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs."""
        is_fitting = len(inputs[0]) == self._batch and not self.is_refused
        if is_fitting and self._is_checked:
            return self._computed(inputs)
        expected: tuple[Tensor, ...] = self._in_torch(*inputs)
        if is_fitting:
            self._check(self._computed(inputs), expected)
        return expected

    def _computed(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        if torch.get_num_threads() != self._num_threads:
            self._open()
        arrays = {
            value.name: tensor.contiguous().numpy()
            for value, tensor in zip(self._session.inputs, inputs, strict=True)
        }
        return tuple(torch.from_numpy(array) for array in self._session.run(arrays).values())

    def _check(self, found: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
        difference = max(_difference(*pair) for pair in zip(found, expected, strict=True))
        self._is_checked = True
        # Negated, since comparisons with NaN are false.
        self.is_refused = not difference <= MOST_DEVIATION
        if self.is_refused:
            logger.warning(
                "%s differs by %.1e of the largest value in the %s part, more than %g; PyTorch computes it",
                *(self._engine, difference, self._name, MOST_DEVIATION),
            )


def _difference(found: Tensor, expected: Tensor) -> float:
    """Return the largest difference of two tensors, as a share of the largest value expected."""
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-12))


def parts_on(parts: Mapping[PartName, ExportablePart], engines: Mapping[PartName, EngineName]) -> ModelParts:
    """Return the parts of a model on the engines that are named; errors are those of `ExportablePart.on`."""
    encode, score = (parts[name].on(engines[name]) for name in PARTS)
    return ModelParts(encode, lambda *features: score(*features)[0])


class _Encode(nn.Module):
    """The 2D part: one input, the features that are kept of a stack."""

    def __init__(self, model: PreparedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, stacks_MSHW: Tensor) -> tuple[Tensor, ...]:
        """Return what is kept of stacks."""
        return self.model.encode(stacks_MSHW)


class _Score(nn.Module):
    """The 3D part: what is kept of the stacks of clips, one output."""

    def __init__(self, model: PreparedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor, expanded: Tensor | None = None) -> tuple[Tensor, ...]:
        """Return logits."""
        return (self.model.score(features, expanded),)


def package_versions(*packages: str) -> list[str]:
    """Return the versions of those packages that are installed."""
    return [version(package) for package in packages if find_spec(package)]
