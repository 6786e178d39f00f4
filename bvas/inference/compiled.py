"""Compiled forms of a function, for the batch shape that comes again and again."""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class Steady:
    """Runs functions as they are, and compiled with CUDA graphs where a batch has the steady state's size.

    Compiling takes about a minute once and pays on the thousands of batches of a match. Where it is not
    possible (no compiler, an operation that it does not know), the function runs as it is, and the log says so.
    """

    def __init__(self, is_on: bool) -> None:
        self._is_on = is_on
        self._compiled: dict[Callable[..., object], Callable[..., object]] = {}

    def run(self, function: Callable[..., Result], *inputs: torch.Tensor, is_steady: bool) -> Result:
        """Return what the function makes of the inputs; the next run may overwrite it."""
        if not (self._is_on and is_steady):
            return function(*inputs)
        if function not in self._compiled:
            self._compiled[function] = torch.compile(function, mode="reduce-overhead", dynamic=False)
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        try:
            return self._compiled[function](*inputs)  # type: ignore[return-value]
        except _compile_errors() as error:
            logger.warning("prediction goes on uncompiled: %s", str(error).strip().partition("\n")[0])
            self._is_on = False
            return function(*inputs)


def _compile_errors() -> tuple[type[Exception], ...]:
    from torch._dynamo.exc import TorchDynamoException

    return (TorchDynamoException,)
