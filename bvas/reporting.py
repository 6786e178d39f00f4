"""What people look at: pictures, tables and clips, from spotted or scored videos."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bvas.curve import ScoreCurve
from bvas.errors import ConfigError
from bvas.experiment import Experiment
from bvas.files import replacing
from bvas.postprocess import PeakConfig, above, sigmas_of, smooth_scores
from bvas.recording import RecordedPart, Recording
from bvas.report.clock import MatchClock
from bvas.report.content import FrameTimes, VideoReport, video_report
from bvas.report.export import SpotRow, write_spots_csv
from bvas.report.overlay import write_overlay
from bvas.report.timeline import timeline_png
from bvas.scoring import Evaluation, ScoredVideo
from bvas.spots import LabelSet
from bvas.spotter import VideoSpots
from bvas.video.index import build_index

_CLIP_SECONDS = 20.0


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


@dataclass(frozen=True, slots=True)
class RecordingPart:
    """A file of a recording, and what was found in it."""

    plan: PartPlan
    found: VideoSpots


def plan_parts(paths: Sequence[Path], from_seconds: float, to_seconds: float | None) -> list[PartPlan]:
    """Lay the files of a recording end to end, and return those that a range of that timeline touches.

    Raises:
        DecodeError: one of the files is no video that can be read.
        ConfigError: the range is empty or lies behind the end.
    """
    stems = Counter(path.stem for path in paths)
    plans, begin = [], 0.0
    for number, path in enumerate(paths, 1):
        _, info = build_index(path)
        end = begin + info.duration_seconds
        if from_seconds < end and (to_seconds is None or to_seconds > begin):
            plans.append(
                PartPlan(
                    number=number,
                    path=path,
                    name=path.stem if stems[path.stem] == 1 else f"{number}_{path.stem}",
                    begin_seconds=begin,
                    from_seconds=max(0.0, from_seconds - begin),
                    to_seconds=None if to_seconds is None or to_seconds >= end else to_seconds - begin,
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
    found.curve.save(out / f"{plan.name}_scores.npz")
    shown = video_report(
        plan.path.name,
        found.spots,
        experiment.task.labels,
        duration_seconds=found.duration_seconds,
        operating_point=experiment.peaks.operating_points(experiment.task.labels),
        curve=smoothed(found.curve, experiment.peaks),
        gaps=[(gap.start_seconds, gap.end_seconds) for gap in found.gaps],
        clock=MatchClock(kickoff_seconds=kickoff_seconds - plan.begin_seconds),
    )
    _write_timeline(out / f"{plan.name}_timeline.png", shown, experiment)


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
                file = path.name if names[path.name] == 1 else str(path)
                rows.append(SpotRow(spot=moved, clock=clock.text(moved.seconds), file=file, frame=frame))
    write_spots_csv(out / "spots.csv", rows)


def write_recording(
    parts: Sequence[RecordingPart], experiment: Experiment, out: Path, kickoff_seconds: float
) -> None:
    """Write `recording.json` of a recording into `out`: what `bvas report` needs besides spots and curves."""
    recording = Recording(
        experiment=experiment.name,
        labels=experiment.task.labels,
        peaks=experiment.peaks,
        kickoff_seconds=kickoff_seconds,
        parts=tuple(
            RecordedPart(
                number=part.plan.number,
                name=part.plan.name,
                path=part.plan.path.absolute(),
                begin_seconds=part.plan.begin_seconds,
            )
            for part in parts
        ),
    )
    recording.write(out)


def write_pictures(evaluation: Evaluation, experiment: Experiment, out: Path) -> list[Path]:
    """Write a timeline picture of each scored video and a short annotated clip of the first; return the files."""
    out.mkdir(parents=True, exist_ok=True)
    first = evaluation.videos[0]
    videos = [scored_report(video, experiment) for video in evaluation.videos]
    pictures = []
    for scored, shown in zip(evaluation.videos, videos, strict=True):
        pictures.append(out / f"{file_name(scored)}_timeline.png")
        _write_timeline(pictures[-1], shown, experiment)
    clip = out / f"{file_name(first)}_clip.mp4"
    _write_clip(first, videos[0], experiment.task.labels, clip)
    return [*pictures, clip]


def file_name(video: ScoredVideo) -> str:
    """Return what the files about a video begin with."""
    return f"{video.match.folder.name.replace(' ', '_')}_{video.half}"


def scored_report(video: ScoredVideo, experiment: Experiment) -> VideoReport:
    """Return what pictures and the page show of a scored video.

    Raises:
        DecodeError: its file is no video.
    """
    index, _ = build_index(video.path)
    report = video_report(
        f"{video.match.folder.name}, half {video.half}",
        video.spots,
        experiment.task.labels,
        duration_seconds=index.duration_seconds,
        operating_point=experiment.peaks.operating_points(experiment.task.labels),
        annotations=video.annotations,
        curve=None if video.curve is None else smoothed(video.curve, experiment.peaks),
        gaps=() if video.curve is None else video.curve.holes(),
        clock=MatchClock(half=video.half if video.half in (1, 2) else 1),
    )
    return replace(
        report,
        frames=FrameTimes.of(index),
        match=video.match.name,
        part=video.half,
        file=video.path.name,
    )


def smoothed(curve: ScoreCurve, peaks: PeakConfig) -> ScoreCurve:
    """Return a curve as peaks are found in it."""
    return replace(curve, scores=smooth_scores(curve.scores, sigmas_of(peaks, curve.labels)))


def _write_timeline(path: Path, video: VideoReport, experiment: Experiment) -> None:
    labels = experiment.task.labels
    picture = timeline_png(video, labels, operating_point=experiment.peaks.operating_points(labels))
    with replacing(path) as temporary:
        temporary.write_bytes(picture)


def _write_clip(scored: ScoredVideo, shown: VideoReport, labels: LabelSet, path: Path) -> None:
    """Show the stretch around the densest spots, since that is where there is most to see."""
    times = [spot.seconds for spot in above(scored.spots, 0.5)] or [0.0]
    start = max(times, key=lambda t: sum(t <= other < t + _CLIP_SECONDS for other in times))
    start = max(0.0, min(start - 1.0, shown.duration_seconds - _CLIP_SECONDS))
    stop = min(start + _CLIP_SECONDS, shown.duration_seconds)
    write_overlay(path, scored.path, shown, labels, from_seconds=start, to_seconds=stop)
