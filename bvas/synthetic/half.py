"""One half of one synthetic match: simulated, filmed, rendered, written."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bvas.synthetic.camera import CameraPath, follow_ball
from bvas.synthetic.config import SyntheticConfig
from bvas.synthetic.director import Shot, direct
from bvas.synthetic.events import Play, PlayEvent
from bvas.synthetic.lighting import Light
from bvas.synthetic.officials import with_officials
from bvas.synthetic.play import play_half
from bvas.synthetic.render import Renderer
from bvas.synthetic.staging import Staging, shown_events, stage
from bvas.video.encode.video_writer import VideoWriter

_REPORT_EVERY = 50
# Streams of random numbers of a match: one's draws never shift another's.
_PLAY, _CAMERA, _LOOK, _NOISE, _CUTS, _WEATHER, _EXPOSURE = range(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfTask:
    """What a worker process needs to make one video; plain data."""

    config: SyntheticConfig
    match_number: int
    """From 0, challenge matches last."""
    half: int
    """1 or 2."""
    path: Path
    """Where the video goes."""


def simulate_half(config: SyntheticConfig, match_number: int, half: int) -> tuple[Play, CameraPath]:
    """Play and film a half. The events of the play say which of them the camera shows.

    The same config, match and half give the same result, so labels of any kind can be
    made at any time, also those of challenge matches, which are kept nowhere.
    """
    play, path, _ = _filmed_half(config, match_number, half)
    return play, path


def half_shots(config: SyntheticConfig, match_number: int, half: int) -> tuple[Shot, ...]:
    """Return which camera shows what in a half; one shot of the main camera where it is not cut."""
    play, _ = _played_half(config, match_number, half)
    return _shots(config, play, match_number, half)


def half_renderer(
    config: SyntheticConfig, match_number: int, half: int
) -> tuple[Renderer, tuple[PlayEvent, ...]]:
    """Return the pictures of a half and what its task annotates."""
    play, path, staging = _filmed_half(config, match_number, half)
    renderer = Renderer(
        play,
        path,
        config.scene,
        look_seed=(config.seed, match_number, _LOOK),
        noise_seed=(config.seed, match_number, half, _NOISE),
        staging=staging,
    )
    return renderer, play.incidents if config.task == "action" else play.events


def write_half(task: HalfTask, progress: Callable[[int], None]) -> tuple[PlayEvent, ...]:
    """Write the video of a half and return its events.

    Args:
        task: What to make, and where.
        progress: Called now and then with the number of frames written since the last call.

    Raises:
        DataError: the disk is full or the folder not writable; nothing of the video is left.
    """
    config = task.config
    renderer, events = half_renderer(config, task.match_number, task.half)
    with VideoWriter(
        task.path,
        size=config.size,
        rate=config.rate,
        codec=config.codec,
        keyframe_interval=config.keyframe_interval,
        crf=config.crf,
    ) as writer:
        waiting = 0
        for picture in renderer.frames():
            writer.write(picture)
            waiting += 1
            if waiting == _REPORT_EVERY:
                progress(waiting)
                waiting = 0
    progress(waiting)
    return events


def _played_half(config: SyntheticConfig, match_number: int, half: int) -> tuple[Play, CameraPath]:
    """Return the play, and the path of the main camera."""
    play = play_half(
        config.play,
        seed=(config.seed, match_number, half, _PLAY),
        num_frames=config.frames_per_half,
        rate=config.rate,
        home_sign=1 if half == 1 else -1,
    )
    path = follow_ball(play, config.scene, size=config.size, seed=(config.seed, match_number, half, _CAMERA))
    return play, path


def _shots(config: SyntheticConfig, play: Play, match_number: int, half: int) -> tuple[Shot, ...]:
    if config.broadcast is None:
        return (Shot(start=0, stop=play.num_frames, kind="main"),)
    return direct(play, config.broadcast, (config.seed, match_number, half, _CUTS))


def _filmed_half(
    config: SyntheticConfig, match_number: int, half: int
) -> tuple[Play, CameraPath, Staging | None]:
    """Return the play as it is shown, with its events as they happened; who sees which is marked."""
    play, path = _played_half(config, match_number, half)
    shots = _shots(config, play, match_number, half)
    staging: Staging | None = None
    broadcast = config.broadcast
    if broadcast is not None or config.task == "action":
        whole, gestures = with_officials(play)
        light = None
        if broadcast is not None:
            light = Light(
                play,
                broadcast,
                match_seed=(config.seed, match_number, _WEATHER),
                half_seed=(config.seed, match_number, half, _EXPOSURE),
            )
        wipe_seconds = 0.0 if broadcast is None else broadcast.wipe_seconds
        play, path, staging = stage(whole, gestures, path, shots, wipe_seconds=wipe_seconds, light=light)

    events, incidents = (
        shown_events(happened, play, path, shots, staging) for happened in (play.events, play.incidents)
    )
    return replace(play, events=events, incidents=incidents), path, staging
