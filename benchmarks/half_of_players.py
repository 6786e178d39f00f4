"""One half of a match through the parts of `bvas players`, with what each part costs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import harness
import numpy as np

from bvas.detection.detection_files import read_detection_file
from bvas.detection.detector_choice import load_detector
from bvas.inference.class_windows import DEFAULT_EVERY
from bvas.inference.classifier import load_classifier
from bvas.metrics.clear_mot import clear_counts
from bvas.metrics.track_overlaps import TrackRows, sequence_overlaps
from bvas.players.classify_players import classify_players, plan_players
from bvas.players.detect_video import DEFAULT_STRIDE, VideoDetections, detection_frames
from bvas.players.player_files import record_of, write_players
from bvas.players.track_players import players_result, tracked
from bvas.report.players_overlay import write_players_overlay
from bvas.system.atomic_files import write_json
from bvas.tracking.frame_boxes import FrameBoxes
from bvas.tracking.mot_files import read_truth
from bvas.tracking.tracker_config import TrackerConfig
from bvas.video.index.video_index import build_index

COSTS_NAME = "costs.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """A half of the unseen match, and its truth."""

    video: Path

    @property
    def truth(self) -> Path:
        """True boxes."""
        return self.video.with_name(f"{self.video.name[0]}_gt.txt")

    @property
    def actions(self) -> Path:
        """True actions."""
        return self.video.with_name(f"{self.video.name[0]}_actions.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A case of a half, which a process runs."""

    case: str
    half: Half
    detector: Path | None
    """None takes the true boxes, without identities."""
    runs: Path
    experiment: str
    out: Path
    """Results folder."""


@dataclass(slots=True)
class Costs:
    """CPU seconds of each part."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Note what runs inside."""
        before = harness.cpu_seconds()
        yield
        self.seconds[part] = harness.cpu_seconds() - before


def run_half(work: Work) -> None:
    """Find the players of a half, write the results folder and what each part cost; what is there is left."""
    if (work.out / COSTS_NAME).is_file():
        return
    costs, half = Costs(), work.half
    index, info = build_index(half.video)
    classifier = load_classifier(work.experiment, work.runs, device="cpu")
    if work.detector is None:
        boxes = read_detection_file(half.truth, index)
    else:
        detector = load_detector(work.detector, device="cpu")
        with costs.of("detect"):
            frames = detection_frames(index.seconds, DEFAULT_STRIDE)
            boxes = list(VideoDetections(index=index, detector=detector, frames=frames))
    with costs.of("track"):
        named = tracked(boxes, index, TrackerConfig())
    tracks = [track for track, _ in named]
    with costs.of("classify"):
        windows = plan_players(index, tracks, classifier, DEFAULT_EVERY)
        actions = classify_players(index, tracks, windows, classifier)
    result = players_result(index, info, named, actions, classifier, every=DEFAULT_EVERY, detector=work.case)
    write_players(work.out, result, record_of(half.video))
    if work.detector is not None:
        with costs.of("draw"):
            write_players_overlay(work.out / "players.mp4", result)
    write_json(
        work.out / COSTS_NAME,
        {
            "video_seconds": index.duration_seconds,
            "windows": len(windows),
            "cpu_seconds": costs.seconds,
            **detection_counts(boxes, half),
        },
    )


def detection_counts(boxes: Sequence[FrameBoxes], half: Half) -> dict[str, int]:
    """Return true, false and missed detections at IoU 0.5, before any tracking."""
    rows = np.concatenate([np.empty((0, 4)), *(frame.boxes for frame in boxes)])
    found = TrackRows(
        frames=np.repeat([frame.frame for frame in boxes], [len(frame.boxes) for frame in boxes]),
        # Each box is an identity of its own.
        identities=np.arange(len(rows)),
        boxes=rows,
    )
    counts = clear_counts(sequence_overlaps(read_truth(half.truth), found))
    return {"true": counts.matches, "missed": counts.misses, "false": counts.false_alarms}
