"""Pictures of an evaluation: a timeline of each scored video, and a short annotated clip."""

from dataclasses import replace
from pathlib import Path

from bvas.evaluation.experiment_scores import Evaluation
from bvas.experiment.experiment import Experiment
from bvas.report.content import VideoReport, as_half, video_report
from bvas.report.overlay import write_overlay
from bvas.report.timeline import timeline_png
from bvas.results.store import timeline_path
from bvas.system.atomic_files import write_bytes
from bvas.tasks.peaks import above
from bvas.values.annotations import LabelSet

_CLIP_SECONDS = 20.0


def write_pictures(evaluation: Evaluation, experiment: Experiment, out: Path) -> list[Path]:
    """Write a timeline picture of each scored video and a short annotated clip of the first; return the files."""
    out.mkdir(parents=True, exist_ok=True)
    labels = experiment.task.labels
    indexed = [replace(result, video=result.video.indexed()) for result in evaluation.videos]
    videos = [as_half(video_report(result, labels)) for result in indexed]
    pictures = []
    for shown in videos:
        pictures.append(timeline_path(out, shown.file_stem))
        write_bytes(pictures[-1], timeline_png(shown, labels))
    clip = out / f"{videos[0].file_stem}_clip.mp4"
    _write_clip(videos[0], labels, clip)
    return [*pictures, clip]


def _write_clip(shown: VideoReport, labels: LabelSet, path: Path) -> None:
    """Write the stretch around the densest spots, where most is to be seen."""
    times = [spot.seconds for spot in above(shown.result.spots, 0.5)] or [0.0]
    start = max(times, key=lambda t: sum(t <= other < t + _CLIP_SECONDS for other in times))
    start = max(0.0, min(start - 1.0, shown.duration_seconds - _CLIP_SECONDS))
    stop = min(start + _CLIP_SECONDS, shown.duration_seconds)
    write_overlay(path, shown, labels, from_seconds=start, to_seconds=stop)
