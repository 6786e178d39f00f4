"""Matches of annotation programs that hold ranges of frames alone."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bvas.data.importing.draft import MatchDraft
from bvas.data.json_object import Place, short_text
from bvas.data.raw_annotations import RawAnnotation


def range_of(
    first: object, last: object, number: int, part: int, label: str, place: Place
) -> RawAnnotation | None:
    """Return the annotation of the frames `first` to `last`, which count from 1, both inclusive; None with a fault."""
    if type(first) is int and type(last) is int and 1 <= first <= last:
        # Here frames count from 0, and the end is the first frame behind the range.
        return RawAnnotation(number, part, label, frame=first - 1, end_frame=last)
    frames = f"{short_text(first)} to {short_text(last)}"
    place.fault(
        f"holds frames {frames}; they are whole numbers, the first at least 1, the last not before it"
    )
    return None


def with_moments(matches: Sequence[MatchDraft]) -> tuple[MatchDraft, ...]:
    """Return matches in which the ranges of a label are moments, if none in any match is longer than a frame."""

    def is_long(item: RawAnnotation) -> bool:
        assert item.frame is not None
        assert item.end_frame is not None
        return item.end_frame - item.frame > 1

    items = [item for match in matches for item in match.annotations or ()]
    of_ranges = {item.label for item in items if is_long(item)}
    return tuple(
        replace(
            match,
            annotations=None
            if match.annotations is None
            else [
                item if item.label in of_ranges else replace(item, end_frame=None)
                for item in match.annotations
            ],
        )
        for match in matches
    )


def add_video(
    matches: dict[str, MatchDraft], match: str | None, video: Path, place: Place
) -> tuple[MatchDraft, int] | None:
    """Return the match of a video and the number of its part there; None with a fault.

    Args:
        matches: By name; receives a new one.
        match: Name of the match that it is the next part of; None: it is one of its own, named after the file.
        video: The file.
        place: Its entry.
    """
    name = match or video.stem
    if any(video in other.videos for other in matches.values()):
        place.fault(f"names the video {video.name} again; keep one of them")
        return None
    if match is None and name in matches:
        place.fault(f"is the second match {name!r}; rename its video {video.name}")
        return None
    found = matches.setdefault(name, MatchDraft(name=name))
    found.videos.append(video)
    return found, len(found.videos)
