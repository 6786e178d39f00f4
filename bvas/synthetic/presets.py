"""Named ways to make a league: how hard it is to watch, and what its games are rich in."""

from dataclasses import replace
from typing import Literal

from bvas.synthetic.broadcast import BroadcastConfig
from bvas.synthetic.config import PlayConfig, SceneConfig, SyntheticConfig

Preset = Literal["plain", "broadcast"]


def with_preset(config: SyntheticConfig, preset: Preset) -> SyntheticConfig:
    """Return `config` with the play, the scene and the broadcast of a preset, as its task wants them."""
    play = PlayConfig() if config.task != "action" else _eventful_play()
    if preset == "plain":
        return replace(config, play=play, scene=SceneConfig(), broadcast=None)
    scene = SceneConfig(view_width_m=34.0, zoom_variation=0.2, ball_scale=1.5, noise_luma=3.0)
    return replace(config, play=_tricky(play), scene=scene, broadcast=BroadcastConfig())


def _eventful_play() -> PlayConfig:
    """Return a game with all 17 labels of Action Spotting, about twice as dense as in real matches."""
    return PlayConfig(
        shot=0.5,
        shot_m=30.0,
        forward=0.2,
        cross=0.4,
        tackle=0.6,
        foul=0.85,
        dead_ball_seconds=5.0,
        out=0.03,
        trip=0.6,
        parry=0.6,
        free_shot=0.8,
        offside=0.35,
        card=0.5,
        substitution=0.12,
        own_halves=True,
    )


def _tricky(play: PlayConfig) -> PlayConfig:
    """Return the same game with feints, dummies and combinations."""
    return replace(play, feint=0.25, dummy=0.15, combination=0.06, first_touch=0.4)
