"""Starting worker processes that re-run no script, and that Ctrl-C does not reach."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from types import ModuleType

_STARTING = threading.Lock()


def start_quietly(process: BaseProcess) -> None:
    """Start a process of the spawn context.

    `multiprocessing` imports the program's main module in each child, in case the child's work is defined
    there. Ours is not, and the import would cost each worker what the program imports (torch: 1.5 s,
    600 MB), and would run a script that has no `if __name__ == "__main__"`: it is hidden meanwhile.
    Ctrl-C is held back while the child starts, and stays held back in it: the parent ends it.
    """
    with _hidden_main(), interrupts_held():
        process.start()


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back until the block ends; does nothing where the system cannot (Windows)."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _hidden_main() -> Iterator[None]:
    with _STARTING:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
