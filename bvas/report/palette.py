"""Colors of the pictures: Okabe and Ito's set, distinguishable with every common color blindness.

Each outcome has a shape of its own too, so that no reading depends on color.
"""

HIT = "#0072B2"
MISS = "#D55E00"
FALSE_ALARM = "#E69F00"
FALSE_ALARM_EDGE = "#7A5200"
ANNOTATION = "#333333"
OUTCOMES = {"spot": HIT, "hit": HIT, "miss": MISS, "false alarm": FALSE_ALARM, "annotation": ANNOTATION}
CURVE = "#7A8794"
CURVE_FILL = "#DCE2E8"
GRID = "#E3E6EA"
TEXT = "#1F2933"
FAINT = "#66727F"
PLAYERS = (
    "#CCFF00",
    "#FF00CC",
    "#CC0033",
    "#6600FF",
    "#993366",
    "#99FFCC",
    "#FF99CC",
    "#CC6600",
    "#9900CC",
    "#33CC66",
    "#9999FF",
    "#CCCC33",
)
"""Colors of tracks, each clear of the ones before it and of grass. Any two differ by 20 in CIELAB at least, also to the
eye without long, middle or short cones (by Machado et al., "A Physiologically-based Model for Simulation of Color
Vision Deficiency", 2009)."""


def rgb(color: str) -> tuple[int, int, int]:
    """Return the three bytes of "#RRGGBB"."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def ink_on(color: str) -> tuple[int, int, int]:
    """Return black or white, whichever reads better on "#RRGGBB"."""
    red, green, blue = rgb(color)
    return (0, 0, 0) if 0.3 * red + 0.59 * green + 0.11 * blue > 140 else (255, 255, 255)
