"""Labelled video: one file, its grid, and its annotations on the grid; plain data without a decoded frame."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.data.video_end import after_end
from bvas.errors import DataError
from bvas.values.annotations import Annotation, Interval, LabelSet
from bvas.values.color import FrameForm
from bvas.values.frame_boundaries import frames_between
from bvas.values.input_format import InputFormat
from bvas.video.decode.open_video import frame_form
from bvas.video.index.frame_grid import Grid, make_grid
from bvas.video.index.video_index import build_index


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledVideo:
    """One video file, its grid and its annotations. Can be pickled."""

    path: Path
    form: FrameForm
    """What the bytes of its frames mean: range tag of luma, or layout of color planes."""
    size: tuple[int, int]
    """(h, w) of the upright picture."""
    sample_aspect: Fraction = Fraction(1)
    """Width over height of a sample of it."""
    input_format: InputFormat | None = None
    """Format that `form` is of; None: gray of any size."""
    grid: Grid
    """Source frame of each grid frame."""
    keyframes: NDArray[np.int64]
    """First source frame of each keyframe interval, ascending; they decide how much a clip decodes."""
    num_labels: int
    """Labels of the task (K)."""
    annotation_frames: NDArray[np.int64]
    """Grid frames of the annotations [A], ascending."""
    label_ids: NDArray[np.int64]
    """Their labels [A], each in [0, K)."""
    ranges: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 3), np.int64))
    """Grid frames [R, 3] of the annotations that are stretches: first, behind the last, label; in order of both."""
    name: str = ""
    """Name of its results: the match and the file's stem; empty if it belongs to no match."""

    @property
    def num_frames(self) -> int:
        """Grid frames of the video (L)."""
        return self.grid.num_frames


def label_video(
    path: Path | str,
    annotations: Sequence[Annotation],
    labels: LabelSet,
    rate: Fraction | float,
    *,
    ranges: Sequence[Interval] = (),
    name: str = "",
    form: InputFormat | None = None,
) -> LabelledVideo:
    """Index a video and put its annotations on the grid, each on the nearest grid frame.

    A range holds the grid frames that show one of its frames, and at least one grid frame.

    Args:
        path: The video file.
        annotations: Times from the first shown frame, in any order.
        labels: The task's labels.
        rate: Grid frames per second.
        ranges: Annotations that are stretches, within the video.
        name: Name of its results, e.g. `league/season/match/1_720p`.
        form: Form that its frames are brought to; None for gray of any size.

    Raises:
        DecodeError: the video cannot be indexed.
        DataError: an annotation lies outside the video by more than a grid frame.
        ConfigError: an annotation's label is not among `labels`.
    """
    path = Path(path)
    index, info = build_index(path)
    grid = make_grid(index, rate)
    placed = []
    for annotation in annotations:
        if annotation.seconds < 0:
            raise DataError(
                f"annotation {annotation.label!r} at {annotation.seconds} s lies before the start of {path}; "
                "times count from the first shown frame, at 0 s"
            )
        late = after_end(annotation.seconds, index, float(grid.rate))
        if late:
            raise DataError(f"annotation {annotation.label!r} at {late}")
        placed.append((grid.nearest(annotation.seconds), labels.label_id(annotation.label)))
    placed.sort()
    placed_ranges = []
    for one in ranges:
        shown = frames_between(index.seconds, index.duration_seconds, one.start_seconds, one.end_seconds)
        first, stop = np.searchsorted(grid.indices, shown).tolist()
        # A grid that is coarser than the range may show none of its frames.
        first = min(first, grid.num_frames - 1)
        placed_ranges.append((first, max(stop, first + 1), labels.label_id(one.label)))
    placed_ranges.sort()
    return LabelledVideo(
        path=path,
        form=frame_form(index, info, **({} if form is None else form.reading)),
        size=(info.height, info.width),
        sample_aspect=info.sample_aspect,
        input_format=form,
        grid=grid,
        keyframes=np.searchsorted(index.pts, index.keyframe_pts).astype(np.int64),
        num_labels=len(labels),
        annotation_frames=np.array([frame for frame, _ in placed], dtype=np.int64),
        label_ids=np.array([label_id for _, label_id in placed], dtype=np.int64),
        ranges=np.array(placed_ranges, dtype=np.int64).reshape(-1, 3),
        name=name,
    )
