"""Reading ends of pipes, opened and waited for without blocking."""

import os
import select

STANDARD_INPUT = 0


def open_pipe(path: str | None) -> int:
    """Return a file descriptor of a named pipe, at once whether or not it has a writer; or of standard input.

    Args:
        path: The pipe; None for a copy of standard input, which can be closed.

    Raises:
        OSError: it cannot be opened.
    """
    if path is None:
        return os.dup(STANDARD_INPUT)
    # Windows has neither the flag nor pipes that lie in folders.
    return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))


def wait_readable(descriptor: int, seconds: float) -> bool:
    """Wait until a pipe has something to read, or has ended; return False where neither happened in time.

    Where the system cannot wait for pipes (Windows), True is returned at once: the read then blocks.
    """
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
