"""Players of a video in one call, from Python; and the steps that the command line takes one by one."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from bvas.detection.detection_files import read_detection_file
from bvas.detection.detector_choice import NO_DETECTOR, load_detector
from bvas.errors import DataError
from bvas.experiment.experiment import Experiment
from bvas.inference.class_windows import DEFAULT_EVERY, check_spacing
from bvas.inference.classifier import VideoClassifier, load_classifier
from bvas.players.classify_players import PlayerActions, classify_players, plan_players
from bvas.players.detect_video import DEFAULT_STRIDE, VideoDetections, detection_frames
from bvas.players.drawn_players import check_rois, chosen_tracks
from bvas.players.follow_players import follow_players
from bvas.players.players_result import Player, PlayersResult
from bvas.players.rois import Roi
from bvas.tracking.frame_boxes import FrameBoxes
from bvas.tracking.track_filling import fill_tracks
from bvas.tracking.tracker import track_boxes
from bvas.tracking.tracker_config import TrackerConfig
from bvas.tracking.tracks import Track
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.video_index import build_index

# Between two detections of a stride, and one that was missed, boxes are always filled.
_FILLED_STRIDES = 2.5

NamedTrack = tuple[Track, str]
"""A track, and the name of the player; empty for none."""


def track_players(
    path: Path | str,
    experiment: Experiment | str | VideoClassifier | None = None,
    *,
    detector: str = "auto",
    weights: Path | str | None = None,
    detections: Path | str | None = None,
    rois: Sequence[Roi] = (),
    tracker: TrackerConfig | None = None,
    every: float = DEFAULT_EVERY,
    stride: float = DEFAULT_STRIDE,
    runs: Path | str = "runs",
    device: str = "auto",
    batch_size: int | None = None,
) -> PlayersResult:
    """Return the players of a video: where each is in every frame, and what he does.

    >>> for row in track_players("game.mp4", "spacejam"):  # doctest: +SKIP
    ...     print(row.seconds, row.player, row.box, row.label, row.confidence)

    Args:
        path: The video file.
        experiment: A trained experiment of kind clip, its name, or a classifier; None: players have no actions.
        detector: Name or file of a detector, as `load_detector` takes it; "auto" by device; "none" follows `rois`.
        weights: File of the weights of a named detector; None: the published ones.
        detections: File of detections of any detector, in place of `detector`.
        rois: Boxes drawn around the players that are wanted; none: all players that are found.
        tracker: Limits and times of the tracker.
        every: Seconds from one window of a player to the next.
        stride: Least seconds from one detection to the next; 0 looks at each frame.
        runs: The runs folder, for `experiment`.
        device: As `load_spotter` takes it.
        batch_size: Frames and clips computed at once; None chooses. Results do not depend on it beyond rounding.

    Raises:
        ConfigError: a value breaks a rule, or no player is near a drawn box.
        CheckpointError: weights are unavailable, or not of the network.
        DataError: a file is missing or malformed.
        DecodeError: the video cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"no file {path}")
    index, info = build_index(path)
    check_rois(rois, index, (info.height, info.width))
    check_spacing(every, None)
    config = tracker or TrackerConfig()
    if detections is not None:
        name = Path(detections).name
        named = tracked(read_detection_file(Path(detections), index), index, config, rois)
    elif detector == NO_DETECTOR:
        name, named = "drawn", list(follow_players(index, rois).tracks)
    else:
        found = load_detector(detector, weights=weights, device=device)
        frames = detection_frames(index.seconds, stride)
        video = VideoDetections(index=index, detector=found, frames=frames, batch_size=batch_size or 1)
        name, named = found.name, tracked(video, index, config, rois, stride)
    classifier = _classifier(experiment, runs, device)
    actions = None
    if classifier is not None:
        tracks = [track for track, _ in named]
        windows = plan_players(index, tracks, classifier, every)
        actions = classify_players(index, tracks, windows, classifier, batch_size=batch_size)
    return players_result(index, info, named, actions, classifier, every=every, detector=name)


def tracked(
    boxes: Iterable[FrameBoxes],
    index: VideoIndex,
    config: TrackerConfig,
    rois: Sequence[Roi] = (),
    stride: float = DEFAULT_STRIDE,
) -> list[NamedTrack]:
    """Return the tracks of a video's detections, with a box in each frame between detections that are near in time.

    Args:
        boxes: Detections, frame by frame.
        index: The video.
        config: Limits and times of the tracker.
        rois: Boxes drawn around the players that are wanted; none: all.
        stride: Seconds from one detection to the next.

    Raises:
        ConfigError: no player is near a drawn box.
    """
    fill = max(config.fill_seconds, _FILLED_STRIDES * stride)
    tracks = fill_tracks(track_boxes(boxes, config), index.seconds, fill)
    return chosen_tracks(tracks, rois, index) if rois else [(track, "") for track in tracks]


def players_result(
    index: VideoIndex,
    info: VideoInfo,
    named: Sequence[NamedTrack],
    actions: PlayerActions | None,
    classifier: VideoClassifier | None,
    *,
    every: float,
    detector: str,
) -> PlayersResult:
    """Return tracks, names and actions as one value."""
    of_track = [()] * len(named) if actions is None else actions.actions
    return PlayersResult(
        path=index.path,
        size=(info.height, info.width),
        num_frames=index.num_frames,
        players=tuple(
            Player(track=track, name=name, actions=of_player)
            for (track, name), of_player in zip(named, of_track, strict=True)
        ),
        labels=() if classifier is None else classifier.experiment.task.labels.names,
        every=every,
        experiment="" if classifier is None else classifier.experiment.name,
        detector=detector,
    )


def _classifier(
    experiment: Experiment | str | VideoClassifier | None, runs: Path | str, device: str
) -> VideoClassifier | None:
    if isinstance(experiment, Experiment | str):
        return load_classifier(experiment, runs, device=device)
    return experiment
