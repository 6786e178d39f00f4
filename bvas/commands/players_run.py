"""Players of one video on the command line: estimates, progress, results, page, corrections."""

import argparse
import logging
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands.class_run import with_time_left
from bvas.commands.console import progress_bar
from bvas.errors import DataError
from bvas.system.file_names import shown_name
from bvas.values.plural import count_text
from bvas.values.units import duration_text
from bvas.video.container.read_options import Source

if TYPE_CHECKING:
    from bvas.detection.detector_protocol import Detector
    from bvas.inference.classifier import VideoClassifier
    from bvas.players.classify_players import PlayerActions
    from bvas.players.players_json import PlayersRecord
    from bvas.players.players_result import PlayerAction, PlayersResult
    from bvas.players.rois import Roi
    from bvas.players.track_players import NamedTrack
    from bvas.tracking.tracker_config import TrackerConfig

logger = logging.getLogger(__name__)

_LONG_SECONDS = 60.0
_TRIALS = 2


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
        from bvas.players.player_files import check_same_video, record_of
        from bvas.players.track_players import players_result
        from bvas.system.atomic_files import check_writable
        from bvas.system.locks import locked

        args = self._args
        check_writable(self._out)
        with locked(self._out):
            if not args.overwrite:
                check_same_video(self._out, self._source)
            name, named = self._tracks()
            logger.info("%s: %s", self._name, count_text(len(named), "player"))
            actions = None if classifier is None else self._classify(named, classifier)
            result = players_result(
                self._index, self._info, named, actions, classifier, every=args.every, detector=name
            )
            record = record_of(self._source.path, settings=self._settings())
            shutil.rmtree(uncorrected(self._out), ignore_errors=True)
            self._write(result, record)

    def write_page(self) -> None:
        """Write the page: to draw boxes, and to correct the results that are there.

        Raises:
            DataError: the folder holds results of another video.
        """
        from bvas.commands.report import preview_config
        from bvas.players.player_files import check_same_video, read_players
        from bvas.report.players_page import write_players_page
        from bvas.results.store import PLAYERS_NAME
        from bvas.system.locks import locked

        config = preview_config(self._args)
        with locked(self._out):
            check_same_video(self._out, self._source)
            base = self._base()
            result = read_players(base) if (base / PLAYERS_NAME).exists() else None
            page = write_players_page(
                self._out / "page",
                result,
                self._source.path,
                link=self._args.link,
                config=config,
                progress=lambda name: progress_bar(name, "frame", quiet=self._args.quiet),
            )
        print(f"page      {page}")

    def correct(self) -> None:
        """Apply corrections to the results that are there, and write them again.

        Raises:
            DataError: there are no results, they are of another video, or the corrections do not fit them.
        """
        from bvas.players.corrections import apply_corrections, read_corrections
        from bvas.players.player_files import check_same_video, read_players, read_record, write_players
        from bvas.results.store import PLAYERS_NAME
        from bvas.system.locks import locked

        corrections = read_corrections(self._args.corrections)
        with locked(self._out):
            if not (self._out / PLAYERS_NAME).exists():
                raise DataError(
                    f"{self._out} holds no players to correct; find them first: bvas players {self._source.name}"
                )
            check_same_video(self._out, self._source)
            base = self._base()
            found, record = read_players(base), read_record(base)
            result = apply_corrections(found, corrections)
            if base == self._out:
                write_players(uncorrected(self._out), found, record)
            logger.info("%s: %s applied", self._name, count_text(len(corrections.edits), "correction"))
            self._write(result, record)

    @property
    def _name(self) -> str:
        return shown_name(self._source.path.name)

    def _base(self) -> Path:
        """Return the folder of the players as they were found, before corrections."""
        kept = uncorrected(self._out)
        return kept if kept.exists() else self._out

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
        self._say_detection(detector, len(frames))
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
            found = follow_players(self._index, self._rois, progress=with_time_left(bar, "frame"))
        names = {track.number: name for track, name in found.tracks}
        for lost in found.lost:
            who = names[lost.player] or f"player {lost.player}"
            logger.warning(
                "%s is lost at %.2f s; draw the box again with --roi X,Y,W,H@TIME and a name in --rois",
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

    def _say_detection(self, detector: "Detector", num_frames: int) -> None:
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
                "%s: %s in %s, %.2f s each: about %s. Fewer: --detector-stride 0.1",
                self._name,
                detector.name,
                count_text(num_frames, "frame"),
                min(trials),
                duration_text(min(trials) * num_frames),
            )

    def _config(self) -> "TrackerConfig":
        from bvas.tracking.tracker_config import TrackerConfig

        return TrackerConfig(max_players=self._args.players)

    def _settings(self) -> dict[str, object]:
        args = self._args
        return {
            "detector_stride": args.detector_stride,
            "threshold": args.threshold,
            "players": args.players,
            "rois": [[*roi.box, roi.seconds, roi.name] for roi in self._rois],
        }

    def _write(self, result: "PlayersResult", record: "PlayersRecord") -> None:
        """Write the files of a result, and draw the video."""
        from bvas.players.player_files import write_players

        write_players(self._out, result, record)
        if not self._args.no_video:
            self._draw(result)
        for player in result.players:
            track = player.track
            shown = f"{track.seconds[0]:8.2f} s to {track.seconds[-1]:8.2f} s"
            labels = _most_frequent(player.actions)
            print(f"{player.caption:>12}  {shown}  {labels}")
        print(f"results in {self._out}")

    def _draw(self, result: "PlayersResult") -> None:
        from bvas.report.players_overlay import write_players_overlay
        from bvas.results.store import PLAYERS_VIDEO_NAME

        path = self._out / PLAYERS_VIDEO_NAME
        with progress_bar("draw", "frame", quiet=self._args.quiet) as bar:
            made = write_players_overlay(path, result, progress=bar)
        if made.lost:
            lost = count_text(sum(map(len, made.lost)), "frame")
            logger.warning("%s: %s not decoded; the one before stays on screen", self._name, lost)


def uncorrected(out: Path) -> Path:
    """Return the folder that keeps the players as they were found, once corrections are applied."""
    return out / "uncorrected"


def _most_frequent(actions: "Sequence[PlayerAction]") -> str:
    counts = Counter(action.label for action in actions)
    return ", ".join(f"{label} {count}" for label, count in counts.most_common(3))
