"""Reader of results: a folder of `bvas spot`, `bvas intervals` or `bvas predict`, or files of spots of any system."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bvas.data.interval_files import read_interval_file
from bvas.data.soccernet_entries import Notices
from bvas.data.spot_files import SpotFile, read_spot_file
from bvas.errors import ConfigError, DataError
from bvas.experiment.peak_config import PeakConfig
from bvas.results.store import (
    CURVE_SUFFIX,
    INTERVALS_NAME,
    RECORDING_NAME,
    RESULTS_NAME,
    TABLE_NAME,
    curves_of_half,
    read_recording,
    with_stored_curve,
)
from bvas.results.video_result import Results, VideoFile, VideoResult
from bvas.system.file_names import output_stem, shown_name
from bvas.values.annotations import Interval, LabelSet, Spot
from bvas.values.match_clock import MatchClock
from bvas.values.plural import count_text

# The length of a video tells times in seconds from the same in milliseconds.
_UNIT = 1000


def read_spots(paths: Sequence[Path], videos: Sequence[Path] = ()) -> Results:
    """Return the spots of a recording.

    Args:
        paths: A folder of results, or a file of spots; several are parts, in order.
        videos: The videos of the parts, in order; empty where the folder names them, or where they are unknown.

    Raises:
        DataError: a file is missing, is not a file of spots, or its times are in another unit.
        DecodeError: a video that was named cannot be read.
        ConfigError: other numbers of videos than of parts.
    """
    if len(paths) == 1:
        return _read_one(paths[0], videos, Notices())
    if videos and len(videos) != len(paths):
        raise ConfigError(
            f"{count_text(len(paths), 'source')} of spots and {count_text(len(videos), 'video')}; name "
            "one video for each"
        )
    notices = Notices()
    sources = [_read_one(path, videos[number : number + 1], notices) for number, path in enumerate(paths)]
    results = []
    for number, (path, source) in enumerate(zip(paths, sources, strict=True), 1):
        if len(source.videos) != 1:
            raise ConfigError(
                f"{path} holds {count_text(len(source.videos), 'part')}; give it alone, or several "
                "sources of one part each"
            )
        (result,) = source.videos
        video = replace(result.video, number=number)
        results.append(replace(result, video=video, clock=MatchClock.of_half(number)))
    if len({result.video.name for result in results}) < len(results):
        results = [
            replace(result, video=replace(result.video, name=f"{result.video.number}_{result.video.name}"))
            for result in results
        ]
    labels = tuple(dict.fromkeys(label for source in sources for label in source.labels))
    merged = {old: new for source in sources for old, new in source.labels.merged.items()}
    return replace(
        sources[0],
        videos=tuple(results),
        labels=LabelSet(labels, merged),
        labels_are_known=all(source.labels_are_known for source in sources),
        read=tuple(path for source in sources for path in source.read),
    )


def _read_one(path: Path, videos: Sequence[Path], notices: Notices) -> Results:
    if not path.exists():
        raise DataError(f"no file or folder {path}; give what bvas spot wrote, or a file of spots")
    if path.is_dir():
        names = [name for name in (RESULTS_NAME, INTERVALS_NAME) if (path / name).is_file()]
        if not names:
            raise DataError(
                f"no {RESULTS_NAME} or {INTERVALS_NAME} in {path}; give a folder that bvas spot or bvas intervals "
                "wrote, or a file"
            )
        path = path / names[0]
    folder = path.parent
    recording = read_recording(folder)
    intervals: Mapping[str, Sequence[Interval]] = {}
    if path.name == INTERVALS_NAME:
        if recording is None:
            raise DataError(f"no {RECORDING_NAME} beside {path}; give a folder that bvas intervals wrote")
        rows = read_interval_file(path, notices).rows
        intervals = {name: [row.interval for row in found] for name, found in rows.items()}
        found = SpotFile(spots={}, files={})
    else:
        found = read_spot_file(path, notices)
    is_named_by_folder = path.name in (RESULTS_NAME, TABLE_NAME, INTERVALS_NAME)
    name = folder.absolute().name if is_named_by_folder else path.stem
    parts = _assumed(found, videos, name, folder) if recording is None else recording.parts
    spots = _by_part(found, parts, path, is_recorded=recording is not None)
    unknown = sorted(spots.keys() - {part.number for part in parts})
    if unknown:
        raise DataError(
            f"{path} holds spots of part {unknown[0]}, and {count_text(len(parts), 'video')} would "
            "be all; name the video of each part, in order, with --video"
        )
    if videos:
        if len(videos) != len(parts):
            raise ConfigError(
                f"{path} is about {count_text(len(parts), 'video')}, and --video names "
                f"{len(videos)}; name each once, in order"
            )
        parts = tuple(
            replace(part, path=video, address="") for part, video in zip(parts, videos, strict=True)
        )
    peaks = PeakConfig() if recording is None else recording.peaks
    results = []
    for part in parts:
        is_there = bool(videos) or (not part.address and part.path is not None and part.path.is_file())
        video = part.indexed() if is_there else part
        clock = MatchClock.of_half(part.number)
        if recording is not None:
            clock = MatchClock(kickoff_seconds=recording.kickoff_seconds - part.begin_seconds)
        result = with_stored_curve(folder, video, spots.get(part.number, ()), clock, peaks)
        results.append(replace(result, intervals=tuple(intervals.get(part.name, ()))))
    labels = _occurring(results) if recording is None else recording.labels
    return Results(
        name=name,
        folder=folder,
        videos=tuple(spots_within(result, labels, path, notices) for result in results),
        labels=labels,
        labels_are_known=recording is not None or any(result.curve is not None for result in results),
        experiment="" if recording is None else recording.experiment,
        notices=notices,
        read=(path,),
    )


def _assumed(found: SpotFile, videos: Sequence[Path], name: str, folder: Path) -> tuple[VideoFile, ...]:
    """Return the parts of spots that nothing records: those of another system, of a table, of live output."""
    if videos:
        return tuple(
            VideoFile(number=number, name=output_stem(video.stem), match=name, path=video)
            for number, video in enumerate(videos, 1)
        )
    numbers = sorted(found.spots) or [1]
    several = len(numbers) > 1
    parts = []
    for number in numbers:
        file = found.files.get(number, "")
        curves = curves_of_half(folder, number)
        named_by_curve = curves[0].name.removesuffix(CURVE_SUFFIX) if len(curves) == 1 else ""
        own = Path(file).stem or named_by_curve or (f"{name}_{number}" if several else name)
        parts.append(VideoFile(number=number, name=own, match=name, path=Path(file) if file else None))
    return tuple(parts)


def _by_part(
    found: SpotFile, parts: Sequence[VideoFile], path: Path, *, is_recorded: bool
) -> Mapping[int, Sequence[Spot]]:
    """Return spots in the time of their own videos."""
    if not found.is_one_timeline or (not is_recorded and len(found.spots) < 2):
        return found.spots
    if not is_recorded:
        raise DataError(
            f"{path} lays {count_text(len(found.spots), 'file')} end to end, and no {RECORDING_NAME} beside it says "
            f"where each begins; give the {RESULTS_NAME} of the same run instead"
        )
    spots = {}
    for number, listed in found.spots.items():
        file = found.files.get(number, "")
        part = next((part for part in parts if file in ("", *_table_names(part))), None)
        if part is None:
            raise DataError(f"{path} names the video {file}, which {RECORDING_NAME} beside it does not know")
        spots[part.number] = [
            replace(spot, seconds=max(0.0, spot.seconds - part.begin_seconds)) for spot in listed
        ]
    return spots


def _table_names(part: VideoFile) -> tuple[str, str]:
    """Return the names that the table of spots may have for a part's file."""
    return shown_name(Path(part.path or "").name), shown_name(part.path or "")


def _occurring(results: Sequence[VideoResult]) -> LabelSet:
    """Return the labels of a score curve if there is one, else those that occur."""
    for result in results:
        if result.curve is not None:
            return LabelSet(result.curve.labels)
    occurring = {spot.label for result in results for spot in result.spots}
    return LabelSet(tuple(sorted(occurring)) or ("no label",))


def spots_within(result: VideoResult, labels: LabelSet, path: Path, notices: Notices) -> VideoResult:
    """Return a result without impossible spots, which are counted; those behind the end where the video is known.

    Raises:
        DataError: the times are in another unit than seconds.
    """
    odd = [spot for spot in result.spots if spot.label not in labels]
    if odd:
        notices.add(f"of label {odd[0].label!r} or others that the model does not know", str(path), len(odd))
    frames, video = result.video.frames, result.video.path
    if frames is None:
        return result
    length = frames.duration_seconds
    late = [spot for spot in result.spots if spot.seconds >= length + 1 / float(frames.rate)]
    if not late:
        return result
    if 2 * len(late) > len(result.spots) and max(spot.seconds for spot in late) < length * _UNIT:
        raise DataError(
            f"{len(late)} of {len(result.spots)} spots of {path} lie after the end of {video} ({length:.2f} s), the "
            f"first at {late[0].seconds:g} s: these are milliseconds, or spots of another video"
        )
    notices.add(f"after the end of {video} ({length:.2f} s), left out", str(path), len(late))
    return replace(result, spots=tuple(spot for spot in result.spots if spot not in set(late)))
