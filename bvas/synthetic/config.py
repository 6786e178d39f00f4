"""Settings of a synthetic league: play, picture, coding; presets."""

from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Literal

from bvas.errors import ConfigError
from bvas.video.container.frame_rate import as_rate
from bvas.video.encode.encoder import Codec

Task = Literal["ball", "ball12", "action"]
"""Label files to write: 2 or 12 labels of ball spotting, or the labels of Action Spotting."""
Preset = Literal["plain", "broadcast"]
"""Difficulty of the pictures."""
_NOT_PROBABILITIES = ("dead_ball_seconds", "shot_m", "forward", "own_halves")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayConfig:
    """Game settings. A probability belongs to one decision of the player with the ball."""

    first_touch: float = 0.24
    """A pass is played on without control, where the time to the next event allows it."""
    high_pass: float = 0.04
    """A pass over 25 m goes through the air and is a HIGH PASS."""
    cross: float = 0.25
    """A pass from the wing near the goal line is a CROSS."""
    shot: float = 0.12
    """The ball is shot from within `shot_m` of the goal."""
    tackle: float = 0.02
    """A run with the ball ends in a tackle."""
    foul: float = 0.2
    """A tackle is a foul, which gives a FREE KICK."""
    dead_ball_seconds: float = 6.0
    """Least spacing of two events that is filled by a ball out of play; at least 5."""
    shot_m: float = 24.0
    """Longest distance of a shot from the goal, meters; above 0."""
    forward: float = 0.08
    """Score of a pass per meter toward the goal; a meter clear of opponents scores 1.2. At least 0."""
    out: float = 0.0
    """A pass with enough time goes over the nearer touchline."""
    feint: float = 0.0
    """A run with the ball holds a wind-up that stops before the ball."""
    dummy: float = 0.0
    """A ground pass runs past a third player, who swings at it and lets it go."""
    combination: float = 0.0
    """A pass begins two to four passes at the first touch, 0.6 to 1 s apart."""
    trip: float = 0.0
    """A run with the ball in the opponents' penalty area ends in a foul and a penalty."""
    parry: float = 0.0
    """A stopped shot goes over the goal line, which gives a corner."""
    free_shot: float = 0.0
    """A free kick within 30 m of the goal is a shot."""
    offside: float = 0.0
    """A run with the ball sends a teammate behind the defense; a pass to this player is offside."""
    substitution: float = 0.0
    """A ball out of play is used for a substitution."""
    own_halves: bool = False
    """The teams return to their halves before the kick-off that follows a goal."""

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name not in _NOT_PROBABILITIES and not 0.0 <= getattr(self, item.name) <= 1.0:
                raise ConfigError(
                    f"{item.name} is a probability in [0, 1], got {getattr(self, item.name)}; choose one there"
                )
        if self.shot_m <= 0.0 or self.forward < 0.0 or self.dead_ball_seconds < 5.0:
            raise ConfigError(
                "shot_m must be above 0, forward at least 0 and dead_ball_seconds at least 5, got "
                f"{self.shot_m}, {self.forward} and {self.dead_ball_seconds}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneConfig:
    """Picture settings; a smaller ball, more noise and a wider view are harder."""

    view_width_m: float = 30.0
    """Meters across the picture at the ball; above 0."""
    zoom_variation: float = 0.15
    """Share by which the view narrows and widens, in [0, 0.8)."""
    camera_lag_seconds: float = 0.35
    """Delay of the camera behind the ball; above 0."""
    camera_shake_m: float = 0.15
    """Size of the operator's hand movement, meters at the ball; at least 0."""
    ball_scale: float = 2.0
    """Diameter of the ball over a real one's (0.22 m); above 0."""
    noise_luma: float = 2.5
    """Standard deviation of the sensor noise in luma steps; at least 0."""
    exposure: float = 0.5
    """Share of a frame's time with the shutter open, in [0, 1]: motion blur."""

    def __post_init__(self) -> None:
        for name in ("view_width_m", "camera_lag_seconds", "ball_scale"):
            if getattr(self, name) <= 0.0:
                raise ConfigError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in ("camera_shake_m", "noise_luma"):
            if getattr(self, name) < 0.0:
                raise ConfigError(f"{name} must be at least 0, got {getattr(self, name)}")
        if not 0.0 <= self.zoom_variation < 0.8 or not 0.0 <= self.exposure <= 1.0:
            raise ConfigError(
                f"zoom_variation must be in [0, 0.8) and exposure in [0, 1], got "
                f"{self.zoom_variation} and {self.exposure}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class SyntheticConfig:
    """A league of synthetic matches of two halves each."""

    matches: int = 7
    """Matches with labels."""
    challenge_matches: int = 2
    """Matches without a label file; they follow the labeled ones."""
    minutes: float = 5.0
    """Length of a match, both halves together."""
    size: tuple[int, int] = (224, 400)
    """(H, W) of the videos, both even and at least 64."""
    rate: Fraction = Fraction(25)
    """Frames per second, 10 to 120."""
    codec: Codec = "h264"
    """Video codec."""
    keyframe_interval: int = 250
    """Frames from one keyframe to the next."""
    seed: int = 0
    """The same seed gives the same labels and the same pictures."""
    play: PlayConfig = field(default_factory=PlayConfig)
    """Game settings."""
    scene: SceneConfig = field(default_factory=SceneConfig)
    """Picture settings."""
    task: Task = "ball"
    """Labels to write."""
    broadcast: bool = False
    """Cuts, close-ups, replays and changing light; False: one camera in even light."""
    color: bool = True
    """False: the same luma without chroma, in the same bytes as before there was color."""
    sound: bool = False
    """A tone whose pitch codes the second (tone.py)."""

    def __post_init__(self) -> None:
        if self.task not in ("ball", "ball12", "action"):
            raise ConfigError(f"task must be ball, ball12 or action, got {self.task!r}")
        if self.matches < 0 or self.challenge_matches < 0 or self.num_matches < 1:
            raise ConfigError(
                f"a league needs at least one match, got {self.matches} and {self.challenge_matches}"
            )
        height, width = self.size
        if height < 64 or width < 64 or height % 2 or width % 2:
            raise ConfigError(f"size must be (H, W), both even and at least 64, got {self.size}")
        if not 10 <= self.rate <= 120:
            raise ConfigError(f"rate must be 10 to 120 frames per second, got {self.rate}")
        # Floats such as 29.97 are accepted where a fraction is meant, and stored as one.
        object.__setattr__(self, "rate", as_rate(self.rate))
        if not 0 < self.minutes < float("inf") or self.frames_per_half < 1:
            raise ConfigError(f"minutes must give at least one frame per half, got {self.minutes}")
        if self.keyframe_interval < 1 or self.seed < 0:
            raise ConfigError(
                "keyframe_interval must be at least 1 and seed at least 0, got "
                f"{self.keyframe_interval} and {self.seed}"
            )

    @property
    def num_matches(self) -> int:
        """Matches with and without labels."""
        return self.matches + self.challenge_matches

    @property
    def frames_per_half(self) -> int:
        """Frames of one video."""
        return round(self.minutes * 30 * self.rate)

    @property
    def num_frames(self) -> int:
        """Frames of the whole league."""
        return 2 * self.num_matches * self.frames_per_half


def with_preset(config: SyntheticConfig, preset: Preset) -> SyntheticConfig:
    """Return `config` with the play, scene and broadcast of a preset for its task."""
    play = PlayConfig()
    if config.task == "action":
        # About twice as many incidents as in real matches.
        play = replace(play, shot=0.5, shot_m=30.0, forward=0.2, cross=0.4, tackle=0.6, foul=0.85, out=0.03)
        play = replace(play, dead_ball_seconds=5.0, parry=0.6, own_halves=True)
        play = replace(play, trip=0.6, free_shot=0.8, offside=0.35, substitution=0.12)
    if preset == "plain":
        return replace(config, play=play, scene=SceneConfig(), broadcast=False)
    play = replace(play, feint=0.25, dummy=0.15, combination=0.06, first_touch=0.4)
    scene = SceneConfig(view_width_m=34.0, zoom_variation=0.2, ball_scale=1.5, noise_luma=3.0)
    return replace(config, play=play, scene=scene, broadcast=True)
