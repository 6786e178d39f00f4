"""Players of one video on the command line: detection, tracks, actions, with estimates and progress."""

import argparse
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands.class_run import with_time_left
from bvas.commands.console import progress_bar
from bvas.commands.players_output import write_results
from bvas.system.file_names import shown_name
from bvas.values.plural import count_text
from bvas.values.units import duration_text
from bvas.video.container.read_options import Source

if TYPE_CHECKING:
    from bvas.detection.detector_protocol import Detector
    from bvas.inference.classifier import VideoClassifier
    from bvas.players.classify_players import PlayerActions
    from bvas.players.rois import Roi
    from bvas.players.track_players import NamedTrack
    from bvas.tracking.tracker_config import TrackerConfig

logger = logging.getLogger(__name__)

_LONG_SECONDS = 60.0
_TRIALS = 2
# Seconds between detections that still give whole tracks.
_LARGE_STRIDE = 0.1


class PlayersRun:
    """Finds the players of one video by the options of `bvas players`, and writes their files.

    Args:
        args: The options.
        source: The video.
        out: Folder of the results.
        rois: Boxes drawn around the players that are wanted.
    """

    def __init__(self, args: argparse.Namespace, source: Source, out: Path, rois: "Sequence[Roi]") -> None:
        from bvas.video.index.video_index import build_index

        self._args, self._source, self._out, self._rois = args, source, out, rois
        self._index, self._info = build_index(source.path)

    def find(self, classifier: "VideoClassifier | None") -> None:
        """Detect, track, classify, and write the results.

        Raises:
            ConfigError: a value breaks a rule, or no player is near a drawn box.
            DataError: a file is missing or malformed, or the folder holds results of another video.
            DecodeError: the video cannot be read.
        """
        from bvas.players.drawn_players import check_rois
        from bvas.players.player_files import check_same_video, record_of, remove_uncorrected
        from bvas.players.track_players import players_result
        from bvas.system.atomic_files import check_writable, remove_unfinished
        from bvas.system.locks import locked

        args = self._args
        check_rois(self._rois, self._index, (self._info.height, self._info.width))
        check_writable(self._out)
        with locked(self._out):
            remove_unfinished(self._out)
            if not args.overwrite:
                check_same_video(self._out, self._source)
            name, named = self._tracks()
            logger.info("%s: %s", self._name, count_text(len(named), "player"))
            if not named:
                logger.warning(
                    "no player was found: one begins with a detection of at least %.2g; --threshold P takes weaker "
                    "ones",
                    self._config().sure_score,
                )
            actions = None if classifier is None else self._classify(named, classifier)
            result = players_result(
                self._index, self._info, named, actions, classifier, every=args.every, detector=name
            )
            record = record_of(self._source.path, settings=self._settings())
            remove_uncorrected(self._out)
            write_results(args, self._out, result, record)

    @property
    def _name(self) -> str:
        return shown_name(self._source.path.name)

    def _tracks(self) -> "tuple[str, list[NamedTrack]]":
        """Return the name of the detector, and the tracks."""
        from bvas.detection.detector_choice import NO_DETECTOR
        from bvas.players.track_players import tracked

        args, index = self._args, self._index
        if args.detections is not None:
            from bvas.detection.detection_files import read_detection_file

            boxes = read_detection_file(args.detections, index)
            return args.detections.name, tracked(boxes, index, self._config(), self._rois)
        if args.detector == NO_DETECTOR:
            return "drawn", self._follow()
        from bvas.detection.detector_choice import load_detector
        from bvas.players.detect_video import DEFAULT_STRIDE, VideoDetections, detection_frames

        stride = DEFAULT_STRIDE if args.detector_stride is None else args.detector_stride
        frames = detection_frames(index.seconds, stride)
        detector = load_detector(
            args.detector,
            weights=args.detector_weights,
            description=args.detector_description,
            threshold=args.threshold,
            device=args.device,
        )
        self._say_detection(detector, len(frames), stride)
        with progress_bar("detect", "frame", quiet=args.quiet) as bar:
            video = VideoDetections(
                index=index,
                detector=detector,
                frames=frames,
                strict=args.strict,
                progress=with_time_left(bar, "frame"),
            )
            named = tracked(video, index, self._config(), self._rois, stride)
        if video.lost:
            from bvas.video.decode.damage_scan import frames_text

            number = count_text(sum(map(len, video.lost)), "frame")
            logger.warning("%s: %s cannot be decoded: %s", self._name, number, frames_text(video.lost))
        return detector.name, named

    def _follow(self) -> "list[NamedTrack]":
        from bvas.players.follow_players import follow_players

        with progress_bar("follow", "frame", quiet=self._args.quiet) as bar:
            found = follow_players(
                self._index, self._rois, strict=self._args.strict, progress=with_time_left(bar, "frame")
            )
        names = {track.number: name for track, name in found.tracks}
        for lost in found.lost:
            who = names[lost.player] or f"player {lost.player}"
            logger.warning(
                "%s is lost at %.2f s; to find him again, draw a later box of the same name on the page of --choose",
                who,
                lost.seconds,
            )
        return list(found.tracks)

    def _classify(self, named: "Sequence[NamedTrack]", classifier: "VideoClassifier") -> "PlayerActions":
        from bvas.inference.class_windows import clip_seconds
        from bvas.players.classify_players import classify_players, plan_players

        tracks = [track for track, _ in named]
        windows = plan_players(self._index, tracks, classifier, self._args.every)
        if windows:
            each = clip_seconds(classifier)
            if each * len(windows) > _LONG_SECONDS:
                logger.info(
                    "%s: %s of %s, %.2f s each on %s: about %s. Fewer: --players N, --every %g",
                    self._name,
                    count_text(len(windows), "window"),
                    count_text(len(tracks), "player"),
                    each,
                    classifier.device,
                    duration_text(each * len(windows)),
                    2 * self._args.every,
                )
        with progress_bar("classify", "window", quiet=self._args.quiet) as bar:
            found = classify_players(
                self._index,
                tracks,
                windows,
                classifier,
                strict=self._args.strict,
                progress=with_time_left(bar),
            )
        if found.num_lost:
            lost = count_text(found.num_lost, "window")
            logger.warning("%s: %s cannot be decoded, and have no action", self._name, lost)
        return found

    def _say_detection(self, detector: "Detector", num_frames: int, stride: float) -> None:
        """Say before work of more than a minute how long the detector takes."""
        import numpy as np

        black = np.zeros((1, self._info.height, self._info.width, 3), np.uint8)
        trials = []
        for _ in range(_TRIALS):
            started = time.perf_counter()
            detector.detect(black)
            trials.append(time.perf_counter() - started)
        if min(trials) * num_frames > _LONG_SECONDS:
            logger.info(
                "%s: %s in %s, %.2f s each: about %s. Fewer: --detector-stride %g",
                self._name,
                detector.name,
                count_text(num_frames, "frame"),
                min(trials),
                duration_text(min(trials) * num_frames),
                max(_LARGE_STRIDE, 2 * stride),
            )

    def _config(self) -> "TrackerConfig":
        from bvas.tracking.tracker_config import TrackerConfig

        config = TrackerConfig(max_players=self._args.players)
        threshold = self._args.threshold
        if threshold is None:
            return config
        return replace(config, min_score=threshold, sure_score=min(config.sure_score, threshold))

    def _settings(self) -> dict[str, object]:
        args = self._args
        return {
            "detector_stride": args.detector_stride,
            "threshold": args.threshold,
            "players": args.players,
            "rois": [[*roi.box, roi.seconds, roi.name] for roi in self._rois],
        }
