"""Finding the frames of the next video while the model works on this one."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from bvas.errors import DecodeError
from bvas.system.cache_folder import cache_folder
from bvas.video.index.video_index import build_index


class IndexedMeanwhile:
    """A video whose index a thread leaves in the cache while the block goes on; a block that ends well waits for it."""

    def __init__(self, path: Path | None) -> None:
        """Begin, where there is such a file and a cache."""
        self._path = path
        self._thread: threading.Thread | None = None
        if path is not None and path.is_file() and cache_folder() is not None:
            # A daemon: Ctrl-C does not wait until a long file is read through.
            self._thread = threading.Thread(target=self._index, args=(path,), name="bvas-index", daemon=True)
            self._thread.start()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait, as whoever opens the video next would do the same work."""
        if self._thread is not None and error is None:
            self._thread.join()

    @staticmethod
    def _index(path: Path) -> None:
        try:
            build_index(path)
        except (DecodeError, OSError):
            # Said when it is its turn.
            return
