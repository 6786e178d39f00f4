"""Tags of a file beside its frames: start timecode, start of its clock, declared length."""

from dataclasses import dataclass
from pathlib import Path

from bvas.errors import DecodeError
from bvas.video.container.open_container import open_container

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class FileTags:
    """Tags in the head of a file."""

    timecode: str | None
    """Of the first frame, `hh:mm:ss:ff` or `hh:mm:ss;ff`, as cameras write it; None without one."""
    clock_start_seconds: float
    """Time of the first sound or picture on the container's clock; players call it zero."""


def read_tags(path: Path) -> FileTags:
    """Return the tags of a video file.

    Raises:
        DecodeError: it is not a video.
    """
    if path.is_dir():
        return FileTags(timecode=None, clock_start_seconds=0.0)
    container, stream = open_container(path)
    with container:
        places = [stream.metadata, *(data.metadata for data in container.streams.data), container.metadata]
        found = (
            text for place in places for name, text in place.items() if name.lower() == "timecode" and text
        )
        start = (container.start_time or 0) / _MICROSECONDS
        return FileTags(timecode=next(found, None), clock_start_seconds=start)


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
