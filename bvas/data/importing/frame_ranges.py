"""Matches of annotation programs that hold ranges of frames alone."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bvas.data.importing.draft import MatchDraft
from bvas.data.json_object import Place, short_text
from bvas.data.raw_annotations import RawAnnotation


def add_video(
    matches: dict[str, MatchDraft], name: str | None, video: Path, place: Place
) -> MatchDraft | None:
    """Return the match of a video, as the last part of which it is added; None with a fault.

    Args:
        matches: By name; receives a new one.
        name: Of the match; None: the video is one of its own, named after the file.
        video: The file.
        place: Its entry.
    """
    if any(video in match.videos for match in matches.values()):
        place.fault(f"names the video {video.name} again; keep one of them")
    elif name is None and video.stem in matches:
        place.fault(f"is the second match {video.stem!r}; rename its video {video.name}")
    else:
        match = matches.setdefault(name or video.stem, MatchDraft(name=name or video.stem))
        match.videos.append(video)
        return match
    return None


def add_range(match: MatchDraft, number: int, label: str, first: object, last: object, place: Place) -> None:
    """Add an annotation of the last video of a match; frames count from 1, and both are inclusive."""
    if type(first) is int and type(last) is int and 1 <= first <= last:
        # Here frames count from 0, and the end is the first frame behind the range.
        item = RawAnnotation(number, len(match.videos), label, frame=first - 1, end_frame=last)
        match.annotations = [*(match.annotations or ()), item]
    else:
        frames = f"{short_text(first)} to {short_text(last)}"
        place.fault(
            f"holds frames {frames}; they are whole numbers, the first at least 1, the last not before it"
        )


def set_moments(matches: Iterable[MatchDraft]) -> None:
    """Make moments of the ranges of each label that has none of more than a frame in any match."""
    items = [item for match in matches for item in match.annotations or ()]
    of_ranges = {item.label for item in items if item.end_frame != (item.frame or 0) + 1}
    for match in matches:
        if match.annotations is not None:
            match.annotations = [
                item if item.label in of_ranges else replace(item, end_frame=None)
                for item in match.annotations
            ]
