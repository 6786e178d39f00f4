"""Who may use a reader: the process that made it, until it is closed there."""

import os
from typing import NoReturn


class Ownership:
    """The process of one reader, and whether it is still open.

    Args:
        name: What is read, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._pid = os.getpid()
        self._closed = False

    @property
    def is_here(self) -> bool:
        """This is the process that made the reader: a forked copy has nothing of its own to close."""
        return os.getpid() == self._pid

    def check(self) -> None:
        """Refuse use in another process or after `close`.

        Raises:
            RuntimeError: names the reader and the remedy.
        """
        if not self.is_here:
            raise RuntimeError(
                f"the reader of {self._name} was made in process {self._pid} and is used in "
                f"{os.getpid()}; call open_video in the process that reads"
            )
        if self._closed:
            raise RuntimeError(f"the reader of {self._name} is closed; call open_video again")

    def close(self) -> None:
        """Refuse any use from here on."""
        self._closed = True

    def refuse_pickling(self) -> NoReturn:
        """Refuse to be sent to another process, or copied.

        Raises:
            TypeError: names the reader and the remedy.
        """
        raise TypeError(
            f"the reader of {self._name} cannot be pickled or copied; "
            "send the path, and call open_video in the process that reads"
        )
