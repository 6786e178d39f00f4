"""Outputs of `bvas spot`, `intervals` and `classify`: parts of a recording on one timeline, and their files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bvas.data.interval_files import intervals_csv_text
from bvas.errors import ConfigError
from bvas.experiment.experiment import Experiment, TaskKindName
from bvas.inference.class_rows import DEFAULT_TOP
from bvas.report.class_table import classes_csv_text
from bvas.report.content import video_report
from bvas.report.spots_csv import SpotRow, write_spots_csv
from bvas.report.timeline import timeline_png
from bvas.results.interval_rows import file_names, interval_rows
from bvas.results.made_from import VideoRecord
from bvas.results.recording import Recording
from bvas.results.store import (
    CLASS_TABLE_NAME,
    INTERVAL_TABLE_NAME,
    INTERVALS_NAME,
    RECORDING_NAME,
    RESULTS_NAME,
    TABLE_NAME,
    curve_path,
    save_curve,
    timeline_path,
    write_found,
    write_recording,
)
from bvas.results.video_result import VideoFile, VideoResult
from bvas.system.atomic_files import write_bytes, write_text
from bvas.system.file_names import output_stem
from bvas.values.annotations import LabelSet
from bvas.values.match_clock import MatchClock
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.index.video_index import build_index

# A page has a switch and a row of figures for each label.
_MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """One file of a recording, and the range of it that is spotted."""

    video: VideoFile
    from_seconds: float = 0.0
    """Start of the range, in the file's own time."""
    to_seconds: float | None = None
    """End of the range; None for the end of the file."""


def part_names(paths: Sequence[Path]) -> list[str]:
    """Return the names of the parts' outputs: the stems of the files, numbered where two are alike."""
    stems = [output_stem(path.stem) for path in paths]
    counts = Counter(stems)
    return [stem if counts[stem] == 1 else f"{number}_{stem}" for number, stem in enumerate(stems, start=1)]


def plan_parts(
    paths: Sequence[Path],
    from_seconds: float,
    to_seconds: float | None,
    reading: ReadOptions = DEFAULT_READING,
) -> list[PlannedPart]:
    """Lay the files of a recording end to end, and return those that a range of that timeline touches.

    Raises:
        DecodeError: one of the files is not a video that can be read.
        ConfigError: the range is empty or lies behind the end.
    """
    names = part_names(paths)
    plans, begin = [], 0.0
    for number, path in enumerate(paths, 1):
        end = begin + build_index(path, reading=reading)[1].duration_seconds
        if from_seconds < end and (to_seconds is None or to_seconds > begin):
            name = names[number - 1]
            video = VideoFile(number=number, name=name, path=path, begin_seconds=begin, reading=reading)
            to = None if to_seconds is None or to_seconds >= end else to_seconds - begin
            plans.append(PlannedPart(video, max(0.0, from_seconds - begin), to))
        begin = end
    if not plans or (to_seconds is not None and to_seconds <= from_seconds):
        stop = "the end" if to_seconds is None else f"{to_seconds:g} s"
        raise ConfigError(
            f"the range {from_seconds:g} s to {stop} holds no frame of the recording (0 to {begin:.2f} s)"
        )
    return plans


def output_names(names: Sequence[str], kind: TaskKindName) -> list[str]:
    """Return the names of all files that a recording with parts of these names has."""
    found = [RESULTS_NAME, TABLE_NAME] if kind == "spot" else [INTERVALS_NAME, INTERVAL_TABLE_NAME]
    found += [CLASS_TABLE_NAME] if kind == "clip" else []
    folder = Path()
    parts = [path.name for name in names for path in (curve_path(folder, name), timeline_path(folder, name))]
    return [*found, RECORDING_NAME, *parts]


def write_outputs(
    out: Path,
    experiment: Experiment,
    clock: MatchClock,
    results: Sequence[VideoResult],
    duration_seconds: float,
    *,
    made_from: Sequence[VideoRecord],
    in_part: str,
    top: int = DEFAULT_TOP,
) -> None:
    """Write the newest part of a recording into a folder, and the files about all parts so far.

    Args:
        out: The folder.
        experiment: The experiment whose models are used.
        clock: The match clock, on the timeline of all parts.
        results: The parts so far; curves and pictures of those before the last are there already.
        duration_seconds: Length of the last part.
        made_from: All files of the recording.
        in_part: Reason why the results cover a part of the recording only; empty where they are complete.
        top: Of kind clip, labels in a line of the table.

    Raises:
        DataError: a file cannot be written.
    """
    newest = results[-1]
    labels = _listed_labels(experiment.task.labels, results)
    recording = Recording(
        experiment=experiment.name,
        labels=labels,
        peaks=experiment.drawn_peaks,
        kickoff_seconds=clock.kickoff_seconds,
        made_from=tuple(made_from),
        in_part=in_part,
        parts=tuple(
            replace(result.video, path=result.video.path and result.video.path.absolute())
            for result in results
        ),
    )
    # First: from now on the folder is known to be of this recording.
    write_recording(out, recording)
    save_curve(newest.required_curve, curve_path(out, newest.video.name))
    own_clock = MatchClock(kickoff_seconds=clock.kickoff_seconds - newest.video.begin_seconds)
    report = video_report(replace(newest, clock=own_clock), labels, duration_seconds=duration_seconds)
    write_bytes(timeline_path(out, newest.video.name), timeline_png(report, labels))
    write_found(out, out.name, results, rate=experiment.input.rate, kind=experiment.kind)
    if experiment.kind == "spot":
        write_spots_csv(out / TABLE_NAME, _rows(results, clock))
    else:
        write_text(out / INTERVAL_TABLE_NAME, intervals_csv_text(interval_rows(results)))
    if experiment.kind == "clip":
        write_text(out / CLASS_TABLE_NAME, classes_csv_text(results, top))


def _listed_labels(labels: LabelSet, results: Sequence[VideoResult]) -> LabelSet:
    """Return the labels that a page lists: all, or of hundreds of classes those that were found."""
    if len(labels) <= _MOST_LISTED:
        return labels
    found = {one.label for result in results for one in result.intervals}
    return LabelSet(tuple(label for label in labels if label in found) or labels.names)


def _rows(results: Sequence[VideoResult], clock: MatchClock) -> list[SpotRow]:
    """Return the shown spots on the timeline of all parts."""
    rows = []
    for result, file in zip(results, file_names(results), strict=True):
        shown = set(result.shown)
        for spot, frame in zip(result.spots, result.spot_frames, strict=True):
            if spot in shown:
                moved = replace(spot, seconds=result.video.begin_seconds + spot.seconds)
                rows.append(SpotRow(spot=moved, clock=clock.text(moved.seconds), file=file, frame=frame))
    return rows
