"""What a broadcast does to a match: cuts, close-ups, replays and light, as numbers."""

from dataclasses import dataclass

from bvas.errors import ConfigError

_SHARES = (
    *(
        "replay_after_goal",
        "replay_after_shot",
        "replay_after_foul",
        "replay_after_out",
        "closeup_after_stop",
    ),
    *("shade", "shade_depth", "exposure_drift", "flicker", "flicker_depth"),
)
_RANGES = ("closeup_seconds", "closeup_width_m", "replay_seconds", "replay_speed", "cut_seconds")


@dataclass(frozen=True, kw_only=True, slots=True)
class BroadcastConfig:
    """How a match is cut and lit. The match goes on while a close-up or a replay hides it."""

    replay_after_goal: float = 0.9
    """Probability that a goal is shown again."""
    replay_after_shot: float = 0.4
    """The same of any other shot."""
    replay_after_foul: float = 0.5
    """The same of a foul and of an offside."""
    replay_after_out: float = 0.12
    """The same of a ball that went out."""
    closeup_after_stop: float = 0.4
    """Probability that a stop is followed by a close-up of who caused it."""
    replays_per_minute: float = 0.5
    """Replays in the run of play, of something up to 15 s ago; a replay or close-up after a stop is extra."""
    closeups_per_minute: float = 0.6
    """Close-ups in the run of play, of a player far from the ball."""
    cuts_per_minute: float = 1.0
    """Stretches that a second camera films live: its actions are annotated."""
    replay_seconds: tuple[float, float] = (2.0, 4.0)
    """(least, most) of the match that a replay shows again."""
    replay_speed: tuple[float, float] = (0.5, 1.0)
    """(least, most) speed of a replay over the match's."""
    closeup_seconds: tuple[float, float] = (1.4, 3.2)
    """(least, most) length of a close-up."""
    closeup_width_m: tuple[float, float] = (4.0, 8.0)
    """(least, most) meters across a close-up at the player."""
    cut_seconds: tuple[float, float] = (2.5, 6.0)
    """(least, most) length of a stretch of the second camera."""
    wipe_seconds: float = 0.32
    """Length of the bright bar that wipes over the picture where a replay begins and ends; 0 for none."""
    least_main_seconds: float = 2.0
    """The main camera shows at least this much between two other shots."""
    shade: float = 0.5
    """Probability that a match has the stand's shadow on a part of the pitch."""
    shade_depth: float = 0.45
    """Share of the light that a shadow takes."""
    exposure_drift: float = 0.12
    """The exposure wanders by up to this share."""
    flicker: float = 0.3
    """Probability that a match's lamps flicker."""
    flicker_depth: float = 0.05
    """Share of the light that the flicker takes and gives."""

    def __post_init__(self) -> None:
        for name in _SHARES:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name} is a share in [0, 1], got {getattr(self, name)}")
        for name in ("replays_per_minute", "closeups_per_minute", "cuts_per_minute", "wipe_seconds"):
            if getattr(self, name) < 0.0:
                raise ConfigError(f"{name} must be at least 0, got {getattr(self, name)}")
        for name in _RANGES:
            least, most = getattr(self, name)
            if not 0.0 < least <= most:
                raise ConfigError(f"{name} must be (least, most), both above 0, got {(least, most)}")
        if self.replay_speed[1] > 1.0 or self.least_main_seconds <= 0.0:
            raise ConfigError(
                "replay_speed must be at most 1 and least_main_seconds above 0, got "
                f"{self.replay_speed} and {self.least_main_seconds}"
            )
