"""Staging of a half: the moment, the camera and the light of every frame of its video."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.bodies import Poses, body_poses
from bvas.synthetic.camera import CameraPath, aim, trail
from bvas.synthetic.lighting import Light
from bvas.synthetic.movement import Floats
from bvas.synthetic.officials import raised_arms
from bvas.synthetic.play_record import STATES, Play, PlayEvent
from bvas.synthetic.shots import CAMERA_POSITIONS, Shot

_CHEST_M = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """Content of L pictures."""

    play: Play
    """As it is shown, frame by frame. Events and incidents have the frames in which they happened."""
    path: CameraPath
    """Camera of each frame."""
    shots: tuple[Shot, ...]
    """In order and without a gap."""
    poses: Poses
    """Of all figures."""
    cuts: frozenset[int]
    """First frames of the shots; such a frame has no motion blur."""
    light: Light | None = None
    """None for even light."""


def stage(play: Play, path: CameraPath, shots: tuple[Shot, ...], light: Light | None) -> Staging:
    """Stage a half.

    Args:
        play: The match as it happened, with its N figures.
        path: The main camera's path.
        shots: The shots of the half, in order and without a gap.
        light: The light; None for even light.
    """
    moments = shown_moments(play.num_frames, shots)
    before = np.floor(moments).astype(np.int64)
    part = moments - before

    def between(values: NDArray[np.float32]) -> NDArray[np.float32]:
        weight = part.astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
        after = np.minimum(before + 1, play.num_frames - 1)
        return np.asarray(values[before] + weight * (values[after] - values[before]))

    states: dict[str, Any] = {name: between(getattr(play, name)) for name in STATES}
    shown = replace(play, **states, phase=play.phase[before], owner=play.owner[before])
    path = _camera_path(shown, path, shots)

    def visible(events: Sequence[PlayEvent]) -> tuple[PlayEvent, ...]:
        return tuple(replace(event, visible=shows(event.frame)) for event in events)

    def shows(frame: int) -> bool:
        shot = next(shot for shot in shots if shot.start <= frame < shot.stop)
        # A close-up or a replay does not show the ball as it moves now.
        return shot.kind in ("main", "second") and path.shows(shown.watched[frame].astype(np.float64), frame)

    return Staging(
        play=replace(shown, events=visible(play.events), incidents=visible(play.incidents)),
        path=path,
        shots=shots,
        poses=body_poses(play, raised_arms(play)).at(before, part / float(play.rate)),
        cuts=frozenset(shot.start for shot in shots),
        light=light,
    )


def shown_moments(num_frames: int, shots: Sequence[Shot]) -> Floats:
    """Return the frame of the play in each frame of the video, [L]; a slow replay has fractions of frames."""
    moments = np.arange(num_frames, dtype=np.float64)
    for shot in shots:
        if shot.kind == "replay":
            moments[shot.start : shot.stop] = shot.first_shown + shot.speed * np.arange(
                shot.stop - shot.start
            )
    return moments


def _camera_path(shown: Play, path: CameraPath, shots: Sequence[Shot]) -> CameraPath:
    """Return one path over all shots."""
    pan, tilt, focal, position = (
        values.copy() for values in (path.pan, path.tilt, path.focal, path.position)
    )
    for shot in shots:
        if shot.kind == "main":
            continue
        frames = slice(shot.start, shot.stop)
        place = CAMERA_POSITIONS[shot.kind][shot.view]
        if shot.kind == "closeup":
            target = np.pad(shown.players[frames, shot.player].astype(np.float64), ((0, 0), (0, 1)))
            target[:, 2] = _CHEST_M
            lag = 0.25
        else:
            target = shown.watched[frames].astype(np.float64) * [1.0, 1.0, 0.3] + [0.0, 0.0, 0.5]
            # In slow motion the camera is slow as well.
            lag = 0.3 / shot.speed
        followed = trail(target, lag=lag, rate=float(shown.rate))
        pan[frames], tilt[frames], focal[frames] = aim(followed, place, width_m=shot.width_m, size=path.size)
        position[frames] = place
    return CameraPath(size=path.size, pan=pan, tilt=tilt, focal=focal, position=position)
