"""What `bvas spot` writes about a recording: its parts on one timeline, curves, pictures and the table of spots."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bvas.errors import ConfigError
from bvas.experiment.experiment import Experiment
from bvas.inference.spot_video import VideoSpots
from bvas.report.content import video_report
from bvas.report.match_clock import MatchClock
from bvas.report.spots_csv import SpotRow, write_spots_csv
from bvas.report.timeline import timeline_png
from bvas.results.curve_files import save_curve
from bvas.results.recording import RecordedFile, RecordedPart, Recording
from bvas.system.atomic_files import write_bytes
from bvas.system.file_names import output_stem, shown_name
from bvas.tasks.peaks import smoothed
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.index.video_index import build_index


@dataclass(frozen=True, slots=True)
class PartPlan:
    """One file of a recording, and what of it is looked at."""

    number: int
    """1 for the first file."""
    path: Path
    name: str
    """What its outputs are called: the file's stem, with the number before it where two are alike."""
    begin_seconds: float
    """Where it begins on the timeline of all parts."""
    from_seconds: float
    """Start of the range, in the file's own time."""
    to_seconds: float | None
    """End of the range; None for the end of the file."""
    reading: ReadOptions = DEFAULT_READING
    """Which stream of the file is read, and how."""
    address: str = ""
    """Of what is not a file: its address without secrets, or `-` for standard input."""


@dataclass(frozen=True, slots=True)
class RecordingPart:
    """A file of a recording, and what was found in it."""

    plan: PartPlan
    found: VideoSpots


def part_names(paths: Sequence[Path]) -> list[str]:
    """Return what the outputs of each file are called: its stem, with its number before it where two are alike."""
    stems = [output_stem(path.stem) for path in paths]
    counts = Counter(stems)
    return [stem if counts[stem] == 1 else f"{number}_{stem}" for number, stem in enumerate(stems, start=1)]


def outputs_of(name: str) -> tuple[str, str]:
    """Return the names of the files that a part of this name has."""
    return f"{name}_scores.npz", f"{name}_timeline.png"


def plan_parts(
    paths: Sequence[Path],
    from_seconds: float,
    to_seconds: float | None,
    reading: ReadOptions = DEFAULT_READING,
) -> list[PartPlan]:
    """Lay the files of a recording end to end, and return those that a range of that timeline touches.

    Raises:
        DecodeError: one of the files is no video that can be read.
        ConfigError: the range is empty or lies behind the end.
    """
    names = part_names(paths)
    plans, begin = [], 0.0
    for number, path in enumerate(paths, 1):
        _, info = build_index(path, reading=reading)
        end = begin + info.duration_seconds
        if from_seconds < end and (to_seconds is None or to_seconds > begin):
            plans.append(
                PartPlan(
                    number=number,
                    path=path,
                    name=names[number - 1],
                    begin_seconds=begin,
                    from_seconds=max(0.0, from_seconds - begin),
                    to_seconds=None if to_seconds is None or to_seconds >= end else to_seconds - begin,
                    reading=reading,
                )
            )
        begin = end
    if not plans or (to_seconds is not None and to_seconds <= from_seconds):
        stop = "the end" if to_seconds is None else f"{to_seconds:g} s"
        raise ConfigError(
            f"the range {from_seconds:g} s to {stop} holds no frame of the recording (0 to {begin:.2f} s)"
        )
    return plans


def write_part(part: RecordingPart, experiment: Experiment, out: Path, kickoff_seconds: float) -> None:
    """Write the score curve and the timeline picture of one part into `out`."""
    plan, found = part.plan, part.found
    curve_name, picture_name = outputs_of(plan.name)
    save_curve(found.curve, out / curve_name)
    labels, peaks = experiment.task.labels, experiment.peaks
    operating_points = peaks.operating_points(labels)
    shown = video_report(
        shown_name(plan.path.name),
        found.spots,
        labels,
        duration_seconds=found.duration_seconds,
        operating_point=operating_points,
        curve=smoothed(found.curve, peaks),
        gaps=[(gap.start_seconds, gap.end_seconds) for gap in found.gaps],
        clock=MatchClock(kickoff_seconds=kickoff_seconds - plan.begin_seconds),
    )
    picture = timeline_png(shown, labels, operating_point=operating_points)
    write_bytes(out / picture_name, picture)


def write_table(
    parts: Sequence[RecordingPart], experiment: Experiment, out: Path, kickoff_seconds: float
) -> None:
    """Write `spots.csv` of a recording into `out`: seconds and match clock on the timeline of all parts."""
    names = Counter(part.plan.path.name for part in parts)
    clock = MatchClock(kickoff_seconds=kickoff_seconds)
    rows = []
    for part in parts:
        path = part.plan.path
        for spot, frame in zip(part.found.spots, part.found.source_frames, strict=True):
            if spot.confidence >= experiment.peaks.rule(spot.label).operating_point:
                moved = replace(spot, seconds=part.plan.begin_seconds + spot.seconds)
                file = shown_name(path.name if names[path.name] == 1 else path)
                rows.append(SpotRow(spot=moved, clock=clock.text(moved.seconds), file=file, frame=frame))
    write_spots_csv(out / "spots.csv", rows)


def write_recording(
    parts: Sequence[RecordingPart],
    experiment: Experiment,
    out: Path,
    kickoff_seconds: float,
    *,
    made_from: Sequence[RecordedFile] = (),
    in_part: str = "",
) -> None:
    """Write `recording.json` of a recording into `out`: what `bvas report` needs besides spots and curves.

    Args:
        parts: What was found so far.
        experiment: What it was made with.
        out: The folder.
        kickoff_seconds: When the match clock starts.
        made_from: All files of the recording.
        in_part: Why results are of a part of it only.
    """
    recording = Recording(
        experiment=experiment.name,
        labels=experiment.task.labels,
        peaks=experiment.peaks,
        kickoff_seconds=kickoff_seconds,
        made_from=tuple(made_from),
        in_part=in_part,
        parts=tuple(
            RecordedPart(
                number=part.plan.number,
                name=part.plan.name,
                path=part.plan.path.absolute(),
                begin_seconds=part.plan.begin_seconds,
                reading=part.plan.reading,
                address=part.plan.address,
            )
            for part in parts
        ),
    )
    recording.write(out)
