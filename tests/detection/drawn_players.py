"""Pictures with players that are drawn: colored bodies before a textured wall, at known places."""

import numpy as np

SIZE = (120, 200)
BODY = (40, 18)
"""(h, w) of a player."""


def wall(seed=0, size=SIZE):
    """A wall of gray-green tiles, uint8 [H, W, 3]."""
    rng = np.random.default_rng(seed)
    tiles = rng.integers(60, 140, (size[0] // 8 + 1, size[1] // 8 + 1, 1))
    tiles = np.repeat(np.repeat(tiles, 8, axis=0), 8, axis=1)[: size[0], : size[1]]
    return np.clip(tiles + np.array([0, 20, -10]), 0, 255).astype(np.uint8)


def draw_player(picture, box, shirt, seed=1):
    """Draw a player who fills a box: head, shirt with a pattern, trousers."""
    x, y, width, height = box
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    down, across = (rows + 0.5 - y) / height, (columns + 0.5 - x) / width
    inside = (down >= 0) & (down < 1) & (across >= 0) & (across < 1)
    head = inside & (down < 0.2) & (np.abs(across - 0.5) < 0.25)
    body = inside & (down >= 0.2) & (down < 0.6)
    legs = inside & (down >= 0.6) & (np.abs(across - 0.5) > 0.1)
    pattern = np.random.default_rng(seed).integers(-40, 40, (8, 4))
    stripe = pattern[np.clip(down * 8, 0, 7).astype(int), np.clip(across * 4, 0, 3).astype(int)]
    for mask, color in ((head, (220, 180, 150)), (body, shirt), (legs, (30, 30, 60))):
        picture[mask] = np.clip(np.array(color) + stripe[mask][:, None] * 0.6, 0, 255)
    return picture


def frame_of(boxes, shirts, seed=0, size=SIZE):
    """A picture of players."""
    picture = wall(seed, size)
    for place, (box, shirt) in enumerate(zip(boxes, shirts, strict=True)):
        draw_player(picture, box, shirt, seed=place + 1)
    return picture
