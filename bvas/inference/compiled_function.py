"""Compiled forms of a function, for the batch shape that comes again and again."""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from bvas.inference.compile_cache import keep_compiled

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# The first compiles, the second records the CUDA graph; later ones replay it.
_CALLS_THAT_PREPARE = 2


class Steady:
    """Runs functions as they are, and compiled with CUDA graphs where a batch has the steady state's size.

    Compiling takes about a minute once and pays on the thousands of batches of a match. Where it is not
    possible (no compiler, an operation that it does not know, too little memory), the function runs as it is, and the
    log says so.
    """

    def __init__(self, is_on: bool) -> None:
        self._is_on = is_on
        self._compiled: dict[Callable[..., object], Callable[..., object]] = {}
        self._num_calls: dict[Callable[..., object], int] = {}
        """Of each compiled function, those that went well."""

    def run(self, function: Callable[..., Result], *inputs: torch.Tensor, is_steady: bool) -> Result:
        """Return what the function makes of the inputs; the next run may overwrite it."""
        if not (self._is_on and is_steady):
            return function(*inputs)
        if function not in self._compiled:
            keep_compiled()
            self._compiled[function] = torch.compile(function, mode="reduce-overhead", dynamic=False)
            self._num_calls[function] = 0
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        try:
            result: Result = self._compiled[function](*inputs)  # type: ignore[assignment]
        except RuntimeError as error:
            if self._num_calls[function] >= _CALLS_THAT_PREPARE and not _is_of_compiling(error):
                raise
            logger.warning("prediction goes on uncompiled: %s", str(error).strip().partition("\n")[0])
        else:
            self._num_calls[function] += 1
            return result
        # Behind the block, where the error holds no tensors any more: memory may be what ran out.
        self._is_on = False
        self._compiled.clear()
        return function(*inputs)


def _is_of_compiling(error: RuntimeError) -> bool:
    from torch._dynamo.exc import TorchDynamoException

    return isinstance(error, TorchDynamoException)
