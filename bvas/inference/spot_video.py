"""One video in, its actions out."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, DecodeError
from bvas.inference.file_rows import KeepRows, RowsSoFar, check_lost, rows_between, stream_rows
from bvas.inference.live_rows import RowStream, ScoredRows, note_adaptation, note_repeats
from bvas.inference.peaks import find_spots
from bvas.inference.predictor_protocol import RowPredictor
from bvas.inference.protocol import VideoSpotter
from bvas.values.annotations import Gap, Spot
from bvas.values.score_curve import ScoreCurve
from bvas.video.container.read_options import ReadOptions, Tone
from bvas.video.container.sources import source_of
from bvas.video.decode.backends.nvdec import num_engines
from bvas.video.decode.open_video import open_video
from bvas.video.decode.prefetch import DecodedAhead
from bvas.video.index.frame_grid import make_grid
from bvas.video.live.live_video import LiveVideo

# Assumed, not measured yet: compiling takes a minute, as twenty minutes of video do at 20 times real time.
LONG_FRAMES = 30_000
"""From so many frames on compiled models save more time than compiling them takes."""


@dataclass(frozen=True, slots=True)
class VideoSpots:
    """What was found in one video file."""

    path: Path
    curve: ScoreCurve
    spots: tuple[Spot, ...]
    """All candidates, in time order; those for people lie at or above the operating point."""
    gaps: tuple[Gap, ...]
    duration_seconds: float
    source_frames: tuple[int, ...]
    """Frame of the file for each spot."""
    failure: DecodeError | KeyboardInterrupt | None = None
    """What ended the work early, if it was: the rest is of what came. A stream, which cannot be read again, was cut
    short, or too much of it is lost; or Ctrl-C came."""


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
    predictor: RowPredictor | None = None,
    so_far: RowsSoFar | None = None,
    keep: KeepRows | None = None,
    in_part: bool = False,
) -> VideoSpots:
    """Return score curve and spots of one video, of any rate, size, codec and container.

    Args:
        source: A video file; or what comes only once, read to its end: a named pipe, `-` for standard input, or
            an address, which is opened again where it breaks off. Where that fails, or Ctrl-C ends it, the result is
            of what came, with the `failure`.
        spotter: The models.
        backend: Decoder, `auto` to choose by device and file.
        from_seconds: Where to begin; frames before it are seen as context only.
        to_seconds: Where to end; None for the end of the video.
        strict: Raise where a frame cannot be decoded, instead of leaving a gap.
        growing: The file is still being written.
        stream: As `open_video` takes it, as are `rate` and `tone`.
        rate: Frames per second of a source whose frames have no times.
        tone: HDR is mapped to SDR, or only shifted to 8 bits.
        progress: Called with (grid frames done, grid frames in all); those of a stream are as many as came so far.
        num_readers: Threads that decode a file ahead of the model, each from other keyframes. None: one for each
            decoder of the GPU that decodes, else one.
        predictor: One of `spotter.predictor()`, to go from video to video with it; None makes one, compiled for
            long files on CUDA.
        so_far: Rows of the same file and range from an earlier try that `keep` got.
        keep: Called after each chunk of a file with all rows so far.
        in_part: Where Ctrl-C ends the work on a file, return what was found up to there, with the `failure`, as of a
            stream; it is raised where no row is final.

    Raises:
        DecodeError: it is no video that can be read, more than a fifth of a file is lost, or `strict` and a
            frame is lost.
        ConfigError: the time range is empty or lies outside the video, or there is one for a stream.
    """
    reading = ReadOptions.of(stream, rate, tone)
    origin = source_of(source, growing=growing)
    if not origin.is_indexable:
        if from_seconds or to_seconds is not None:
            raise ConfigError(
                f"{origin.name} is a {origin.kind}: it is read to its end; a range takes a file, {origin.remedy}"
            )
        return _spots_of_stream(source, spotter, backend, growing, strict, progress, reading)
    path = Path(origin.location)
    settings = spotter.experiment.input
    on_cuda = str(spotter.device).startswith("cuda")
    another = partial(
        open_video,
        path,
        backend,
        size=settings.size,
        device=str(spotter.device),
        stream=reading.stream,
        rate=reading.rate,
        tone=reading.tone,
    )
    with another() as reader:
        note_adaptation(path.name, reader.info, settings)
        grid = make_grid(reader.index, settings.rate)
        note_repeats(path.name, grid)
        start, stop = rows_between(grid.seconds, from_seconds, to_seconds, path)
        clip = spotter.experiment.clip
        if predictor is None:
            predictor = spotter.predictor(compiled=on_cuda and stop - start >= LONG_FRAMES)
        # The clips at both ends of the range see beyond it wherever the video goes on there; with a stride those too
        # that its first and last rows are filled in from.
        first = max(0, start - clip.frames_before - (predictor.stride - 1))
        last = min(len(grid.seconds), stop + clip.frames_after + predictor.stride - 1)
        wanted = grid.indices[first:last]
        predictor.reset()
        begin = 0 if so_far is None else so_far.restart(clip, predictor.stride)
        firsts = np.searchsorted(reader.index.pts, reader.index.keyframe_pts)
        if num_readers is None:
            num_readers = num_engines(reader.info, str(spotter.device)) if reader.backend == "nvdec" else 1
        # A single reader is this one: it has opened nothing yet.
        with DecodedAhead(
            another if num_readers > 1 else lambda: reader,
            wanted[begin:],
            firsts,
            frame_bytes=reader.size[0] * reader.size[1],
            num_readers=num_readers,
            on_device=on_cuda,
        ) as decoded:
            found = stream_rows(
                decoded,
                len(wanted),
                predictor,
                reader.info.color_range,
                strict=strict,
                is_repeat=np.diff(wanted, prepend=-1) == 0,
                progress=progress,
                so_far=so_far,
                keep=keep,
                in_part=in_part,
            )
    if found.interrupt is not None:
        if len(found.scores) <= start - first:
            raise found.interrupt
        # Of frames whose rows are not final nothing is said.
        stop, last = min(stop, first + len(found.scores)), first + len(found.scores)
    gaps = tuple(
        Gap(float(grid.seconds[first + a]), float(grid.seconds[first + b - 1]), b - a, reason)
        for a, b, reason in ((a, min(b, last - first), reason) for a, b, reason in found.lost)
        if a < b
    )
    check_lost(path, gaps, last - first)
    return _found(
        path,
        spotter,
        found.scores[start - first : stop - first],
        grid.seconds[start:stop],
        grid.indices[start:stop],
        gaps,
        reader.info.duration_seconds,
        found.interrupt,
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
    size, device = spotter.experiment.input.size, str(spotter.device)
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
    seconds = np.concatenate([part.seconds for part in parts])
    # Rows of the last frames are not final where Ctrl-C came.
    gaps = tuple(gap for gap in rows.gaps if gap.start_seconds <= seconds[-1])
    try:
        check_lost(path, gaps, len(seconds))
    except DecodeError as error:
        failure = failure or error
    return _found(
        path,
        spotter,
        np.concatenate([part.scores for part in parts]),
        seconds,
        np.concatenate([part.frames for part in parts]),
        gaps,
        duration,
        failure,
    )


def _found(
    path: Path,
    spotter: VideoSpotter,
    scores: NDArray[np.float32],
    seconds: NDArray[np.float64],
    frames: NDArray[np.int64],
    gaps: tuple[Gap, ...],
    duration_seconds: float,
    failure: DecodeError | KeyboardInterrupt | None = None,
) -> VideoSpots:
    labels = spotter.experiment.task.labels
    spots = tuple(find_spots(scores, seconds, labels, spotter.experiment.peaks))
    return VideoSpots(
        path=path,
        curve=ScoreCurve(scores, seconds, labels.names),
        spots=spots,
        gaps=gaps,
        duration_seconds=duration_seconds,
        # A spot's time is that of its row.
        source_frames=tuple(int(frames[np.searchsorted(seconds, spot.seconds)]) for spot in spots),
        failure=failure,
    )
