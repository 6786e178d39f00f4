"""Names of the files of clips and of numbered pictures: sorted like their content, and safe on all systems."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from bvas.cutting.cut_list import VideoCut
from bvas.errors import ConfigError

_UNSAFE = re.compile(r"[^\w+-]+")
_MOST_LABEL_BYTES = 80


def clip_names(cuts: Sequence[VideoCut]) -> list[str]:
    """Return a name for each cut: its number, its labels, and its time in the video.

    >>> clip_names(cuts)  # doctest: +SKIP
    ['001_GOAL_16m23s.mp4', '002_CORNER_20m05s.mp4']
    """
    digits = max(3, len(str(len(cuts))))
    names = []
    for number, cut in enumerate(cuts, 1):
        label = _UNSAFE.sub("_", "+".join(cut.labels)).strip("_")
        label = label.encode()[:_MOST_LABEL_BYTES].decode(errors="ignore")
        seconds = int(cut.moment_seconds + 1e-6)
        time = f"{seconds // 60}m{seconds % 60:02d}s"
        names.append("_".join(part for part in (f"{number:0{digits}d}", label, time) if part) + ".mp4")
    return names


def picture_name(frame: int, num_frames: int, suffix: str) -> str:
    """Return the name of the picture of a frame: its number in the video, with as many digits as the last one has."""
    return f"{frame:0{len(str(num_frames - 1))}d}{suffix}"


def check_free(targets: Iterable[Path], sources: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse targets that are sources or folders, or exist already without `overwrite`.

    Raises:
        ConfigError: names the first, and how many there are.
    """
    taken = [target for target in targets if target.exists()]
    for target in taken:
        if any(target.samefile(source) for source in sources if source.exists()):
            raise ConfigError(f"{target} is what is read; choose another place for the result")
        if target.is_dir():
            raise ConfigError(f"{target} is a folder; choose another name for the result")
    if taken and not overwrite:
        more = f" and {len(taken) - 1} more are" if len(taken) > 1 else " is"
        raise ConfigError(
            f"{taken[0]}{more} there already; --overwrite replaces what is there, or choose another place"
        )
