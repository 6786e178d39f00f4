"""Widths of a drawn figure. `render.py` draws by them, and `player_boxes.py` measures by them.

Lengths are meters at the scale of the figure's hip, which includes `bodies.PLAYER_SCALE`.
"""

LEG_M, ARM_M = 0.17, 0.12
"""Thickness of the lines, at least one pixel."""
SHOULDER_M, WAIST_M = 0.25, 0.19
"""Half the width of the chest at the neck, and at the hip."""
SHORTS_M = 0.28
"""Height of the shorts, below the hip."""
HEAD_M = 0.13
"""Radius."""
ARMS_FROM_PIXELS_PER_M = 9.0
"""Smaller figures have no arms."""
NEAREST_SCALE = 0.7
"""Largest size of a meter over the picture's height; nearer figures would hide everything else."""
