"""Samples that are compared: the labelled videos of a data root, and stretches of videos, with their sides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bvas.data.labelled_ranges import ends_of
from bvas.data.matches import Match, match_halves, raw_annotations_of
from bvas.data.spotting_task import SpottingTask
from bvas.errors import BvasError
from bvas.video.index.video_index import build_index


@dataclass(frozen=True, slots=True)
class Sample:
    """A video, or a stretch of one, on one side of a split."""

    name: str
    path: Path
    side: str
    """Its fold or split by name."""
    begin_seconds: float
    end_seconds: float


def samples_of(matches: Sequence[Match], task: SpottingTask) -> list[Sample]:
    """Return the samples of labelled matches; a video that is missing or unreadable is left out."""
    found = []
    for match in matches:
        if match.fold is None:
            continue
        try:
            halves = match_halves(match, task.resolution)
        except BvasError:
            # Checks and training name what is missing themselves.
            continue
        for half in halves:
            is_sample = match.listed is not None and match.listed.is_sample
            name = match.name if is_sample else f"{match.name}/{half.stem}"
            try:
                index = build_index(half.path)[0]
            except BvasError:
                continue
            begin, end = 0.0, index.duration_seconds
            if is_sample:
                (item,) = raw_annotations_of(match, task)[0].items
                is_inside = item.frame is None or item.frame < index.num_frames
                begin, end = ends_of(item, index) if is_inside else (math.inf, end)
            if begin < end:
                found.append(Sample(name, half.path, match.side, begin, end))
    return found
