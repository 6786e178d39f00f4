"""The box in the corner: team codes and a running clock. It tells nothing of what happens."""

import cv2
import numpy as np

from bvas.synthetic.ground import Picture

_LETTERS = "ABCDEFGHIKLMNOPRSTUVW"


class Scoreboard:
    """Draws the box; redrawn once a second."""

    def __init__(self, size: tuple[int, int], rng: np.random.Generator) -> None:
        """Choose the team codes for pictures of `size` (H, W)."""
        home, away = ("".join(rng.choice(list(_LETTERS), 3)) for _ in range(2))
        self._teams = f"{home} {away}"
        self._scale = size[0] / 112 * 0.42
        self._corner = (round(size[0] * 0.05), round(size[1] * 0.04))
        self._second = -1
        self._box: Picture = np.zeros((1, 1), np.uint8)

    def draw(self, picture: Picture, second: int) -> None:
        """Draw into uint8 [H, W]."""
        if second != self._second:
            self._second = second
            self._box = self._render(f"{self._teams} {second // 60:02d}:{second % 60:02d}")
        y, x = self._corner
        height, width = self._box.shape
        picture[y : y + height, x : x + width] = self._box

    def _render(self, text: str) -> Picture:
        thickness = max(1, round(self._scale))
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_PLAIN, self._scale, thickness)
        edge = max(1, height // 3)
        box = np.full((height + 2 * edge, width + 2 * edge), 34, np.uint8)
        start = (edge, height + edge)
        cv2.putText(box, text, start, cv2.FONT_HERSHEY_PLAIN, self._scale, 215, thickness, cv2.LINE_AA)
        return box
