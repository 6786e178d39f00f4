"""Boxes that a person drew around players: `rois.json` of the page, and `--roi`.

    {"format": "bvas-rois-1", "video": "game.mp4",
     "rois": [{"name": "Ann", "seconds": 2.4, "frame": 60, "box": [310, 120, 64, 150]}]}

A box is left edge, upper edge, width and height, in pixels of the upright picture. `seconds` is the time of its frame,
from the first shown frame; `frame` is the same in words for people and is not read.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from bvas.data.json_object import Count, Items, Moment, Name, Place, Rule, read_json_file
from bvas.data.raw_annotations import Fault
from bvas.errors import ConfigError, DataError
from bvas.system.file_names import shown_name
from bvas.values.plural import count_text

FORMAT = "bvas-rois-1"
BOX_RULE = "left edge, upper edge, width and height in pixels, finite, width and height above 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Roi:
    """A drawn box."""

    box: tuple[float, float, float, float]
    """Left edge, upper edge, width, height, in pixels of the upright picture."""
    seconds: float = 0.0
    """Time of the frame that it was drawn in, from the first shown frame."""
    name: str = ""
    """Name of the player; empty for none."""

    def __post_init__(self) -> None:
        if not is_box(self.box):
            raise ConfigError(f"a box is {BOX_RULE}, got {self.box}")


def is_box(values: Any) -> bool:
    """Return whether these are four numbers of a box."""
    if not isinstance(values, list | tuple) or len(values) != 4:
        return False
    if not all(type(value) in (int, float) and math.isfinite(value) for value in values):
        return False
    return bool(values[2] > 0 and values[3] > 0)


def read_line(value: Any, _: Any) -> str:
    """Return a text of one line, which may be empty; for `Rule`.

    Raises:
        ValueError: it is another value.
    """
    if isinstance(value, str) and len(value.splitlines()) <= 1:
        return value.strip()
    raise ValueError


def _box(value: Any, _: Any) -> tuple[float, ...]:
    if is_box(value):
        return tuple(float(side) for side in value)
    raise ValueError


Line = Annotated[str, Rule("a text of one line", read_line)]
_Box = Annotated[tuple[float, float, float, float], Rule(BOX_RULE, _box)]


@dataclass(frozen=True, slots=True)
class _File:
    format: Name = ""
    video: Line = ""
    rois: Items = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    box: _Box = (0.0, 0.0, 1.0, 1.0)
    seconds: Moment = 0.0
    frame: Count = 0
    name: Line = ""


def read_rois(path: Path, video: Path | None = None) -> list[Roi]:
    """Return the boxes of `rois.json`, in order of the file.

    Args:
        path: The file.
        video: The video that they must be of, where the file names one; None: any.

    Raises:
        DataError: the file is missing or malformed, holds no box, or is of another video.
    """
    faults: list[Fault] = []
    value = read_json_file(path, faults)
    raise_first(faults)
    file = Place(path, "", faults).read(value, _File, needs=("format", "rois"))
    raise_first(faults)
    assert file is not None
    if file.format != FORMAT:
        raise DataError(f"{path} has the format {file.format!r}, not {FORMAT!r}; save it from the page again")
    if video is not None and file.video and file.video != shown_name(video.name):
        raise DataError(
            f"{path} is of {file.video}, not of {shown_name(video.name)}; give the boxes of this video, or remove "
            "'video' from the file"
        )
    if not file.rois:
        raise DataError(f"{path} holds no box; draw one on the page and save it again")
    found = []
    for number, value in enumerate(file.rois, start=1):
        entry = Place(path, f"box {number}", faults).read(value, _Entry, needs=("box", "seconds"), whole=True)
        if entry is not None:
            found.append(Roi(box=entry.box, seconds=entry.seconds, name=entry.name))
    raise_first(faults)
    return found


def raise_first(faults: list[Fault]) -> None:
    """Raise if there is a fault.

    Raises:
        DataError: with the first one, and the number of the others.
    """
    if faults:
        more = f" ({count_text(len(faults) - 1, 'more fault')})" if len(faults) > 1 else ""
        raise DataError(f"{faults[0]}{more}")
