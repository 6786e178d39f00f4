"""Presence recordings: an empty pitch, a camera on a tripod, and one player who comes and goes.

**Present** is a player whose body's middle, the hip, lies inside the picture. So half of an upright body is visible
in the first and the last frame of a stretch, and the boundaries are exact whatever the limbs do. A person of whom an
arm or a shoulder reaches into the picture does not count.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
from scipy.interpolate import PchipInterpolator

from bvas.errors import ConfigError
from bvas.synthetic.bodies import HIP, body_points
from bvas.synthetic.camera import CameraPath, aim, trail
from bvas.synthetic.config import SceneConfig
from bvas.synthetic.lighting import Light
from bvas.synthetic.movement import Floats
from bvas.synthetic.play_record import NUM_PLAYERS, Phase, Play
from bvas.synthetic.render import Renderer
from bvas.synthetic.shots import Shot
from bvas.synthetic.staging import Staging, stage
from bvas.values.arrays import Ints
from bvas.video.container.frame_rate import as_rate
from bvas.video.encode.encoder import Codec

LABEL = "IN_FRAME"
Variant = Literal["plain", "rotated", "variable", "flicker", "edge"]
"""Kinds of recordings, which follow one another: stored turned with a tag; of variable rate; under flickering lamps;
with somebody at the edge of the picture."""
VARIANTS: tuple[Variant, ...] = get_args(Variant)

_SCENE = SceneConfig(noise_luma=3.0)
_CAMERA_HEIGHT_M, _CAMERA_Y_M, _AIM_M = 2.5, -40.0, (18.0, 0.9)
_VIEW_WIDTH_M, _NEAREST_M, _FARTHEST_M = (12.0, 16.0), 15.0, 21.0
_HIP_M = 1.06
# A stretch has a rest of this length before and after it; outside, the player waits beyond the edge.
_REST_SECONDS, _OUTSIDE = 1.6, 1.7
_STEP_SECONDS, _LARGEST_STEP, _INNERMOST = 1.0, 0.6, 0.75
_STRIDE_RADIANS_PER_M = 2.3
_FLICKER_DEPTH = 0.12
_TICKS_PER_SECOND, _FRAME_TICKS = 1000, (33, 50)
# The hip of the person at the edge is this far outside, meters, and comes and goes in some seconds.
_BYSTANDER_M, _BYSTANDER_SECONDS = (0.2, 0.8), (6.0, 12.0)
_PATH, _LOOK, _NOISE, _COLORS, _WEATHER, _EXPOSURE = range(6)


@dataclass(frozen=True, kw_only=True, slots=True)
class PresenceConfig:
    """A set of recordings."""

    recordings: int = 40
    """At least 3; variants in turn. The last eighth is the test split, that before it the validation split."""
    minutes: float = 2.0
    """Length of a recording."""
    stretches: int = 4
    """Stretches of a recording with the player in the picture."""
    stretch_seconds: float = 5.0
    """Length of a stretch; at least 2."""
    size: tuple[int, int] = (180, 320)
    """(H, W) of the pictures as they are shown, both even."""
    rate: Fraction = Fraction(25)
    """Frames per second; recordings of variable rate have their own."""
    codec: Codec = "h264"
    keyframe_interval: int = 250
    """Frames from one keyframe to the next."""
    seed: int = 0
    color: bool = True
    sound: bool = False
    """A tone whose pitch codes the second (tone.py)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", as_rate(self.rate))
        if self.recordings < 3:
            raise ConfigError(f"recordings must be at least 3, one for each split, got {self.recordings}")
        least = self.stretches * (self.stretch_seconds + 2 * _REST_SECONDS)
        if self.stretches < 1 or self.stretch_seconds < 2.0 or self.minutes * 60 < least:
            raise ConfigError(
                f"{self.minutes:g} minutes must hold at least one stretch of at least 2 s, each with {_REST_SECONDS} s "
                f"before and after it; got {self.stretches} of {self.stretch_seconds:g} s, which take "
                f"{least / 60:.2f} minutes"
            )

    def variant(self, number: int) -> Variant:
        """Return the kind of recording `number`, from 0."""
        return VARIANTS[number % len(VARIANTS)]

    def split(self, number: int) -> Literal["train", "valid", "test"]:
        """Return the split of recording `number`, from 0."""
        part = max(1, self.recordings // 8)
        last = self.recordings - number
        return "test" if last <= part else "valid" if last <= 2 * part else "train"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """Contents of one recording of L frames."""

    variant: Variant
    rotation: int
    """Degrees counterclockwise by which the file's tag turns the pictures that it holds."""
    staging: Staging
    ticks: Ints
    """[L + 1] time of each frame, and of the end, in units of `time_base`."""
    time_base: Fraction
    stretches: tuple[tuple[int, int], ...]
    """First frame with the player, and first one without, of each stretch."""
    seeds: tuple[int, int]

    def renderer(self) -> Renderer:
        """Return the renderer of its pictures."""
        look, noise, colors = ((*self.seeds, stream) for stream in (_LOOK, _NOISE, _COLORS))
        return Renderer(self.staging, _SCENE, look_seed=look, noise_seed=noise, color_seed=colors)


def film(config: PresenceConfig, number: int) -> Recording:
    """Return recording `number`, from 0; the same config and number give the same recording."""
    seeds, variant = (config.seed, number), config.variant(number)
    rng = np.random.default_rng((*seeds, _PATH))
    ticks, time_base = _frame_ticks(config, variant, rng)
    seconds: Floats = ticks[:-1].astype(np.float64) * float(time_base)
    path = _tripod(len(seconds), config.size, rng)
    player, bystander = rng.permutation(NUM_PLAYERS)[:2].tolist()
    # Whoever takes no part stands behind the camera.
    ways = np.tile(path.position[0, :2] - [0.0, 50.0], (len(seconds), NUM_PLAYERS, 1))
    side = float(rng.choice([-1.0, 1.0]))
    ways[:, player] = _player(config, seconds, path, rng, side if variant == "edge" else None)
    if variant == "edge":
        ways[:, bystander] = _bystander(seconds, path, rng, side)
    play = _play(config, seconds, ways, path)
    light = None
    if variant == "flicker":
        light = Light(play, match_seed=(*seeds, _WEATHER), half_seed=(*seeds, _EXPOSURE))
        light.gain *= 1.0 + _FLICKER_DEPTH * np.sin(2 * np.pi * rng.uniform(1.5, 6.0) * seconds)
    staging = stage(play, path, (Shot(start=0, stop=len(seconds), kind="main"),), light)
    return Recording(
        variant=variant,
        rotation=int(rng.choice([90, 180, 270])) if variant == "rotated" else 0,
        staging=staging,
        ticks=ticks,
        time_base=time_base,
        stretches=_stretches(staging, player),
        seeds=seeds,
    )


def _frame_ticks(config: PresenceConfig, variant: Variant, rng: np.random.Generator) -> tuple[Ints, Fraction]:
    if variant != "variable":
        return np.arange(round(config.minutes * 60 * config.rate) + 1), 1 / config.rate
    length = round(config.minutes * 60 * _TICKS_PER_SECOND)
    durations = rng.integers(*_FRAME_TICKS, length // _FRAME_TICKS[0], endpoint=True)
    ends = np.cumsum(durations)
    return np.concatenate([[0], ends[ends <= length]]), Fraction(1, _TICKS_PER_SECOND)


def _tripod(num_frames: int, size: tuple[int, int], rng: np.random.Generator) -> CameraPath:
    place = np.array([rng.uniform(-35.0, 35.0), _CAMERA_Y_M, _CAMERA_HEIGHT_M])
    away, height = _AIM_M
    target = np.array([[place[0] + rng.uniform(-5.0, 5.0), place[1] + away, height]])
    turned = aim(target, place, width_m=float(rng.uniform(*_VIEW_WIDTH_M)), size=size)
    pan, tilt, focal = (np.repeat(values, num_frames) for values in turned)
    return CameraPath(size=size, pan=pan, tilt=tilt, focal=focal, position=np.tile(place, (num_frames, 1)))


def _at(path: CameraPath, across: Floats, away: Floats) -> Floats:
    """Return the places on the pitch, [L, 2], of bodies whose middle is `across` the picture and `away` meters.

    `across` is -1 at its left edge and 1 at its right edge.
    """
    right, _, forward = (axis[0] for axis in path.axes(slice(0, 1)))
    # Where the plane of a column of the picture meets the line at that distance and height.
    normal = right * path.focal[0] - forward * (across[:, None] * path.size[1] / 2)
    beside = -(normal[:, 1] * away + normal[:, 2] * (_HIP_M - path.position[0, 2])) / normal[:, 0]
    return np.asarray(path.position[0, :2] + np.stack([beside, away], axis=-1))


def _player(
    config: PresenceConfig,
    seconds: Floats,
    path: CameraPath,
    rng: np.random.Generator,
    occupied: float | None,
) -> Floats:
    """Return the player's way, [L, 2]; he uses the edges of the picture but the occupied one."""
    slot = config.minutes * 60 / config.stretches
    parts = []
    for number in range(config.stretches):
        spare = slot - config.stretch_seconds - 2 * _REST_SECONDS
        start = number * slot + _REST_SECONDS + rng.uniform(0.0, spare)
        inner = np.arange(1, int(config.stretch_seconds / _STEP_SECONDS)) * _STEP_SECONDS
        times = np.array(
            [-_REST_SECONDS, 0, *inner, config.stretch_seconds, config.stretch_seconds + _REST_SECONDS]
        )
        enters, leaves = rng.choice([-1.0, 1.0], 2) if occupied is None else (-occupied, -occupied)
        across = [enters * _OUTSIDE, enters]
        for left in range(len(inner), 0, -1):
            # Near enough to the side where he leaves, as far as steps can reach.
            reach = left * _LARGEST_STEP
            low, high = max(-_INNERMOST, leaves - reach), min(_INNERMOST, leaves + reach)
            across.append(float(np.clip(across[-1] + rng.uniform(-_LARGEST_STEP, _LARGEST_STEP), low, high)))
        across += [leaves, leaves * _OUTSIDE]
        away = rng.uniform(_NEAREST_M, _FARTHEST_M, len(times))
        is_here = (number * slot <= seconds) & (seconds < (number + 1) * slot)
        moments = np.clip(seconds[is_here] - start, times[0], times[-1])
        ways = (PchipInterpolator(times, values)(moments) for values in (across, away))
        parts.append(_at(path, *ways))
    return np.concatenate(parts)


def _bystander(seconds: Floats, path: CameraPath, rng: np.random.Generator, side: float) -> Floats:
    """Return the way of somebody at the edge, [L, 2], who never stands in the picture."""
    away = rng.uniform(_NEAREST_M, _FARTHEST_M)
    wave = np.sin(2 * np.pi * (seconds / rng.uniform(*_BYSTANDER_SECONDS) + rng.random()))
    nearest, farthest = _BYSTANDER_M
    outside = (nearest + farthest) / 2 + wave * (farthest - nearest) / 2
    half_width_m = path.size[1] / 2 * away / path.focal[0]
    return _at(path, side * (1.0 + outside / half_width_m), np.full(len(seconds), away))


def _play(config: PresenceConfig, seconds: Floats, ways: Floats, path: CameraPath) -> Play:
    """Return a play in which figures [L, N, 2] walk, and no ball is near."""
    num_frames = len(seconds)
    steps = np.diff(ways, axis=0, prepend=ways[:1])
    # Between two stretches the player goes around the camera, at once.
    steps[np.hypot(steps[..., 0], steps[..., 1]) > 2.0] = 0.0
    distance = np.hypot(steps[..., 0], steps[..., 1])
    headings = trail(steps.reshape(num_frames, -1), lag=0.25, rate=float(config.rate)).reshape(ways.shape)
    right, _, forward = (axis[0] for axis in path.axes(slice(0, 1)))
    beside = path.position[0] + 20.0 * forward + 200.0 * right
    nothing = np.zeros(num_frames)
    durations = np.diff(seconds, append=seconds[-1] + 1 / float(config.rate))
    return Play(
        rate=config.rate,
        players=ways.astype(np.float32),
        facing=np.arctan2(headings[..., 1], headings[..., 0]).astype(np.float32),
        speed=(distance / durations[:, None]).astype(np.float32),
        gait=(np.cumsum(distance, axis=0) * _STRIDE_RADIANS_PER_M).astype(np.float32),
        ball=np.tile(beside, (num_frames, 1)).astype(np.float32),
        watched=np.tile(beside, (num_frames, 1)).astype(np.float32),
        phase=np.full(num_frames, Phase.DEAD, dtype=np.uint8),
        owner=(nothing - 1).astype(np.int16),
        events=(),
        incidents=(),
        actions=(),
    )


def _stretches(staging: Staging, player: int) -> tuple[tuple[int, int], ...]:
    """Return the stretches with the player's hip in the picture, as it is rendered."""
    frames = slice(0, staging.play.num_frames)
    hips = body_points(staging.play, staging.poses, frames)[:, player, HIP : HIP + 1]
    (x, y), (height, width) = staging.path.project(hips, frames)[0][:, 0].T, staging.path.size
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    borders = np.flatnonzero(np.diff(inside, prepend=False, append=False)).tolist()
    return tuple(zip(borders[::2], borders[1::2], strict=True))
