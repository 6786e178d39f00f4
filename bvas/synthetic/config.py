"""Every number of a synthetic league: how it is played, how it is shown, how it is coded."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from bvas.errors import ConfigError
from bvas.synthetic.broadcast import BroadcastConfig
from bvas.video.container.frame_rate import as_rate
from bvas.video.encode.encoder import Codec

Task = Literal["ball", "ball12", "action"]
"""Which label files are written: two or 12 labels of ball spotting, or the 17 of Action Spotting."""
_PROBABILITIES = (
    *("first_touch", "interception", "high_pass", "cross", "shot", "tackle", "foul", "out", "feint", "dummy"),
    *("combination", "trip", "parry", "free_shot", "offside", "card", "substitution"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayConfig:
    """How the game is played. Probabilities are those of one decision of the player on the ball."""

    gap_percentiles: tuple[tuple[float, float], ...] = (
        (0.0, 0.24),
        (1.0, 0.28),
        (5.0, 0.60),
        (25.0, 1.04),
        (50.0, 1.56),
        (75.0, 2.60),
        (95.0, 6.20),
        (99.0, 11.0),
        (100.0, 16.0),
    )
    """(percentile, seconds) of the gap between neighboring annotations; up to 75 as real matches have it."""
    first_touch: float = 0.24
    """A pass is played on without a control, where the gap drawn allows it."""
    interception: float = 0.08
    """A pass goes to an opponent."""
    high_pass: float = 0.04
    """A pass over 25 m goes through the air and is a HIGH PASS."""
    cross: float = 0.25
    """A pass from the wing near the goal line is a CROSS."""
    shot: float = 0.12
    """A pass within `shot_m` of the goal is a SHOT."""
    tackle: float = 0.02
    """A run with the ball ends in a tackle."""
    foul: float = 0.2
    """A tackle is a foul, which gives a FREE KICK."""
    dead_ball_seconds: float = 6.0
    """A gap at least this long is filled by a ball out of play."""
    shot_m: float = 24.0
    """From how far a goal is shot at, meters."""
    forward: float = 0.08
    """What a meter nearer to the goal is worth to a pass, against 1.2 for a meter clear of opponents."""
    out: float = 0.0
    """A pass that is in no hurry goes over the nearer touchline."""
    feint: float = 0.0
    """A run with the ball holds a wind-up after which the foot stops before the ball."""
    dummy: float = 0.0
    """A ground pass runs past a third player, who swings at it and lets it go."""
    combination: float = 0.0
    """A pass begins two to four passes at the first touch, 0.6 to 1 s apart."""
    trip: float = 0.0
    """A run with the ball in the opponents' penalty area ends in a foul: a penalty."""
    parry: float = 0.0
    """A shot that the goalkeeper or a defender stops goes over the goal line: a corner."""
    free_shot: float = 0.0
    """A free kick within 30 m of the goal is shot at it."""
    offside: float = 0.0
    """A run with the ball sends a teammate behind the defense; a pass to him there is offside."""
    card: float = 0.0
    """A foul is booked; one booking in six is a red card, and so is a player's second."""
    substitution: float = 0.0
    """A ball out of play is used to change a player."""
    own_halves: bool = False
    """The teams go back to their halves before the kick-off that follows a goal."""

    def __post_init__(self) -> None:
        for name in _PROBABILITIES:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name} is a probability in [0, 1], got {getattr(self, name)}")
        if self.shot_m <= 0.0 or self.forward < 0.0:
            raise ConfigError(
                f"shot_m must be above 0 and forward at least 0, got {self.shot_m} and {self.forward}"
            )
        percents = [percent for percent, _ in self.gap_percentiles]
        seconds = [second for _, second in self.gap_percentiles]
        if percents != sorted(percents) or percents[:1] != [0.0] or percents[-1:] != [100.0]:
            raise ConfigError(f"gap_percentiles must rise from 0 to 100, got {percents}")
        if seconds != sorted(seconds) or seconds[0] < 0.2:
            raise ConfigError(f"gaps must not fall with the percentile and be at least 0.2 s, got {seconds}")
        if self.dead_ball_seconds < 5.0:
            raise ConfigError(f"dead_ball_seconds must be at least 5, got {self.dead_ball_seconds}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneConfig:
    """How the game is shown; smaller, noisier and wider is harder."""

    view_width_m: float = 30.0
    """Meters across the picture at the ball."""
    zoom_variation: float = 0.15
    """The view narrows and widens by up to this share."""
    camera_lag_seconds: float = 0.35
    """Time by which the camera trails the ball."""
    camera_shake_m: float = 0.15
    """Size of the operator's wander, meters at the ball."""
    ball_scale: float = 2.0
    """The ball's diameter over a real one's (0.22 m)."""
    player_scale: float = 1.15
    """A player's height over a real one's (1.8 m)."""
    noise_luma: float = 2.5
    """Standard deviation of the sensor's noise, in luma steps."""
    exposure: float = 0.5
    """Share of a frame's time that the shutter is open: motion blur."""
    scoreboard: bool = True
    """Team codes and a clock in the corner."""

    def __post_init__(self) -> None:
        for name in ("view_width_m", "camera_lag_seconds", "ball_scale", "player_scale"):
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
    """A league of synthetic matches, each of two halves."""

    matches: int = 7
    """Matches with labels."""
    challenge_matches: int = 2
    """Matches without a label file; they come after the labeled ones."""
    minutes: float = 5.0
    """Length of a match, both halves together."""
    size: tuple[int, int] = (224, 400)
    """(H, W) of the videos, both even."""
    rate: Fraction = Fraction(25)
    """Frames per second."""
    codec: Codec = "h264"
    """Coding of the videos."""
    keyframe_interval: int = 250
    """Frames from one keyframe up to the next."""
    crf: int = 20
    """Coding quality: 0 is the best, 51 the worst."""
    seed: int = 0
    """The same seed gives the same labels and the same pictures."""
    play: PlayConfig = field(default_factory=PlayConfig)
    """How it is played."""
    scene: SceneConfig = field(default_factory=SceneConfig)
    """How it is shown."""
    task: Task = "ball"
    """What is annotated."""
    broadcast: BroadcastConfig | None = None
    """How it is cut and lit; None: the main camera shows all of it in one even light."""

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
            raise ConfigError(f"minutes must make at least one frame a half, got {self.minutes}")
        if self.keyframe_interval < 1 or not 0 <= self.crf <= 51 or self.seed < 0:
            raise ConfigError(
                "keyframe_interval must be at least 1, crf 0 to 51 and seed at least 0, got "
                f"{self.keyframe_interval}, {self.crf} and {self.seed}"
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

    @property
    def video_stem(self) -> str:
        """What a video is called after its half, `224p` for one of 224 rows."""
        return f"{self.size[0]}p"
