"""Cuts of one or several videos: frames with their labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bvas.errors import ConfigError
from bvas.video.encode.stretches import SourceVideo


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VideoCut:
    """Frames in a row, for what happens in them."""

    part: int
    """Number of the video among those given, from 0."""
    source: SourceVideo
    frames: range
    moment_seconds: float
    """Time in the video that names the cut: of its first spot, or its begin."""
    labels: tuple[str, ...] = ()
    """Each once, in order of time; empty where none is known."""


def joined_cuts(cuts: Iterable[VideoCut], *, keep_overlaps: bool = False) -> list[VideoCut]:
    """Return cuts in order of time over all videos; those that overlap or touch become one unless they are kept."""
    joined: list[VideoCut] = []
    for cut in sorted(cuts, key=lambda one: (one.part, one.frames.start, one.frames.stop)):
        before = joined[-1] if joined else None
        if (
            keep_overlaps
            or before is None
            or before.part != cut.part
            or cut.frames.start > before.frames.stop
        ):
            joined.append(cut)
            continue
        joined[-1] = replace(
            before,
            frames=range(before.frames.start, max(before.frames.stop, cut.frames.stop)),
            labels=tuple(dict.fromkeys([*before.labels, *cut.labels])),
        )
    return joined


def check_labels(wanted: Sequence[str], there: Iterable[str], what: str) -> None:
    """Refuse a label that does not occur.

    Raises:
        ConfigError: names it, and those that do.
    """
    known = sorted(set(there))
    for label in wanted:
        if label not in known:
            raise ConfigError(
                f"no {what} has the label {label!r}; there are {', '.join(known) or 'no labels'}"
            )
