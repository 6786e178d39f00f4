"""Cuts around spots: from some seconds before each to some after, within its video."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bvas.cutting.cut_list import VideoCut, check_labels
from bvas.data.soccernet_entries import Notices
from bvas.errors import ConfigError, DataError
from bvas.results.read_spots import read_spots, spots_within
from bvas.results.video_result import Results, VideoResult
from bvas.system.file_names import output_stem
from bvas.values.frame_boundaries import frames_between
from bvas.values.plural import count_text
from bvas.video.container.read_options import DEFAULT_READING
from bvas.video.encode.stretches import SourceVideo


def spot_cuts(
    path: Path,
    videos: Sequence[SourceVideo],
    *,
    before: float,
    after: float,
    labels: Sequence[str] = (),
    confidence: float | None = None,
) -> tuple[list[VideoCut], Notices]:
    """Return a cut for each spot, and what was odd in the file.

    Args:
        path: What `read_spots` reads: a folder of `bvas spot`, or a file of spots.
        videos: The parts of the recording, in order; or one of them, which is found by its name.
        before: Seconds before each spot.
        after: Seconds after it.
        labels: Only these; none: all.
        confidence: Lowest confidence; None: the operating point.

    Raises:
        DataError: the file is not one of spots, is of another video, or none of its spots is left.
        ConfigError: the videos do not fit the parts, a label does not occur, or these are intervals.
    """
    if not (before >= 0 and after >= 0 and before + after < float("inf")):
        raise ConfigError(f"before and after must be finite and not negative, got {before} and {after}")
    source = read_spots([path])
    if any(result.intervals for result in source.videos):
        raise ConfigError(f"{path} holds intervals, not spots; give it as --intervals {path}")
    there = {spot.label for result in source.videos for spot in result.spots} | set(source.labels)
    check_labels(labels, there, "spot")
    cuts = []
    for result, part in _parts(source, videos, path):
        video = videos[part]
        times, end = video.index.seconds, video.index.duration_seconds
        for spot in _placed(result, video, source, path).shown_from(confidence).shown:
            if labels and spot.label not in labels:
                continue
            frame = video.index.frame_at(spot.seconds)
            first, stop = frames_between(times, end, spot.seconds - before, spot.seconds + after)
            cuts.append(
                VideoCut(
                    part=part,
                    source=video,
                    frames=range(min(first, frame), max(stop, frame + 1)),
                    moment_seconds=spot.seconds,
                    labels=(spot.label,),
                )
            )
    if not cuts:
        of = f" of {', '.join(labels)}" if labels else ""
        shown = "its operating point" if confidence is None else f"{confidence:g}"
        raise DataError(f"{path} has no spot{of} at or above {shown}; take a lower confidence")
    return cuts, source.notices


def _parts(source: Results, videos: Sequence[SourceVideo], path: Path) -> list[tuple[VideoResult, int]]:
    """Return each part of the results that a video is given for, with the number of the video."""
    results = source.videos
    if len(videos) == 1 and len(results) > 1:
        stem = output_stem(videos[0].index.path.stem)
        named = [one for one in results if one.video.name in (stem, f"{one.video.number}_{stem}")]
        if len(named) != 1:
            names = ", ".join(one.video.name for one in results)
            raise ConfigError(
                f"{path} is about {count_text(len(results), 'video')} ({names}), and {videos[0].index.path.name} is "
                "called like none of them; give all, in order"
            )
        return [(named[0], 0)]
    if len(videos) == 1:
        return [(results[0], 0)]
    behind = [one for one in results if one.video.number > len(videos)]
    if behind:
        raise ConfigError(
            f"{path} has spots of part {behind[0].video.number}, and {count_text(len(videos), 'video')} are given; "
            "give all parts, in order"
        )
    return [(one, one.video.number - 1) for one in results]


def _placed(result: VideoResult, video: SourceVideo, source: Results, path: Path) -> VideoResult:
    """Return a result of the video that was given for it, without spots behind its end.

    Raises:
        DataError: it is of a video of another name that is there, or its times are in another unit.
    """
    known, given = result.video.path, video.index.path
    if known is not None and known.name != given.name and known.stem != given.stem:
        raise DataError(
            f"{path} holds spots of {known.name}, not of {given.name}; give the video that was spotted, or spot "
            f"this one: bvas spot {given.name}; a renamed copy needs its old name"
        )
    reading = video.index.reading if video.index.reading != DEFAULT_READING else result.video.reading
    file = replace(result.video, path=given, address="", reading=reading).indexed()
    return spots_within(replace(result, video=file), source.labels, path, source.notices)
