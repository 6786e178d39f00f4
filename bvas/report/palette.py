"""Colors of the pictures: Okabe and Ito's set, told apart with every common color blindness.

Each outcome has a shape of its own too, so that no reading depends on color.
"""

HIT = "#0072B2"
MISS = "#D55E00"
FALSE_ALARM = "#E69F00"
FALSE_ALARM_EDGE = "#7A5200"
ANNOTATION = "#333333"
CURVE = "#7A8794"
CURVE_FILL = "#DCE2E8"
GRID = "#E3E6EA"
TEXT = "#1F2933"
FAINT = "#66727F"
LABEL_COLORS = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#0072B2", "#BBBBBB")


def label_color(label_id: int) -> str:
    """Return the color of a label's curve, "#RRGGBB"; they repeat after eight."""
    return LABEL_COLORS[label_id % len(LABEL_COLORS)]


def rgb(color: str) -> tuple[int, int, int]:
    """Return the three bytes of "#RRGGBB"."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
