"""Kits: colors of the shirts, shorts, legs and heads of all figures.

Luma and hue come from two generators: pictures in gray are those of leagues made before there was color.
"""

from typing import NamedTuple

import numpy as np

from bvas.synthetic.canvas import NO_HUE, Hue, Paint, paint
from bvas.synthetic.movement import TEAM_SIZE
from bvas.synthetic.play_record import NUM_PLAYERS

# A hue looks like itself only near its own luma: red is dark, yellow bright.
_BRIGHT: tuple[Hue, ...] = (NO_HUE, (1.0, 0.84, 0.1), (0.5, 0.8, 1.0))
_DARK: tuple[Hue, ...] = ((0.95, 0.04, 0.1), (0.08, 0.2, 1.0), (0.35, 0.1, 0.7), NO_HUE)
_KEEPERS_AND_REFEREE: tuple[Hue, ...] = (
    (1.0, 0.5, 0.1),
    (0.6, 0.95, 0.1),
    (0.1, 0.8, 0.85),
    (1.0, 0.4, 0.65),
)
_SKIN: Hue = (0.84, 0.6, 0.46)


class Kit(NamedTuple):
    """Colors of one figure."""

    shirt: Paint
    shorts: Paint
    legs: Paint
    socks: Paint
    """Below the knee; its luma is that of the legs."""
    head: Paint


def team_hues(colors: np.random.Generator) -> tuple[Hue, Hue]:
    """Draw the hues of the bright and the dark team."""
    return _BRIGHT[colors.integers(len(_BRIGHT))], _DARK[colors.integers(len(_DARK))]


def draw_kits(look: np.random.Generator, hues: tuple[Hue, Hue], colors: np.random.Generator) -> list[Kit]:
    """Draw the kit of each figure: one team bright, one dark, keepers and officials between."""
    light = (int(look.integers(190, 222)), int(look.choice([55, 120, 200])), int(look.integers(165, 190)))
    dark = (int(look.integers(28, 52)), int(look.choice([40, 150, 200])), int(look.integers(40, 60)))
    teams = [_kit(luma, hue) for luma, hue in zip((light, dark), hues, strict=True)]
    if look.random() >= 0.5:
        teams.reverse()
    heads = look.integers(45, 150, NUM_PLAYERS).tolist()
    *keepers, referee = (_KEEPERS_AND_REFEREE[i] for i in colors.permutation(len(_KEEPERS_AND_REFEREE))[:3])
    kits = []
    for player in range(NUM_PLAYERS):
        team, number = divmod(player, TEAM_SIZE)
        kit = _kit((150, 60, 140), keepers[team]) if number == 0 else teams[team]
        kits.append(kit._replace(head=paint(heads[player], _SKIN)))
    official = _kit((128, 30, 30), referee)._replace(head=paint(90, _SKIN))
    substitutes = [
        team._replace(head=paint(head, _SKIN)) for team, head in zip(teams, (100, 70), strict=True)
    ]
    return [*kits, *[official] * 3, *substitutes]


def _kit(luma: tuple[int, int, int], hue: Hue) -> Kit:
    shirt, shorts, legs = luma
    # Shorts far from the shirt's luma are white, gray or black.
    below = hue if abs(shorts - shirt) < 40 else NO_HUE
    return Kit(
        paint(shirt, hue), paint(shorts, below), paint(legs, _SKIN), paint(legs, hue), paint(90, _SKIN)
    )
