"""Start of worker processes: without the main script, without Ctrl-C, ended with their parent."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

_STARTING = threading.Lock()
_PR_SET_PDEATHSIG = 1


def start_child(
    target: Callable[..., None], *arguments: Any, name: str | None = None, daemon: bool
) -> tuple[SpawnProcess, Connection]:
    """Start a process of the spawn context, and return it with the parent's end of a pipe to it.

    Args:
        target: A function of a module; it gets the child's end of the pipe and the arguments.
        arguments: They must pickle.
        name: Of the process.
        daemon: Whether it may have no children of its own.

    `multiprocessing` imports the program's main module in each child, in case the child's function is defined
    there. Ours never is. The import would take time and memory (torch: 1.5 s, 600 MB), and would run a script
    without `if __name__ == "__main__"` again. So the main module is hidden meanwhile.
    Ctrl-C is blocked while the child starts, and stays blocked in it: the parent ends it.
    """
    context = get_context("spawn")
    pipe, other = context.Pipe()
    process = context.Process(target=target, args=(other, *arguments), name=name, daemon=daemon)
    try:
        with _hidden_main(), interrupts_held():
            process.start()
    except BaseException:
        pipe.close()
        raise
    finally:
        # Only the child holds the other end now: its death is an end of file here.
        other.close()
    return process, pipe


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back until the block ends; on Windows, which cannot, do nothing."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Starting a process starts the tracker where it does not run yet, which unblocks Ctrl-C: the first child would
    # receive it.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent() -> None:
    """Make this process, started by `start_child`, end at once when its parent ends, also after a kill.

    On Linux the kernel ends it, even while it is stopped or decodes. It also does so when the thread that started
    it ends. Elsewhere a thread watches the parent.
    """
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) == 0:
        parent = parent_process()
        if parent is not None and not parent.is_alive():
            os._exit(1)
        return
    threading.Thread(target=_leave_after_parent, name="bvas-parent", daemon=True).start()


def _leave_after_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _hidden_main() -> Iterator[None]:
    """Hide the origin of the main module. The module itself stays: other threads may be pickling its classes."""
    with _STARTING:
        main = sys.modules["__main__"]
        kept: dict[str, object] = {
            name: vars(main)[name] for name in ("__spec__", "__file__") if name in vars(main)
        }
        for name in kept:
            setattr(main, name, None)
        try:
            yield
        finally:
            vars(main).update(kept)
