"""What pictures and pages show of scored videos."""

from dataclasses import replace
from pathlib import Path

from bvas.evaluation.experiment_scores import Evaluation, ScoredVideo
from bvas.experiment.experiment import Experiment
from bvas.report.content import FrameTimes, VideoReport, video_report
from bvas.report.match_clock import MatchClock
from bvas.report.overlay import write_overlay
from bvas.report.timeline import timeline_png
from bvas.system.atomic_files import write_bytes
from bvas.tasks.peaks import above, smoothed
from bvas.values.annotations import LabelSet
from bvas.video.index.video_index import build_index

_CLIP_SECONDS = 20.0


def write_pictures(evaluation: Evaluation, experiment: Experiment, out: Path) -> list[Path]:
    """Write a timeline picture of each scored video and a short annotated clip of the first; return the files."""
    out.mkdir(parents=True, exist_ok=True)
    labels, first = experiment.task.labels, evaluation.videos[0]
    operating_points = experiment.peaks.operating_points(labels)
    videos = [scored_report(video, experiment) for video in evaluation.videos]
    pictures = []
    for scored, shown in zip(evaluation.videos, videos, strict=True):
        pictures.append(out / f"{file_name(scored)}_timeline.png")
        write_bytes(pictures[-1], timeline_png(shown, labels, operating_point=operating_points))
    clip = out / f"{file_name(first)}_clip.mp4"
    _write_clip(first, videos[0], labels, clip)
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
        gaps=() if video.curve is None else video.curve.gaps(),
        clock=MatchClock(half=video.half if video.half in (1, 2) else 1),
    )
    return replace(
        report,
        frames=FrameTimes.of(index),
        match=video.match.name,
        part=video.half,
        file=video.path.name,
    )


def _write_clip(scored: ScoredVideo, shown: VideoReport, labels: LabelSet, path: Path) -> None:
    """Show the stretch around the densest spots, since that is where there is most to see."""
    times = [spot.seconds for spot in above(scored.spots, 0.5)] or [0.0]
    start = max(times, key=lambda t: sum(t <= other < t + _CLIP_SECONDS for other in times))
    start = max(0.0, min(start - 1.0, shown.duration_seconds - _CLIP_SECONDS))
    stop = min(start + _CLIP_SECONDS, shown.duration_seconds)
    write_overlay(path, scored.path, shown, labels, from_seconds=start, to_seconds=stop)
