"""Data set of clips: windows of players cut out of videos, each with its class.

OUT/clips/<recording>/<video>_p7_123.mp4   player 7, around grid frame 123
OUT/dataset.json                           version 2: samples, groups, shares of the splits
"""

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.data.dataset_json import DATASET_NAME, FORMAT_2
from bvas.errors import ConfigError, DataError, DecodeError
from bvas.players.labelled_windows import (
    LabelledWindow,
    PlayerClipsConfig,
    centers_of_labels,
    centers_of_result,
    choose_centers,
    row_labels,
    windows_at,
)
from bvas.players.player_crops import CropReader, window_crops
from bvas.players.player_files import check_same_video, read_players
from bvas.players.scored_players import label_truth
from bvas.results.recording_folder import default_folder
from bvas.results.store import PLAYERS_NAME
from bvas.system.atomic_files import new_folder, write_json
from bvas.tracking.mot_files import read_tracks, read_truth
from bvas.tracking.tracks import Track
from bvas.values.plural import count_text
from bvas.video.container.read_options import source_of
from bvas.video.decode.open_video import open_video
from bvas.video.encode.video_writer import VideoWriter
from bvas.video.index.frame_grid import make_grid
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

CLIPS = "clips"
_SHARES = {"train": 0.7, "valid": 0.2, "test": 0.1}
_CODING_QUALITY = 18


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayersOfVideo:
    """A video, and where its players and their actions stand."""

    video: Path
    results: Path | None = None
    """Results folder of `bvas players`; None: the two files."""
    tracks: Path | None = None
    """MOT file."""
    actions: Path | None = None
    """Table: player,from_frame,to_frame,label; players as in `tracks`."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _ChosenClips:
    """Clips to cut out of a video."""

    video: Path
    group: str
    tracks: tuple[Track, ...]
    windows: tuple[LabelledWindow, ...]


def make_player_clips(
    out: Path,
    videos: Sequence[PlayersOfVideo],
    config: PlayerClipsConfig,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Cut windows of players out of videos, and return the number of clips of each class.

    Each video is read once, in order. A clip that cannot be decoded is left out, with a warning. An error, or Ctrl-C,
    leaves nothing in `out`.

    Args:
        out: The data root; missing or empty.
        videos: The videos.
        config: Form and number of the clips.
        progress: Called with the number of finished clips, and of all.

    Raises:
        ConfigError: a video is given twice.
        DataError: `out` is not empty or cannot be written, a file is missing or malformed, or no window has an action.
        DecodeError: a video cannot be read, or no clip can be decoded.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not an empty folder; choose another, or remove it")
    groups = _groups([one.video for one in videos])
    chosen = [
        _choose(one, group, config, number)
        for number, (one, group) in enumerate(zip(videos, groups, strict=True))
    ]
    total = sum(len(one.windows) for one in chosen)
    if not total:
        wanted = f" of {', '.join(config.labels)}" if config.labels else ""
        raise DataError(
            f"no window{wanted} in {count_text(len(videos), 'video')} shows one action in half of its frames; are "
            "tracks and actions those of these videos?"
        )
    logger.info("%s of %s", count_text(total, "clip"), count_text(len(videos), "video"))
    samples: list[dict[str, str]] = []
    with new_folder(out):
        try:
            for one in chosen:
                done = len(samples)

                def report(num: int, done: int = done) -> None:
                    if progress is not None:
                        progress(done + num, total)

                samples += _cut(out, one, config, report)
            if not samples:
                raise DecodeError(
                    f"{count_text(total, 'clip')}, and none can be decoded; repair or re-encode the videos",
                    path=chosen[0].video,
                )
            content = _dataset(samples, config, len(set(groups)))
            write_json(out / DATASET_NAME, content)
        except BaseException:
            # Clips without dataset.json are of no use, and the next run wants an empty folder.
            shutil.rmtree(out / CLIPS, ignore_errors=True)
            raise
    counts = Counter(sample["label"] for sample in samples)
    return {label: counts[label] for label in content["labels"]}


def _groups(videos: Sequence[Path]) -> list[str]:
    """Return the recording of each video: both halves of a match in SoccerNet's layout, else the video itself.

    Raises:
        ConfigError: a video is given twice, or two of different recordings have one name.
    """
    names = [default_folder(source_of(str(video)), "").name for video in videos]
    places: dict[str, Path] = {}
    seen: set[Path] = set()
    for video, name in zip(videos, names, strict=True):
        path = video.resolve()
        other = places.setdefault(name, path)
        if path in seen:
            raise ConfigError(f"{video} is given twice; name each video once")
        # Halves lie in one folder and are named 1_720p, 2_720p.
        if path != other and (path.parent != other.parent or name == path.stem):
            raise ConfigError(f"{video} and {other} are both called {name!r}; rename one of them")
        seen.add(path)
    return names


def _choose(one: PlayersOfVideo, group: str, config: PlayerClipsConfig, number: int) -> _ChosenClips:
    index, _ = build_index(one.video)
    grid = make_grid(index, config.rate)
    if one.results is not None:
        if not (one.results / PLAYERS_NAME).exists():
            raise DataError(
                f"{one.results} holds no players; find them first: bvas players {one.video}, or give --tracks and "
                "--actions"
            )
        check_same_video(one.results, source_of(str(one.video)))
        result = read_players(one.results)
        tracks = [player.track for player in result.players]
        centers = centers_of_result(result, grid, config.clip)
    else:
        assert one.tracks is not None
        assert one.actions is not None
        tracks = read_tracks(one.tracks, index.seconds)
        centers = centers_of_labels(tracks, _labels(one.tracks, one.actions, tracks), grid, config.clip)
    chosen = choose_centers(centers, config, (config.seed, number))
    return _ChosenClips(
        video=one.video,
        group=group,
        tracks=tuple(tracks),
        windows=tuple(windows_at(chosen, tracks, grid, config.clip)),
    )


def _labels(tracks_path: Path, actions: Path, tracks: Sequence[Track]) -> list[list[str]]:
    """Return the action in each frame of each track; empty for none."""
    held = label_truth(read_truth(tracks_path), actions)
    labels = np.array(held.labels, dtype=object)
    found = []
    for track in tracks:
        own = held.rows.identities == track.number
        found.append(row_labels(track, held.rows.frames[own], labels[own].tolist()))
    return found


def _cut(
    out: Path, one: _ChosenClips, config: PlayerClipsConfig, report: Callable[[int], None]
) -> list[dict[str, str]]:
    """Write the clips of a video, and return their samples."""
    index, _ = build_index(one.video)
    grid = make_grid(index, config.rate)
    samples: list[dict[str, str]] = []
    num_lost = 0
    with open_video(one.video, size=config.size, channels="rgb") as reader:
        crops = CropReader(reader, config.input, grid)
        plain = [labelled.window for labelled in one.windows]
        read = window_crops(crops, plain, one.tracks)
        for labelled, (window, clip, error) in zip(one.windows, read, strict=True):
            if error is not None:
                num_lost += 1
                continue
            number = one.tracks[window.place].number
            name = f"{CLIPS}/{one.group}/{one.video.stem}_p{number}_{window.center}"
            _write(out / f"{name}.mp4", clip, config)
            samples.append(
                {"video": f"{name}.mp4", "label": labelled.label, "name": name, "group": one.group}
            )
            report(len(samples))
    if num_lost:
        logger.warning("%s: %s cannot be decoded and are left out", one.video, count_text(num_lost, "clip"))
    return samples


def _write(path: Path, clip: Sequence[NDArray[np.uint8]], config: PlayerClipsConfig) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, size=config.size, rate=config.rate, crf=_CODING_QUALITY) as writer:
        for crop in clip:
            writer.write(crop)


def _dataset(samples: list[dict[str, str]], config: PlayerClipsConfig, num_groups: int) -> dict[str, Any]:
    found = {sample["label"] for sample in samples}
    # One recording cannot be divided; of two, none is left for the test.
    shares = {"splits": _SHARES if num_groups > 2 else {"train": 0.7, "valid": 0.3}} if num_groups > 1 else {}
    return {
        "format": FORMAT_2,
        "labels": [*config.labels] or sorted(found),
        "samples": samples,
        **shares,
        "seed": config.seed,
    }
