"""Export of spots: choice of spots, names of the files, and all files written or none."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bvas.data.interval_files import intervals_csv_text
from bvas.data.soccernet_files import results_json
from bvas.errors import ConfigError
from bvas.report.formats.edit_list import EditConfig, edl_text, otio_text
from bvas.report.formats.fiftyone import fiftyone_text
from bvas.report.formats.label_studio import label_studio_text, labeling_config
from bvas.report.formats.osl import osl_text
from bvas.report.formats.sportscode import sportscode_text
from bvas.report.formats.subtitles import srt_text, vtt_text
from bvas.report.formats.tables import csv_text, jsonl_text
from bvas.report.formats.timecode import EditRate, counts_on, edit_rate, nearest_edit_rate
from bvas.results.interval_rows import interval_rows
from bvas.results.video_result import Results, VideoFile, VideoResult
from bvas.system.atomic_files import check_writable, json_text, write_text
from bvas.system.file_names import output_stem
from bvas.tasks.peaks import above
from bvas.video.container.file_tags import read_tags
from bvas.video.container.frame_rate import same_rate

logger = logging.getLogger(__name__)

ExportFormat = Literal[
    "csv", "jsonl", "srt", "vtt", "edl", "otio", "sportscode", "soccernet", "osl", "label-studio", "fiftyone"
]
_JSON = ("soccernet", "osl", "label-studio", "fiftyone")
_SUFFIXES: dict[str, str] = {"sportscode": ".xml", **dict.fromkeys(_JSON, ".json")}
_OF_ALL_PARTS = ("csv", "jsonl", *_JSON)
_OF_INTERVALS = ("csv", "edl", "otio", "label-studio", "fiftyone")
_ALL_CANDIDATES = ("soccernet", "osl")
_MOST_EVENTS = 999
_DEFAULT_RATE = "25"
_GRID_RATES = (25.0, 50.0, 30_000 / 1001)
_MILLISECOND = 0.0011


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportConfig:
    """Choice of spots, and form of the file."""

    format: ExportFormat
    confidence: float | None = None
    """Lowest confidence; None: the operating point, and all candidates for `soccernet` and `osl`."""
    labels: tuple[str, ...] = ()
    """Only these; none: all."""
    hold_seconds: float = 1.5
    """Time that a subtitle stays."""
    lead_seconds: float = 3.0
    """Time between the begin of a clip or instance and its spot."""
    lag_seconds: float = 3.0
    """Time between the spot and the end of it."""
    rate: str | None = None
    """Rate of edit lists, by name; None: that of the video, or the nearest that editing programs know."""
    markers: bool = False
    """Markers instead of clips in edit lists."""
    start_timecode: str | None = None
    """Timecode of the first frame in edit lists; None: that of the file, else zero."""

    def __post_init__(self) -> None:
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise ConfigError(f"the confidence must lie in [0, 1], got {self.confidence}")
        for name in ("lead_seconds", "lag_seconds"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} must be finite and not negative, got {getattr(self, name)}")


def export_spots(
    source: Results, config: ExportConfig, out: Path | None = None, *, overwrite: bool = False
) -> list[tuple[Path, int]]:
    """Write the spots of a source for another program, and return the files with the number of spots in each.

    Tables and JSON hold all parts; of the other formats each part has a file. Label Studio's tasks have their labeling
    config beside them, which a log line names.

    Args:
        source: The spots.
        config: Choice of spots, and form of the file.
        out: A file, to which the number is added where there are several parts; or a folder that is there; None:
            beside the spots, named after the videos.
        overwrite: Replace files that are there.

    Raises:
        ConfigError: a label that does not occur, a format without its package, a file that is there already.
        DataError: a file cannot be written.
        DecodeError: a video cannot be read.
    """
    _check_format(source, config.format)
    parts = [_exported(result, config) for result in source.videos]
    _check_labels(source, config.labels)
    paths = _paths(source, parts, config.format, out)
    if config.format == "label-studio":
        paths.append(paths[0].with_name(f"{paths[0].stem}_config.xml"))
    for path in paths:
        _check_free(path, source, overwrite=overwrite)
    for folder in {path.parent for path in paths}:
        check_writable(folder, *(path.name for path in paths if path.parent == folder))
    if config.format in _OF_ALL_PARTS:
        texts = [_text_of_all(config.format, source, parts, paths[0].parent)]
        counts = [sum(map(_count, parts))]
        if config.format == "label-studio":
            texts.append(labeling_config(_labels_of(source, parts)))
            logger.info("%s: the labeling config of the project", paths[1])
    else:
        texts = [_text_of_one(part, config) for part in parts]
        counts = list(map(_count, parts))
    # Written when all of them are made: an error in the last part leaves no first one.
    for path, text in zip(paths, texts, strict=True):
        write_text(path, text)
    return list(zip(paths, counts, strict=False))


def _check_format(source: Results, format_name: str) -> None:
    if any(result.intervals for result in source.videos) and format_name not in _OF_INTERVALS:
        raise ConfigError(
            f"{source.folder} holds intervals, and '{format_name}' has spots alone; take one of "
            f"{', '.join(_OF_INTERVALS)}"
        )


def _count(part: VideoResult) -> int:
    return len(part.spots) + len(part.intervals)


def _exported(result: VideoResult, config: ExportConfig) -> VideoResult:
    """Return a result with the spots that are exported, in order of time, and a file only where it is there."""
    if config.confidence is not None:
        spots = above(result.spots, config.confidence)
    elif config.format in _ALL_CANDIDATES:
        spots = list(result.spots)
    else:
        spots = list(result.shown)
    intervals = [one for one in result.intervals if one.confidence >= (config.confidence or 0.0)]
    if config.labels:
        spots = [spot for spot in spots if spot.label in config.labels]
        intervals = [one for one in intervals if one.label in config.labels]
    video = result.video if result.video.frames is not None else replace(result.video, path=None)
    return replace(result, video=video, spots=tuple(spots), intervals=tuple(intervals))


def _player_offset(video: VideoFile) -> float:
    """Return the time that players show for the first shown frame: they count from the first packet."""
    if video.path is None or video.frames is None:
        return 0.0
    return max(video.frames.start_seconds - read_tags(video.path).clock_start_seconds, 0.0)


def _check_labels(source: Results, wanted: Sequence[str]) -> None:
    there = {spot.label for result in source.videos for spot in result.spots} | set(source.labels)
    there |= {one.label for result in source.videos for one in result.intervals}
    for label in wanted:
        if label not in there:
            raise ConfigError(
                f"no spot or interval has the label {label!r}; there are {', '.join(sorted(there))}"
            )


def _text_of_all(format_name: str, source: Results, parts: Sequence[VideoResult], folder: Path) -> str:
    if format_name == "csv":
        is_of_intervals = any(part.intervals for part in parts)
        return intervals_csv_text(interval_rows(parts)) if is_of_intervals else csv_text(parts)
    if format_name == "jsonl":
        return jsonl_text(parts)
    if format_name == "osl":
        return osl_text(source.name, _labels_of(source, parts), parts, folder, rate=_grid_rate(parts))
    if format_name == "label-studio":
        return label_studio_text(source.name, parts)
    if format_name == "fiftyone":
        return fiftyone_text(_labels_of(source, parts), parts)
    beyond = [part.video.number for part in parts if part.video.number > 2 and part.spots]
    if beyond:
        logger.warning("part %d: SoccerNet's evaluation reads halves 1 and 2 only", beyond[0])
    return json_text(
        results_json(source.name, {part.video.number: part.spots for part in parts}, rate=_grid_rate(parts))
    )


def _labels_of(source: Results, parts: Sequence[VideoResult]) -> list[str]:
    """Return the labels of the model where these are known, and behind them, sorted, others that occur."""
    known = list(source.labels) if source.labels_are_known else []
    occurring = {spot.label for part in parts for spot in part.spots}
    occurring |= {one.label for part in parts for one in part.intervals}
    return known + sorted(occurring - set(known))


def _grid_rate(parts: Sequence[VideoResult]) -> float:
    """Return the rate of the grid that all times lie on, as rounded to milliseconds; that of milliseconds for none.

    The official reader rounds down, and 1.16 s would become frame 28 at 25 a second, where the spot is on 29.
    """
    for rate in _GRID_RATES:
        frames = [spot.seconds * rate for part in parts for spot in part.spots]
        if all(abs(frame - round(frame)) <= _MILLISECOND * rate for frame in frames):
            return rate
    return 1000.0


def _text_of_one(part: VideoResult, config: ExportConfig) -> str:
    if config.format == "sportscode":
        return sportscode_text(part, config.lead_seconds, config.lag_seconds)
    if config.format in ("srt", "vtt"):
        subtitles = srt_text if config.format == "srt" else vtt_text
        return subtitles(part, config.hold_seconds, _player_offset(part.video))
    edits = edl_text if config.format == "edl" else otio_text
    return edits(part, _edit_config(part, config))


def _edit_config(part: VideoResult, config: ExportConfig) -> EditConfig:
    rate, first_frame = _edit_rate(part, config.rate), 0
    timecode = config.start_timecode
    if timecode is None and part.video.path is not None:
        timecode = read_tags(part.video.path).timecode
    if timecode is not None:
        counted = counts_on(rate, timecode)
        try:
            rate, first_frame = counted, counted.frame_of(timecode)
        except ConfigError as error:
            if config.start_timecode is not None:
                raise
            logger.warning("%s: its timecode is not used: %s", part.video.name, error)
    if config.format == "edl" and _count(part) > _MOST_EVENTS:
        logger.warning(
            "%s: %d events; CMX 3600 counts to %d, and some programs stop there: take fewer (--confidence, --label), "
            "or otio",
            *(part.video.name, _count(part), _MOST_EVENTS),
        )
    logger.info("%s: frames are counted at %s", part.video.name, rate.text)
    return EditConfig(
        rate=rate,
        first_frame=first_frame,
        lead_seconds=config.lead_seconds,
        lag_seconds=config.lag_seconds,
        markers=config.markers,
    )


def _edit_rate(part: VideoResult, name: str | None) -> EditRate:
    frames = part.video.frames
    if name is not None:
        chosen = edit_rate(name)
    elif frames is None:
        chosen = edit_rate(_DEFAULT_RATE)
        logger.warning(
            "%s: the video is unknown, so %s is assumed; name it with --video, or the rate with --rate",
            *(part.video.name, chosen.text),
        )
    else:
        chosen = nearest_edit_rate(frames.rate)
    if frames is not None and (frames.variable_rate or not same_rate(chosen.fps, frames.rate)):
        logger.warning(
            "%s has %s%.3f frames a second; its spots are put on %s by time",
            part.video.path and part.video.path.name,
            *("about " if frames.variable_rate else "", float(frames.rate), chosen.text),
        )
    return chosen


def _paths(source: Results, parts: Sequence[VideoResult], format_name: str, out: Path | None) -> list[Path]:
    suffix = _SUFFIXES.get(format_name, f".{format_name}")
    is_one = format_name in _OF_ALL_PARTS or len(parts) == 1
    if out is not None and not out.is_dir():
        if is_one:
            return [out]
        return [out.with_name(f"{out.stem}_{part.video.number}{out.suffix}") for part in parts]
    folder = source.folder if out is None else out
    if format_name in _OF_ALL_PARTS:
        return [folder / f"{source.name}{suffix}"]
    videos = [part.video for part in parts]
    stems = [video.name if video.path is None else output_stem(video.path.stem) for video in videos]
    if len(set(stems)) < len(stems):
        stems = [video.name for video in videos]
    return [folder / f"{stem}{suffix}" for stem in stems]


def _check_free(path: Path, source: Results, *, overwrite: bool) -> None:
    if not path.exists():
        return
    read = [*source.read, *(result.video.path for result in source.videos)]
    if any(path.samefile(file) for file in read if file is not None and file.exists()):
        raise ConfigError(f"{path} is what is exported; choose another --out")
    if path.is_dir() or not overwrite:
        raise ConfigError(f"{path} exists already; --overwrite replaces it, --out names another")
