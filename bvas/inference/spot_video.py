"""Spotting of one video, from a file or a source that is read once."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, DecodeError
from bvas.inference.file_rows import (
    FrameGap,
    GridVideo,
    check_gap_share,
    cut_gaps,
    gaps_in_time,
    rows_between,
)
from bvas.inference.live_rows import RowStream, ScoredRows
from bvas.inference.spotter import VideoSpotter
from bvas.inference.streaming import StreamingPredictor
from bvas.inference.video_remarks import log_adaptation, log_repeats, log_shared
from bvas.tasks.kind_choice import kind_of
from bvas.values.annotations import Gap, Interval, Spot
from bvas.values.frame_boundaries import on_frames
from bvas.values.score_curve import ScoreCurve
from bvas.video.container.read_options import ReadOptions, Tone, source_of
from bvas.video.index.frame_table import VideoIndex
from bvas.video.live.live_video import LiveVideo


@dataclass(frozen=True, slots=True)
class VideoSpots:
    """What was found in one video file."""

    path: Path
    curve: ScoreCurve
    spots: tuple[Spot, ...]
    """All candidates, in time order; reports show those from the operating point up."""
    gaps: tuple[Gap, ...]
    duration_seconds: float
    source_frames: tuple[int, ...]
    """Frame of the file for each spot."""
    intervals: tuple[Interval, ...] = ()
    """What an experiment of kind interval found, in order of time."""
    failure: DecodeError | KeyboardInterrupt | None = None
    """Reason for an early end; the result is of the frames before. A stream, which cannot be read again, broke off or
    has too many gaps, or Ctrl-C was pressed."""


def spot_video(
    source: Path | str,
    spotter: VideoSpotter,
    *,
    backend: str = "auto",
    from_seconds: float = 0.0,
    to_seconds: float | None = None,
    strict: bool = False,
    growing: bool = False,
    stream: int | None = None,
    rate: float | Fraction | None = None,
    tone: Tone = "sdr",
    progress: Callable[[int, int], None] | None = None,
    num_readers: int | None = None,
    predictor: StreamingPredictor | None = None,
    in_part: bool = False,
) -> VideoSpots:
    """Return score curve and spots of one video, of any rate, size, codec and container.

    >>> found = spot_video("match.mp4", load_spotter("ball"))  # doctest: +SKIP
    >>> found.spots[0]  # doctest: +SKIP
    Spot(label='PASS', seconds=3.48, confidence=0.91)

    Args:
        source: A video file; or a source that is read once, to its end: a named pipe, `-` for standard input, or an
            address. An address is reopened where it breaks off. Where that fails, or Ctrl-C is pressed, the result is
            of the frames that came, with the `failure`.
        spotter: The models.
        backend: Decoder, `auto` to choose by device and file.
        from_seconds: Begin of the range; frames before it are context only.
        to_seconds: End of the range; None for the end of the video.
        strict: Raise where a frame cannot be decoded, instead of leaving a gap.
        growing: The file is still being written.
        stream: As `open_video` takes it, as are `rate` and `tone`.
        rate: Frames per second of a source whose frames have no times.
        tone: HDR is mapped to SDR, or only shifted to 8 bits.
        progress: Called with (grid frames done, grid frames in all). The latter counts those that came so far for a
            stream.
        num_readers: Threads that prefetch frames of a file, each from other keyframes. None: one for each decoder of
            the GPU that decodes, else one.
        predictor: From `spotter.predictor()`, to use one for several videos; None makes one for this
            file.
        in_part: Where Ctrl-C is pressed, return the result of the frames before, with the `failure`, for a file too.
            KeyboardInterrupt is raised where no row is final.

    Raises:
        DecodeError: it is not a video that can be read, more than a fifth of a file is gaps, or `strict` and a frame
            cannot be decoded.
        ConfigError: the time range is empty or lies outside the video, or there is one for a stream.
    """
    reading = ReadOptions.of(stream, rate, tone)
    origin = source_of(source, growing=growing)
    if not origin.is_indexable:
        if from_seconds or to_seconds is not None:
            raise ConfigError(
                f"{origin.name} is a {origin.kind}, which is read to its end; a range needs a file: {origin.remedy}"
            )
        return _spots_of_stream(source, spotter, backend, growing, strict, progress, reading)
    video = GridVideo(Path(origin.location), spotter, backend=backend, reading=reading)
    grid = video.grid
    log_adaptation(video.path.name, video.info, spotter.experiment.input)
    log_repeats(video.path.name, grid)
    start, stop = rows_between(grid.seconds, from_seconds, to_seconds, video.path)
    if predictor is None:
        predictor = spotter.predictor(num_rows=stop - start)
    shared_before, rows_before = predictor.num_shared, predictor.num_rows
    parts = [np.empty((0, predictor.num_labels), np.float32)]
    gaps: tuple[FrameGap, ...] = ()
    failure: KeyboardInterrupt | None = None
    try:
        for chunk in video.rows(predictor, start, stop, strict=strict, num_readers=num_readers):
            parts.append(chunk.scores)
            gaps += chunk.gaps
            if progress is not None:
                progress(chunk.num_decoded, stop - start)
    except KeyboardInterrupt as error:
        if not in_part or not any(len(part) for part in parts):
            raise
        failure = error
    log_shared(video.path.name, predictor.num_shared - shared_before, predictor.num_rows - rows_before)
    scores = np.concatenate(parts)
    # Behind the last row that is final nothing is known.
    rows = slice(start, start + len(scores))
    gaps_found = gaps_in_time(cut_gaps(gaps, rows.start, rows.stop), grid.seconds)
    check_gap_share(video.path, gaps_found, len(scores))
    duration = video.info.duration_seconds
    return _found(
        video.path,
        spotter,
        scores,
        grid.seconds[rows],
        grid.indices[rows],
        gaps_found,
        duration,
        failure,
        index=video.index,
    )


def _spots_of_stream(
    source: Path | str,
    spotter: VideoSpotter,
    backend: str,
    growing: bool,
    strict: bool,
    progress: Callable[[int, int], None] | None,
    reading: ReadOptions,
) -> VideoSpots:
    size, device = spotter.experiment.input.form, str(spotter.device)
    with LiveVideo(
        source, size=size, backend=backend, device=device, growing=growing, reading=reading
    ) as video:
        rows = RowStream(video, spotter, strict=strict, lag_rule=None)
        parts: list[ScoredRows] = []
        failure: DecodeError | KeyboardInterrupt | None = None
        try:
            for part in rows:
                parts.append(part)
                if progress is not None:
                    progress(rows.num_grid_frames, rows.num_grid_frames)
        except (DecodeError, KeyboardInterrupt) as error:
            if isinstance(error, DecodeError) and error.lost is not None:
                raise
            if not any(len(part.seconds) for part in parts):
                raise
            failure = error
        path, duration = video.info.path, video.duration_seconds
    scores = np.concatenate([part.scores for part in parts])
    seconds = np.concatenate([part.seconds for part in parts])
    frames = np.concatenate([part.frames for part in parts])
    # Rows of the last frames are not final where Ctrl-C came.
    gaps = tuple(gap for gap in rows.gaps if gap.start_seconds <= seconds[-1])
    try:
        check_gap_share(path, gaps, len(seconds))
    except DecodeError as error:
        failure = failure or error
    return _found(path, spotter, scores, seconds, frames, gaps, duration, failure)


def _found(
    path: Path,
    spotter: VideoSpotter,
    scores: NDArray[np.float32],
    seconds: NDArray[np.float64],
    frames: NDArray[np.int64],
    gaps: tuple[Gap, ...],
    duration_seconds: float,
    failure: DecodeError | KeyboardInterrupt | None,
    *,
    index: VideoIndex | None = None,
) -> VideoSpots:
    """Return what a curve becomes; intervals begin and end with frames of the file where its index is given."""
    curve = ScoreCurve(scores, seconds, spotter.experiment.task.labels.names)
    results = kind_of(spotter.experiment).results(curve)
    spots = results.spots
    return VideoSpots(
        path=path,
        curve=curve,
        spots=spots,
        intervals=results.intervals
        if index is None
        else on_frames(results.intervals, index.seconds, index.duration_seconds),
        gaps=gaps,
        duration_seconds=duration_seconds,
        # A spot's time is that of its row.
        source_frames=tuple(int(frames[np.searchsorted(seconds, spot.seconds)]) for spot in spots),
        failure=failure,
    )
