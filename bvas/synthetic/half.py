"""One half of one synthetic match: simulated, filmed, rendered, written."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bvas.synthetic.camera import CameraPath, follow_ball
from bvas.synthetic.config import SyntheticConfig
from bvas.synthetic.events import Play, PlayEvent
from bvas.synthetic.play import play_half
from bvas.synthetic.render import Renderer
from bvas.video.writer import VideoWriter

_REPORT_EVERY = 50
# Streams of random numbers of a match: one's draws never shift another's.
_PLAY, _CAMERA, _LOOK, _NOISE = range(4)


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
    play = play_half(
        config.play,
        seed=(config.seed, match_number, half, _PLAY),
        num_frames=config.frames_per_half,
        rate=config.rate,
        home_sign=1 if half == 1 else -1,
    )
    path = follow_ball(play, config.scene, size=config.size, seed=(config.seed, match_number, half, _CAMERA))
    events = tuple(_with_visibility(event, play, path) for event in play.events)
    return replace(play, events=events), path


def half_renderer(
    config: SyntheticConfig, match_number: int, half: int
) -> tuple[Renderer, tuple[PlayEvent, ...]]:
    """Return the pictures and the events of a half."""
    play, path = simulate_half(config, match_number, half)
    renderer = Renderer(
        play,
        path,
        config.scene,
        look_seed=(config.seed, match_number, _LOOK),
        noise_seed=(config.seed, match_number, half, _NOISE),
    )
    return renderer, play.events


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


def _with_visibility(event: PlayEvent, play: Play, path: CameraPath) -> PlayEvent:
    ball = play.ball[event.frame].astype(np.float64)
    return replace(event, visible=path.shows(ball, event.frame))
