"""The spots that a command is about: read, checked against what is known of their videos, part by part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bvas.data.soccernet_entries import Notices
from bvas.data.soccernet_files import RESULTS_NAME
from bvas.data.spot_files import SpotFile, read_spot_file
from bvas.errors import ConfigError, DataError
from bvas.experiment.peak_config import PeakConfig
from bvas.report.content import FrameTimes
from bvas.report.match_clock import MatchClock
from bvas.report.spotted import SpotSource, SpottedPart, SpottedVideo
from bvas.results.curve_files import load_curve
from bvas.results.recording import RecordedPart, Recording, read_recording
from bvas.system.file_names import output_stem, shown_name
from bvas.values.annotations import LabelSet, Spot
from bvas.values.plural import count_text
from bvas.video.container.read_options import ReadOptions
from bvas.video.index.video_index import build_index

# A time in seconds and the same in milliseconds are told apart by their video's length.
_UNIT = 1000
_CURVE = "_scores.npz"


def read_spots(paths: Sequence[Path], videos: Sequence[Path] = ()) -> SpotSource:
    """Return the spots of a recording.

    Args:
        paths: A folder that `bvas spot` wrote, or a file of spots; of several, each is a part, in order.
        videos: The videos of the parts, in order; empty where `recording.json` names them, or nobody does.

    Raises:
        DataError: a file is missing, no file of spots, or its times are in another unit.
        DecodeError: a video that was named cannot be read.
        ConfigError: other numbers of videos than of parts.
    """
    notices = Notices()
    if len(paths) == 1:
        return _read_one(paths[0], videos, notices)
    if videos and len(videos) != len(paths):
        raise ConfigError(
            f"{count_text(len(paths), 'source')} of spots and {count_text(len(videos), 'video')}; name "
            "one video for each"
        )
    sources = [_read_one(path, videos[number : number + 1], notices) for number, path in enumerate(paths)]
    parts = []
    for number, (path, source) in enumerate(zip(paths, sources, strict=True), 1):
        if len(source.parts) != 1:
            raise ConfigError(
                f"{path} holds {count_text(len(source.parts), 'part')}; give it alone, or several "
                "sources of one part each"
            )
        parts.append(
            replace(source.parts[0], number=number, clock=MatchClock(half=number if number < 3 else 1))
        )
    names = {part.name for part in parts}
    if len(names) < len(parts):
        parts = [replace(part, name=f"{part.number}_{part.name}") for part in parts]
    labels = list(dict.fromkeys(label for source in sources for label in source.labels))
    merged = {old: new for source in sources for old, new in source.labels.merged.items()}
    return SpotSource(
        name=sources[0].name,
        folder=sources[0].folder,
        parts=tuple(parts),
        labels=LabelSet(tuple(labels), merged),
        labels_are_known=all(source.labels_are_known for source in sources),
        notices=notices,
        read=tuple(path for source in sources for path in source.read),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What is known of a file of spots besides itself."""

    parts: tuple[RecordedPart, ...]
    labels: LabelSet | None
    peaks: PeakConfig
    kickoff_seconds: float | None
    """None: parts are halves of a match."""


def _read_one(path: Path, videos: Sequence[Path], notices: Notices) -> SpotSource:
    if not path.exists():
        raise DataError(f"no file or folder {path}; give what bvas spot wrote, or a file of spots")
    if path.is_dir():
        path = path / RESULTS_NAME
        if not path.is_file():
            raise DataError(
                f"no {RESULTS_NAME} in {path.parent}; give a folder that bvas spot wrote, or a file"
            )
    found = read_spot_file(path, notices)
    folder = path.parent
    name = folder.absolute().name if path.name in (RESULTS_NAME, "spots.csv") else path.stem
    recording = read_recording(folder)
    known = _assumed(found, videos, name, folder) if recording is None else _recorded(recording)
    spots = _by_part(found, known.parts, path, is_recorded=recording is not None)
    unknown = sorted(spots.keys() - {part.number for part in known.parts})
    if unknown:
        raise DataError(
            f"{path} holds spots of part {unknown[0]}, and {count_text(len(known.parts), 'video')} would "
            "be all; name the video of each part, in order, with --video"
        )
    if videos:
        if len(videos) != len(known.parts):
            raise ConfigError(
                f"{path} is about {count_text(len(known.parts), 'video')}, and --video names "
                f"{len(videos)}; name each once, in order"
            )
        known = replace(
            known,
            parts=tuple(
                replace(part, path=video, address="") for part, video in zip(known.parts, videos, strict=True)
            ),
        )
    curves = {part.number: folder / f"{part.name}{_CURVE}" for part in known.parts}
    parts = tuple(
        SpottedPart(
            number=part.number,
            name=part.name,
            candidates=tuple(spots.get(part.number, ())),
            clock=_clock(part, known.kickoff_seconds),
            video=None if part.address else _video(part.path, part.reading, is_named=bool(videos)),
            curve_path=curves[part.number] if curves[part.number].is_file() else None,
            peaks=known.peaks,
            reading=part.reading,
        )
        for part in known.parts
    )
    labels = known.labels or _labels(parts, path)
    parts = tuple(_within(part, labels, path, notices) for part in parts)
    return SpotSource(
        name=name,
        folder=folder,
        parts=parts,
        labels=labels,
        labels_are_known=known.labels is not None or any(part.curve_path is not None for part in parts),
        notices=notices,
        read=(path,),
    )


def _recorded(recording: Recording) -> _Known:
    return _Known(
        parts=recording.parts,
        labels=recording.labels,
        peaks=recording.peaks,
        kickoff_seconds=recording.kickoff_seconds,
    )


def _assumed(found: SpotFile, videos: Sequence[Path], name: str, folder: Path) -> _Known:
    """Make the best of spots without `recording.json`: those of another system, of a table, of live output."""
    numbers = range(1, len(videos) + 1) if videos else sorted(found.spots) or [1]

    def part(place: int, number: int) -> RecordedPart:
        if videos:
            return RecordedPart(
                number=number, name=output_stem(videos[place].stem), path=videos[place], begin_seconds=0.0
            )
        file = found.files.get(number, "")
        several = len(numbers) > 1
        own = (
            Path(file).stem
            or _named_by_curve(folder, number, several)
            or (f"{name}_{number}" if several else name)
        )
        return RecordedPart(number=number, name=own, path=Path(file), begin_seconds=0.0)

    return _Known(
        parts=tuple(part(place, number) for place, number in enumerate(numbers)),
        labels=None,
        peaks=PeakConfig(),
        kickoff_seconds=None,
    )


def _named_by_curve(folder: Path, number: int, several: bool) -> str | None:
    """Return the name of a half's video by its score curve, `1_720p_scores.npz`, as `bvas predict` writes it."""
    curves = sorted(folder.glob(f"{number}_*{_CURVE}")) or (
        [] if several else sorted(folder.glob(f"*{_CURVE}"))
    )
    return curves[0].name.removesuffix(_CURVE) if len(curves) == 1 else None


def _by_part(
    found: SpotFile, parts: Sequence[RecordedPart], path: Path, *, is_recorded: bool
) -> Mapping[int, Sequence[Spot]]:
    """Return spots in the time of their own videos."""
    if not found.is_one_timeline or (not is_recorded and len(found.spots) < 2):
        return found.spots
    if not is_recorded:
        raise DataError(
            f"{path} lays {count_text(len(found.spots), 'file')} end to end, and no recording.json "
            "beside it says where each "
            f"begins; give the {RESULTS_NAME} of the same run instead"
        )
    spots = {}
    for number, listed in found.spots.items():
        file = found.files.get(number, "")
        part = next((part for part in parts if file in ("", *_table_names(part))), None)
        if part is None:
            raise DataError(f"{path} names the video {file}, which recording.json beside it does not know")
        spots[part.number] = [
            replace(spot, seconds=max(0.0, spot.seconds - part.begin_seconds)) for spot in listed
        ]
    return spots


def _table_names(part: RecordedPart) -> tuple[str, str]:
    """Return what `spots.csv` may call a part's file."""
    return shown_name(part.path.name), shown_name(part.path)


def _clock(part: RecordedPart, kickoff_seconds: float | None) -> MatchClock:
    if kickoff_seconds is None:
        return MatchClock(half=part.number if part.number in (1, 2) else 1)
    return MatchClock(kickoff_seconds=kickoff_seconds - part.begin_seconds)


def _video(path: Path, reading: ReadOptions, *, is_named: bool) -> SpottedVideo | None:
    """Return a video that was named, or that a file names and that is still there."""
    if not is_named and not path.is_file():
        return None
    index, _ = build_index(path, reading=reading)
    return SpottedVideo(path=path, index=index, frames=FrameTimes.of(index))


def _labels(parts: Sequence[SpottedPart], path: Path) -> LabelSet:
    """Return the labels of a score curve if there is one, else those that occur."""
    for part in parts:
        if part.curve_path is not None:
            return LabelSet(load_curve(part.curve_path).labels)
    occurring = dict.fromkeys(spot.label for part in parts for spot in part.candidates)
    return LabelSet(tuple(sorted(occurring)) or ("no label",))


def _within(part: SpottedPart, labels: LabelSet, path: Path, notices: Notices) -> SpottedPart:
    """Leave out what cannot be, counted.

    Raises:
        DataError: the times are in another unit than seconds.
    """
    odd = [spot for spot in part.candidates if spot.label not in labels]
    if odd:
        notices.add(f"of label {odd[0].label!r} or others that the model does not know", str(path), len(odd))
    if part.video is None:
        return part
    length = part.video.frames.duration_seconds
    late = [spot for spot in part.candidates if spot.seconds >= length + 1 / float(part.video.frames.rate)]
    if not late:
        return part
    video = part.video.path
    if 2 * len(late) > len(part.candidates) and max(spot.seconds for spot in late) < length * _UNIT:
        raise DataError(
            f"{len(late)} of {len(part.candidates)} spots of {path} lie after the end of {video} ({length:.2f} s), the "
            f"first at {late[0].seconds:g} s: these are milliseconds, or spots of another video"
        )
    notices.add(f"after the end of {video} ({length:.2f} s), left out", str(path), len(late))
    kept = tuple(spot for spot in part.candidates if spot not in set(late))
    return replace(part, candidates=kept)
