"""From a play and a list of shots to what each frame of the video shows, and through which camera."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.bodies import Poses, action_seconds
from bvas.synthetic.camera import CAMERA_POSITION, CameraPath, aim, trail
from bvas.synthetic.director import POSITIONS, Shot
from bvas.synthetic.events import Play, PlayEvent
from bvas.synthetic.lighting import Light
from bvas.synthetic.movement import Floats
from bvas.synthetic.officials import Gestures

_EYE_M = 1.05
"""What a close-up looks at: a player's chest, nearly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """What a picture of each of L frames takes besides play and camera."""

    poses: Poses
    """Of all figures."""
    held: NDArray[np.uint8]
    """[L, N] luma of what a raised hand holds; 0 for nothing."""
    live: NDArray[np.bool_]
    """[L] not a replay."""
    cut: NDArray[np.bool_]
    """[L] the first frame of a shot: what was before is not its past."""
    wipe: Floats
    """[L] how far a wipe's bar has come, 0 to 1; NaN where there is none."""
    light: Light | None = None
    """The light; None for that of a plain match."""


def stage(
    play: Play,
    gestures: Gestures,
    path: CameraPath,
    shots: Sequence[Shot],
    *,
    wipe_seconds: float,
    light: Light | None,
) -> tuple[Play, CameraPath, Staging]:
    """Return the play as it is shown, the camera that shows it, and the rest.

    Args:
        play: What happened, with officials.
        gestures: What the figures hold up.
        path: The main camera's path.
        shots: The shots of the half, in order and without a gap.
        wipe_seconds: Length of the wipe where a replay begins and ends; 0 for none.
        light: The light; of the time that is shown live.
    """
    moments = shown_moments(play.num_frames, shots)
    before = np.floor(moments).astype(np.int64)
    part = moments - before
    after = np.minimum(before + 1, play.num_frames - 1)
    shown = replace(
        play,
        players=_between(play.players, before, after, part),
        facing=_between(play.facing, before, after, part),
        speed=_between(play.speed, before, after, part),
        gait=_between(play.gait, before, after, part),
        ball=_between(play.ball, before, after, part),
        phase=play.phase[before],
        owner=play.owner[before],
        focus=_between(play.watched, before, after, part),
    )
    later = (part / float(play.rate))[:, None]
    cut = np.zeros(play.num_frames, dtype=bool)
    live = np.ones(play.num_frames, dtype=bool)
    for shot in shots:
        cut[shot.start] = True
        live[shot.start : shot.stop] = shot.kind != "replay"
    staging = Staging(
        poses=Poses(
            kicks=action_seconds(play, ("foot",), before=0.3, after=0.3)[before] + later,
            headers=action_seconds(play, ("head",), before=0.3, after=0.3)[before] + later,
            feints=action_seconds(play, ("feint",), before=0.3, after=0.3)[before] + later,
            falls=action_seconds(play, ("fall",), before=0.0, after=2.2)[before] + later,
            raised=gestures.raised[before],
        ),
        held=gestures.held[before],
        live=live,
        cut=cut,
        wipe=_wipes(play.num_frames, shots, round(wipe_seconds * float(play.rate))),
        light=light,
    )
    return shown, _cameras(shown, path, shots), staging


def shown_moments(num_frames: int, shots: Sequence[Shot]) -> Floats:
    """Return which frame of the play each frame of the video shows, [L]; a slow replay shows parts of frames."""
    moments = np.arange(num_frames, dtype=np.float64)
    for shot in shots:
        if shot.kind == "replay":
            moments[shot.start : shot.stop] = shot.first_shown + shot.speed * np.arange(
                shot.stop - shot.start
            )
    return moments


def shown_events(
    events: Sequence[PlayEvent], play: Play, path: CameraPath, shots: Sequence[Shot], staging: Staging | None
) -> tuple[PlayEvent, ...]:
    """Return the events, marked as visible where what the camera is after then can be seen.

    Args:
        events: What happened.
        play: As it is shown.
        path: The camera that shows it.
        shots: The shots of the half.
        staging: The rest; None where nothing is cut.
    """
    seen = np.zeros(play.num_frames, dtype=bool)
    for shot in shots:
        seen[shot.start : shot.stop] = shot.is_live
    if staging is not None:
        seen &= np.isnan(staging.wipe)

    def visible(frame: int) -> bool:
        return bool(seen[frame]) and path.shows(play.watched[frame].astype(np.float64), frame)

    return tuple(replace(event, visible=visible(event.frame)) for event in events)


def _between(
    values: NDArray[np.float32], before: NDArray[np.int64], after: NDArray[np.int64], part: Floats
) -> NDArray[np.float32]:
    weight = part.astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(values[before] + weight * (values[after] - values[before]))


def _cameras(shown: Play, path: CameraPath, shots: Sequence[Shot]) -> CameraPath:
    """Return one path over all shots."""
    pan, tilt, focal = path.pan.copy(), path.tilt.copy(), path.focal.copy()
    position = np.tile(CAMERA_POSITION, (shown.num_frames, 1))
    for shot in shots:
        if shot.kind == "main":
            continue
        frames = slice(shot.start, shot.stop)
        place = POSITIONS[shot.kind][shot.view]
        if shot.kind == "closeup":
            seen = np.pad(shown.players[frames, shot.player].astype(np.float64), ((0, 0), (0, 1)))
            seen[:, 2] = _EYE_M
            lag = 0.25
        else:
            seen = shown.watched[frames].astype(np.float64) * [1.0, 1.0, 0.3] + [0.0, 0.0, 0.5]
            # In slow motion the camera is slow as well.
            lag = 0.3 / shot.speed
        looked = trail(seen, lag=lag, rate=float(shown.rate))
        pan[frames], tilt[frames], focal[frames] = aim(looked, place, width_m=shot.width_m, size=path.size)
        position[frames] = place
    return CameraPath(size=path.size, pan=pan, tilt=tilt, focal=focal, position=position)


def _wipes(num_frames: int, shots: Sequence[Shot], length: int) -> Floats:
    """Return how far the bar has come; it crosses the picture while the cut is made under it."""
    wipe = np.full(num_frames, np.nan)
    if length < 2:
        return wipe
    for shot in shots:
        if shot.kind == "replay":
            for frame in (shot.start, shot.stop):
                first = frame - length // 2
                for i in range(length):
                    if 0 <= first + i < num_frames:
                        wipe[first + i] = (i + 0.5) / length
    return wipe
