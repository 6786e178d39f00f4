"""How long a video says it is: read from its head, without an index."""

from pathlib import Path

from bvas.errors import DecodeError
from bvas.video.container.open_container import open_container

_MICROSECONDS = 1_000_000


def declared_seconds(path: Path) -> float | None:
    """Return the length that a file declares; None where it declares none or cannot be opened.

    Good to a second or so: sound may end later than the picture. `VideoIndex.duration_seconds` is exact.
    """
    try:
        container, _ = open_container(path)
    except DecodeError:
        return None
    with container:
        return None if container.duration is None else container.duration / _MICROSECONDS
