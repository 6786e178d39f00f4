"""Progress of a long task, as everything that takes long reports it."""

from typing import Protocol


class Progress(Protocol):
    """Receives how far a task is: a progress bar, a log line, a pipe to another process."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Take the number of units done, their total as far as it is known, and a short remark."""
        ...
