"""A small report with known counts, over a video whose frames show their numbers."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
from sound_samples import make_video_with_sound

from bvas.experiment.peak_config import PeakConfig
from bvas.metrics.suspects import JudgedVideo, find_suspects
from bvas.report.content import MatchReport, VideoReport, video_report
from bvas.report.report_folder import write_report_folder
from bvas.results.frame_times import FrameTimes
from bvas.results.video_result import VideoFile, VideoResult
from bvas.values.annotations import Annotation, LabelSet, Spot
from bvas.values.match_clock import MatchClock
from bvas.values.score_curve import ScoreCurve
from bvas.video.encode.browser_preview import PreviewConfig
from bvas.video.index.video_index import build_index

EVIL = "<script>document.title='broken'</script>"
LABELS = LabelSet(("PASS", EVIL, "DRIVE"))
NUM_FRAMES = 500
ANNOTATIONS = [(50, "PASS"), (150, "PASS"), (250, "PASS"), (100, EVIL), (300, "DRIVE")]
# From 0.2 up: 3 hits, 2 misses, 3 false alarms; from 0.65 up: 2 hits, 3 misses, 1 false alarm.
SPOTS = [
    (52, "PASS", 0.9),
    (150, "PASS", 0.6),
    (250, "PASS", 0.1),
    (350, "PASS", 0.8),
    (100, EVIL, 0.7),
    (200, EVIL, 0.4),
    (400, "DRIVE", 0.25),
]


def curve_of(spots=SPOTS, labels=LABELS, num_frames=NUM_FRAMES) -> ScoreCurve:
    """A bump for each spot, as high as its confidence."""
    rows = np.arange(num_frames)
    scores = np.zeros((num_frames, len(labels)), np.float32)
    for frame, label, confidence in spots:
        bump = confidence * np.exp(-(((rows - frame) / 5.0) ** 2) / 2)
        column = scores[:, labels.label_id(label)]
        np.maximum(column, bump, out=column)
    return ScoreCurve(scores, rows / 25, labels.names)


def shown_video(
    name,
    spots,
    labels,
    *,
    duration_seconds,
    operating_point=0.2,
    annotations=None,
    curve=None,
    gaps=(),
    clock=None,
    match="",
    number=1,
    file="",
    frames=None,
) -> VideoReport:
    """The report of a video, its curve drawn as it is."""
    file = file or name
    video = VideoFile(
        name=Path(file).stem,
        match=match,
        number=number,
        path=Path(file),
        frames=frames or FrameTimes.even(duration_seconds),
    )
    result = VideoResult(
        video=video,
        curve=curve,
        spots=tuple(spots),
        gaps=gaps,
        annotations=None if annotations is None else tuple(annotations),
        clock=clock or MatchClock(),
        peaks=PeakConfig(operating_point=operating_point, sigma_frames=0.0),
    )
    return video_report(result, labels, name=name, duration_seconds=duration_seconds)


def video_of(*, annotated: bool = True, truth=ANNOTATIONS, **options) -> VideoReport:
    video = shown_video(
        "1.mkv",
        [Spot(label, frame / 25, confidence) for frame, label, confidence in SPOTS],
        LABELS,
        duration_seconds=NUM_FRAMES / 25,
        annotations=[Annotation(label, frame / 25) for frame, label in truth] if annotated else None,
        curve=curve_of(),
        **{"match": "a match", **options},
    )
    video = replace(video, path="matches/a match/1.mkv")
    (judged,) = with_suspects(video) if annotated else (video,)
    return judged


def with_suspects(*videos: VideoReport) -> list[VideoReport]:
    """What is judged by: support is the confidence of the answer, 0.1 for the missed pass, else 0."""
    judged = []
    for video in videos:
        supports = {hit.annotation: hit.spot.confidence for hit in video.matching.hits}
        supports |= {a: 0.1 if a.label == "PASS" else 0.0 for a in video.matching.misses}
        judged.append(JudgedVideo(matching=video.matching, supports=supports))
    found = find_suspects(judged, LABELS)
    return [
        replace(video, suspects=tuple(s for s in found if s.video == number))
        for number, video in enumerate(videos)
    ]


def report_of(*videos: VideoReport, title: str = "A match") -> MatchReport:
    return MatchReport(
        title=title,
        labels=LABELS,
        videos=videos,
        operating_point=0.2,
        average_precisions={"mAP@1": {"PASS": 0.8, EVIL: 0.5, "DRIVE": 0.2}},
        experiment="tiny",
        notes=("A note.",),
    )


def write_sample(folder: Path, *, annotated: bool = True, link: bool = False) -> Path:
    """Write a page with its preview; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "1.mkv"
    if not source.exists():
        make_video_with_sound(source, num_frames=NUM_FRAMES, size=(90, 160))
    frames = FrameTimes.of(build_index(source)[0])
    return write_report_folder(
        report_of(video_of(annotated=annotated, frames=frames, file=str(source))),
        folder / "report",
        link=link,
        config=PreviewConfig(crf=18),
        progress=lambda _: nullcontext(lambda done, total: None),
    )
