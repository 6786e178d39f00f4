"""Choice of the engine that computes each part of the models, on a CPU by a measurement.

A measurement runs a part of the first model on each engine in turn, and takes the least time of several runs. It is
kept in the cache folder by model, batch, machine, threads and versions. Where PyTorch would be done with the video
before exports and a measurement pay, it computes, and nothing is measured.
"""

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import torch

from bvas.errors import CheckpointError, ConfigError
from bvas.inference.model_parts import (
    PARTS,
    ExportablePart,
    ModelParts,
    PartName,
    package_versions,
    parts_on,
    torch_parts,
)
from bvas.inference.prepared_model import PreparedModel
from bvas.system.cache_folder import read_cached, write_cached
from bvas.system.cpu_cores import CoreWatch, cpu_name
from bvas.system.devices import EngineName
from bvas.system.onnx_session import import_runtime
from bvas.system.openvino_session import import_openvino

logger = logging.getLogger(__name__)

_OTHERS: tuple[EngineName, ...] = ("onnxruntime", "openvino")
_EXPORT_SECONDS: Mapping[PartName, float] = {"2D": 6.0, "3D": 3.0}
"""What the export of a graph takes on a slow core."""
_ASSUMED_SAVING = 0.1
"""Share of PyTorch's time that another engine is assumed to save before it is measured."""
_FEWEST_BATCHES = 50
"""Below, a measurement would take a good part of the time of the video."""
_MEASURED_SECONDS = 1.0
_LEAST_ROUNDS = 2
_LEAST_SAVING = 0.03
"""Share of PyTorch's time; less is within the spread of a measurement."""

Times = Mapping[EngineName, float]
"""Seconds of a part of one model, for one batch, by engine."""
_TORCH_ALONE: Times = {"torch": 1.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedWork:
    """Work that lies before the models."""

    size: tuple[int, int]
    """(H, W) of the pictures."""
    batch: int
    """Stacks that are encoded, and clips that are scored, at once; mirror images count."""
    num_batches: float
    """Batches of the videos to come; 0: unknown."""


def check_engine(engine: EngineName, device: torch.device, dtype: torch.dtype) -> None:
    """Refuse an engine that cannot compute here.

    Raises:
        ConfigError: it is not installed, or it computes on the CPU and in float32 only.
    """
    if engine in ("auto", "torch"):
        return
    if device.type != "cpu":
        raise ConfigError(
            f"engine {engine} computes on the CPU, not on {device}; take --engine torch, or --device cpu"
        )
    if dtype != torch.float32:
        name = str(dtype).removeprefix("torch.")
        raise ConfigError(
            f"engine {engine} computes in float32, not in {name}; take --engine torch, or --precision float32"
        )
    {"onnxruntime": import_runtime, "openvino": import_openvino}[engine]()


@torch.no_grad()
def on_engine(models: Sequence[PreparedModel], *, engine: EngineName, work: ExpectedWork) -> list[ModelParts]:
    """Return the parts of models on an engine; `auto` chooses one for each part.

    Raises:
        ConfigError: the engine is not installed, or the models cannot be exported.
        CheckpointError: the engine cannot load a graph.
    """
    if engine == "torch":
        return torch_parts(models)
    parts = [{name: ExportablePart(model, name, work.batch, work.size) for name in PARTS} for model in models]
    engines: dict[PartName, EngineName] = dict.fromkeys(PARTS, engine)
    if engine == "auto":
        with CoreWatch():
            times = {name: _times([own[name] for own in parts], work) for name in PARTS}
        engines = {name: _best(times[name]) for name in PARTS}
        if any(len(of_part) > 1 for of_part in times.values()):
            logger.info("engine: %s", ", ".join(_text(name, engines[name], times[name]) for name in PARTS))
    if set(engines.values()) == {"torch"}:
        return torch_parts(models)
    # Sessions have the threads that the first rows will have.
    with CoreWatch():
        return [parts_on(own, engines) for own in parts]


def _times(parts: Sequence[ExportablePart], work: ExpectedWork) -> Times:
    """Return the times of a part of all models; of PyTorch alone where others do not pay within the work."""
    installed = [engine for engine in _OTHERS if find_spec(engine)]
    name = _cache_name(parts[0], installed)
    kept = read_cached(name)
    if kept is None:
        if not installed or work.num_batches < _FEWEST_BATCHES or not _may_pay(parts, work, len(installed)):
            return _TORCH_ALONE
        kept = write_cached(name, json.dumps(_measured(parts[0], installed)).encode())
    times: Times = json.loads(kept)
    saved = (times["torch"] - times[_best(times)]) * len(parts) * work.num_batches
    return times if saved >= _export_seconds(parts) or _best(times) == "torch" else _TORCH_ALONE


def _may_pay(parts: Sequence[ExportablePart], work: ExpectedWork, num_engines: int) -> bool:
    """Return whether other engines may save more than their graphs and a measurement take."""
    examples = parts[0].examples()
    seconds = least_seconds({"torch": lambda: parts[0].run(*examples)}, 0.0)["torch"]
    saved = _ASSUMED_SAVING * seconds * len(parts) * work.num_batches
    cost = _export_seconds(parts) + (1 + num_engines) * (1 + _LEAST_ROUNDS) * seconds
    logger.debug("%s part: other engines may save %.1f s, and cost %.1f s first", parts[0].name, saved, cost)
    return saved > cost


def _export_seconds(parts: Sequence[ExportablePart]) -> float:
    """Return the time that the exports take that are missing."""
    return sum(0.0 if part.has_graph else _EXPORT_SECONDS[part.name] for part in parts)


def _measured(part: ExportablePart, installed: Sequence[EngineName]) -> Times:
    """Return the times of a part on PyTorch and on the engines that compute the same."""
    examples = part.examples()
    runs: dict[EngineName, Callable[[], object]] = {}
    for engine in ("torch", *installed):
        try:
            run = part.on(engine)
        except (ConfigError, CheckpointError) as error:
            logger.info("engine: %s does not compute the %s part: %s", engine, part.name, error)
            continue
        # It is compared with PyTorch, and warmed up.
        run(*examples)
        if not getattr(run, "is_refused", False):
            runs[engine] = partial(run, *examples)
    return least_seconds(runs, _MEASURED_SECONDS)


def least_seconds(runs: Mapping[EngineName, Callable[[], object]], seconds: float) -> dict[EngineName, float]:
    """Return the least time that each run takes, of interleaved rounds.

    Args:
        runs: What runs, by engine.
        seconds: Time for all rounds; two are made in any case.
    """
    least = dict.fromkeys(runs, math.inf)
    begin, num_rounds = time.perf_counter(), 0
    while num_rounds < _LEAST_ROUNDS or time.perf_counter() - begin < seconds:
        for engine, run in runs.items():
            start = time.perf_counter()
            run()
            least[engine] = min(time.perf_counter() - start, least[engine])
        num_rounds += 1
    return least


def _best(times: Times) -> EngineName:
    fastest = min(times, key=lambda engine: times[engine])
    return fastest if times[fastest] < (1 - _LEAST_SAVING) * times["torch"] else "torch"


def _text(name: PartName, engine: EngineName, times: Times) -> str:
    share = "" if engine == "torch" else f" ({times[engine] / times['torch']:.2f} of torch)"
    return f"{name} {engine}{share}"


def _cache_name(part: ExportablePart, installed: Sequence[EngineName]) -> str:
    """Return the name of a measurement in the cache folder."""
    facts = [part.cache_name, cpu_name(), torch.get_num_threads(), installed, package_versions(*installed)]
    return f"engines/{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]}.json"
