"""Scratch folder of a process: removed at its end, and after a kill by the next process that needs one."""

import os
import shutil
import socket
import tempfile
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from bvas.errors import BusyError, DataError
from bvas.system.file_names import output_stem
from bvas.system.locks import locked

# Folders of other users cannot be removed. Locks may not reach those of other machines.
_PREFIX = f"bvas-scratch-{getattr(os, 'getuid', lambda: 0)()}-{output_stem(socket.gethostname())}-"


class Scratch:
    """Folder of this process for files that are fetched, used and removed. Nothing is made before it is needed.

    Args:
        root: Where the folder is made; None: in the system's folder for temporary files.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = Path(tempfile.gettempdir()) if root is None else root
        self._is_closed = False
        self._stack = ExitStack()
        self._guard = threading.Lock()
        self._folder: Path | None = None
        self._num_made = 0

    def new_folder(self) -> Path:
        """Return a new folder for one file.

        Raises:
            DataError: it cannot be made.
        """
        with self._guard:
            self.check_open()
            try:
                self._folder = self._folder or self._locked_folder()
                self._num_made += 1
                folder = self._folder / str(self._num_made)
                folder.mkdir()
            except OSError as error:
                raise DataError(
                    f"cannot write to {self.root}: {error.strerror or error}; choose another --scratch"
                ) from None  # a full scratch ends no other match
        return folder

    def check_open(self) -> None:
        """Raise once the run has ended, for fetches in the background.

        Raises:
            DataError: it is closed.
        """
        if self._is_closed:
            raise DataError(f"scratch in {self.root} is closed: the run that used it has ended")

    def _locked_folder(self) -> Path:
        self.root.mkdir(parents=True, exist_ok=True)
        for old in self.root.glob(f"{_PREFIX}*"):
            # The lock of a process that lives keeps its folder.
            with suppress(DataError), locked(old):
                shutil.rmtree(old, ignore_errors=True)
        while True:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self.root))
            # Another process may have taken it for that of a dead one before it was locked.
            with suppress(BusyError):
                self._stack.enter_context(locked(folder))
                return folder

    def close(self) -> None:
        """Remove the folder."""
        with self._guard:
            self._is_closed = True
            self._stack.close()
            if self._folder is not None:
                # Windows keeps files that are open, such as the lock.
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
