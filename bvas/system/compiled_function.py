"""torch.compile for batches of one shape, with plain calls as the fallback."""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from bvas.system.compile_cache import keep_compiled
from bvas.system.log_lines import first_line

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# With CUDA graphs the first call compiles and the second records; later calls replay.
_CALLS_THAT_RECORD = 2


class CompiledCalls:
    """Runs functions compiled for batches of the steady shape, and plainly for all others.

    Compiling takes about a minute once and pays over thousands of batches. Where it fails (no compiler, an
    unsupported operation, too little memory to record CUDA graphs), a warning is logged, and all functions run
    plainly from then on. Results are the same but for rounding.
    """

    def __init__(self, is_on: bool, *, graphs: bool) -> None:
        """Compile nothing yet.

        Args:
            is_on: Compile at all.
            graphs: Record CUDA graphs too. A result then stays valid until the next call only.
        """
        self.is_on = is_on
        """Whether steady batches run compiled; false after a failure."""
        self._graphs = graphs
        self._compiled: dict[Callable[..., object], Callable[..., object]] = {}
        self._num_calls: dict[Callable[..., object], int] = {}
        """Successful calls of each compiled function."""

    def run(self, function: Callable[..., Result], *inputs: torch.Tensor, is_steady: bool) -> Result:
        """Return the function's result for a batch, compiled where the batch has the steady shape."""
        if not (self.is_on and is_steady):
            return function(*inputs)
        if function not in self._compiled:
            keep_compiled()
            mode = "reduce-overhead" if self._graphs else None
            self._compiled[function] = torch.compile(function, mode=mode, dynamic=False)
            self._num_calls[function] = 0
        if self._graphs:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        try:
            result: Result = self._compiled[function](*inputs)  # type: ignore[assignment]
        except RuntimeError as error:
            is_recording = self._graphs and self._num_calls[function] < _CALLS_THAT_RECORD
            if not is_recording and not is_of_compiling(error):
                raise
            self.stop(error)
        else:
            self._num_calls[function] += 1
            return result
        # Outside the except block, where the error no longer holds tensors: memory may be what ran out.
        return function(*inputs)

    def stop(self, error: RuntimeError) -> None:
        """Run everything plainly from now on, and log why."""
        logger.warning(
            "torch.compile failed, so the model runs uncompiled: slower, same results (%s)", first_line(error)
        )
        self.is_on = False
        self._compiled.clear()


def is_of_compiling(error: RuntimeError) -> bool:
    """Return whether the compiler raised an error, and not the computation."""
    # Imported here: it takes a second, which is of use on a GPU only.
    from torch._dynamo.exc import TorchDynamoException

    return isinstance(error, TorchDynamoException)
