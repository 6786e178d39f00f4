"""Action clips: one player each, staged on a pitch and followed by a camera with a long lens.

The clips of a match follow one another on one time line, with a cut before each, so that they are rendered as a half
is. They share kits, pitch, light and the camera's place.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bvas.synthetic.bodies import PLAYER_SCALE, SHADOW, Poses, body_points
from bvas.synthetic.camera import CameraPath, aim
from bvas.synthetic.clip_actions import REVERSED, draw_action
from bvas.synthetic.clip_config import ClipSetConfig
from bvas.synthetic.config import SceneConfig
from bvas.synthetic.lighting import Light
from bvas.synthetic.movement import Floats
from bvas.synthetic.play_record import NUM_PLAYERS, Phase, Play
from bvas.synthetic.render import Renderer
from bvas.synthetic.shots import Shot
from bvas.synthetic.staging import Staging

JOINTS = (
    *("hip", "neck", "head", "left hip", "left knee", "left foot", "right hip", "right knee", "right foot"),
    *("left shoulder", "left hand", "right shoulder", "right hand"),
)
"""Body points of a joints file, in its order."""

# Without an open shutter: a streak behind the ball would tell a kick from one that is played backward.
_SCENE = SceneConfig(noise_luma=2.0, ball_scale=1.4, exposure=0.0)
_CAMERA_X_M, _CAMERA_Y_M, _CAMERA_HEIGHT_M = (-30.0, 30.0), (-58.0, -44.0), (4.0, 13.0)
_PLACE_X_M, _PLACE_Y_M = (-42.0, 42.0), (-26.0, 26.0)
# Meters across a picture of SpaceJam's aspect: a player is 105 to 135 of 176 rows high.
_VIEW_WIDTH_M, _ASPECT = (2.05, 2.5), 128 / 176
_AIM_HEIGHT_M, _OFF_CENTER_M, _AIM_AHEAD_M = (0.95, 1.15), 0.12, (0.0, 0.35)
_SMOOTH_SECONDS, _SHAKE_M = 0.2, 0.02
# How far a player may turn out of the plane of the picture.
_MOST_TURNED = np.radians(55.0)
# Others are behind the player, and to the side.
_OTHERS_PROBABILITIES = (0.6, 0.3, 0.1)
_OTHER_BEHIND_M, _OTHER_ASIDE_M, _OTHER_SPEED = (2.0, 9.0), (1.0, 2.2), 1.5
_FAR_M = 200.0
_COURSE, _MATCH, _LOOK, _NOISE, _COLORS, _WEATHER, _EXPOSURE = range(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Take:
    """State of one clip of F frames, with N players."""

    players: Floats
    """[F, N, 2]"""
    facing: Floats
    """[F, N], as the next two and the three before the last."""
    reach: Floats
    gait: Floats
    ball: Floats
    """[F, 3]"""
    holder: NDArray[np.int16]
    """[F] the player with the ball in the hands; -1 for none."""
    kicks: Floats
    headers: Floats
    falls: Floats
    camera: Floats
    """[F, 6] pan, tilt, focal length, and position."""

    def backward(self) -> "_Take":
        return _Take(**{item.name: getattr(self, item.name)[::-1] for item in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipMatch:
    """The clips of one match, of F frames each."""

    staging: Staging
    """All clips in order."""
    labels: tuple[str, ...]
    actors: tuple[int, ...]
    """The player of each clip, who is followed."""
    num_frames: int
    """Frames of one clip (F)."""
    seeds: tuple[int, int]

    def renderer(self) -> Renderer:
        """Return the renderer of the pictures."""
        look, noise, colors = ((*self.seeds, stream) for stream in (_LOOK, _NOISE, _COLORS))
        return Renderer(self.staging, _SCENE, look_seed=look, noise_seed=noise, color_seed=colors)

    def frames(self, clip: int) -> slice:
        """Return the frames of a clip, by its number in the match."""
        return slice(clip * self.num_frames, (clip + 1) * self.num_frames)

    def joints(self, clip: int) -> NDArray[np.float32]:
        """Return the player's joints of a clip in pixels (x, y), float32 [F, 13, 2]; some may lie outside."""
        frames = self.frames(clip)
        points = body_points(self.staging.play, self.staging.poses, frames)[:, self.actors[clip], :SHADOW]
        return np.asarray(self.staging.path.project(points, frames)[0], dtype=np.float32)


def film_clips(config: ClipSetConfig, match: int) -> ClipMatch:
    """Stage the clips of a match, from 0; the same config and match give the same clips."""
    seeds = (config.seed, match)
    rng = np.random.default_rng((*seeds, _MATCH))
    camera = np.array([rng.uniform(*_CAMERA_X_M), rng.uniform(*_CAMERA_Y_M), rng.uniform(*_CAMERA_HEIGHT_M)])
    numbers = config.clips_of(match)
    labels = config.labels()[numbers.start : numbers.stop]
    takes, actors = [], []
    for number, label in zip(numbers, labels, strict=True):
        # The label is not part of the seed: a clip is that of its reversed label, played backward.
        take, actor = _take(config, label, camera, np.random.default_rng((*seeds, _COURSE, number)))
        takes.append(take)
        actors.append(actor)
    return ClipMatch(
        staging=_stage(config, takes, seeds),
        labels=labels,
        actors=tuple(actors),
        num_frames=config.num_frames,
        seeds=seeds,
    )


def _take(config: ClipSetConfig, label: str, camera: Floats, rng: np.random.Generator) -> tuple[_Take, int]:
    """Return a clip, and its player."""
    if label in REVERSED:
        take, actor = _take(config, REVERSED[label], camera, rng)
        return take.backward(), actor
    seconds = np.arange(config.num_frames) / float(config.rate)
    actor, *others = rng.permutation(NUM_PLAYERS).tolist()
    place = np.array([rng.uniform(*_PLACE_X_M), rng.uniform(*_PLACE_Y_M)])
    view = np.arctan2(*(place - camera[:2])[::-1])
    side = view - np.pi / 2 + (np.pi if rng.random() < 0.5 else 0.0)
    action = draw_action(label, seconds, side + rng.uniform(-_MOST_TURNED, _MOST_TURNED), rng)

    num = len(seconds)
    away = np.array([np.cos(view), np.sin(view)])
    # Players who take no part stand far behind the camera.
    players = np.tile(camera[:2] - _FAR_M * away, (num, NUM_PLAYERS, 1))
    facing, reach, gait = (np.zeros((num, NUM_PLAYERS)) for _ in range(3))
    kicks, headers, falls = (np.full((num, NUM_PLAYERS), np.inf) for _ in range(3))
    players[:, actor] = place + action.places
    for table, values in (
        *((facing, action.facing), (reach, action.reach), (gait, action.gait)),
        *((kicks, action.kicks), (headers, action.headers), (falls, action.falls)),
    ):
        table[:, actor] = values
    for other in others[: rng.choice(len(_OTHERS_PROBABILITIES), p=_OTHERS_PROBABILITIES)]:
        behind = rng.uniform(*_OTHER_BEHIND_M) * away
        aside = rng.choice([-1.0, 1.0]) * rng.uniform(*_OTHER_ASIDE_M) * np.array([-away[1], away[0]])
        heading, speed = rng.uniform(0.0, 2 * np.pi), rng.uniform(0.0, _OTHER_SPEED)
        way = speed * seconds[:, None] * np.array([np.cos(heading), np.sin(heading)])
        players[:, other] = place + action.places.mean(axis=0) + behind + aside + way
        facing[:, other], reach[:, other] = heading, speed
        gait[:, other] = rng.uniform(0.0, 2 * np.pi) + 3.8 * speed * seconds
    offset = np.append(place, 0.0)
    ball = np.where(np.isnan(action.ball), np.append(camera[:2] - _FAR_M * away, 0.0), offset + action.ball)
    return _Take(
        players=players,
        facing=facing,
        reach=reach,
        gait=gait,
        ball=ball,
        holder=np.where(action.holds, actor, -1).astype(np.int16),
        kicks=kicks,
        headers=headers,
        falls=falls,
        camera=_camera(config, players[:, actor], action.facing, falls[:, actor], camera, rng),
    ), actor


def _camera(
    config: ClipSetConfig,
    places: Floats,
    facing: Floats,
    falls: Floats,
    position: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Return the course of the camera, [F, 6]: it keeps the body near the middle of the picture.

    Smoothing looks forward and back alike: played backward, the course is that of a clip played backward.
    """
    rate = float(config.rate)
    lying = np.where(np.isfinite(falls), np.clip((falls + 0.05) / 0.35, 0.0, 1.0), 0.0)
    ahead = rng.uniform(*_AIM_AHEAD_M) + 0.6 * PLAYER_SCALE * lying
    middle = places + ahead[:, None] * np.stack([np.cos(facing), np.sin(facing)], axis=-1)
    target = np.concatenate([middle, np.full((len(places), 1), rng.uniform(*_AIM_HEIGHT_M))], axis=-1)
    target += rng.uniform(-_OFF_CENTER_M, _OFF_CENTER_M, 3)
    target += _SHAKE_M * gaussian_filter1d(rng.normal(0.0, 1.0, target.shape), 0.1 * rate, axis=0)
    target = gaussian_filter1d(target, _SMOOTH_SECONDS * rate, axis=0, mode="nearest")
    height, width = config.size
    # By height: a wider picture shows more of the pitch, and the player in the same size.
    width_m = rng.uniform(*_VIEW_WIDTH_M) / _ASPECT * width / height
    pan, tilt, focal = aim(target, position, width_m=width_m, size=config.size)
    return np.stack(
        [pan, tilt, np.full(len(pan), focal.mean()), *np.tile(position, (len(pan), 1)).T], axis=-1
    )


def _stage(config: ClipSetConfig, takes: list[_Take], seeds: tuple[int, int]) -> Staging:
    whole = {
        item.name: np.concatenate([getattr(take, item.name) for take in takes]) for item in fields(_Take)
    }
    num_frames = len(takes) * config.num_frames
    pan, tilt, focal, *position = whole["camera"].T
    path = CameraPath(size=config.size, pan=pan, tilt=tilt, focal=focal, position=np.stack(position, axis=-1))
    play = Play(
        rate=config.rate,
        players=whole["players"].astype(np.float32),
        facing=whole["facing"].astype(np.float32),
        speed=whole["reach"].astype(np.float32),
        gait=whole["gait"].astype(np.float32),
        ball=whole["ball"].astype(np.float32),
        # The exposure is that of the whole pitch, and not of the crop.
        watched=np.zeros((num_frames, 3), dtype=np.float32),
        phase=np.where(whole["holder"] >= 0, Phase.HANDS, Phase.FREE).astype(np.uint8),
        owner=whole["holder"],
        events=(),
        incidents=(),
        actions=(),
    )
    nothing = np.full(whole["kicks"].shape, np.inf)
    poses = Poses(
        kicks=whole["kicks"],
        headers=whole["headers"],
        feints=nothing,
        falls=whole["falls"],
        raised=np.zeros(nothing.shape, dtype=bool),
    )
    return Staging(
        play=play,
        path=path,
        shots=(Shot(start=0, stop=num_frames, kind="main"),),
        poses=poses,
        cuts=frozenset(range(0, num_frames, config.num_frames)),
        light=Light(play, match_seed=(*seeds, _WEATHER), half_seed=(*seeds, _EXPOSURE)),
    )
