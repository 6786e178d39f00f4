"""Calls in background threads that the end of the program does not wait for."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def in_background(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Begin a call in a daemon thread; the future returns what it returns, and raises what it raises."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call(*args, **kwargs))
        # Every error is raised where the result is asked for.
        except BaseException as error:  # noqa: BLE001
            future.set_exception(error)

    threading.Thread(target=run, name=f"bvas-{call.__name__}", daemon=True).start()
    return future
