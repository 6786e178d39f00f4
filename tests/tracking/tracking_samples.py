"""Small scenes of moving boxes."""

import numpy as np

from bvas.tracking.frame_boxes import FrameBoxes


def scene(paths, *, fps=25.0, num_frames=50, every=1, seed=None, hidden=(), scores=0.9):
    """Return frames of boxes 40 wide and 100 high.

    Args:
        paths: Functions of the time that return the center (x, y), one for each player.
        seed: Detections are moved by 5 % of the box then.
        hidden: Pairs (player, frame) without a detection.
    """
    random = np.random.default_rng(seed)
    frames = []
    for number in range(0, num_frames, every):
        seconds = number / fps
        boxes = []
        for player, path in enumerate(paths):
            x, y = path(seconds)
            box = np.array([x - 20.0, y - 50.0, 40.0, 100.0])
            if seed is not None:
                box += random.normal(0, 0.05, 4) * [40, 100, 40, 100]
            if (player, number) not in hidden:
                boxes.append(box)
        rows = np.array(boxes).reshape(-1, 4)
        frames.append(
            FrameBoxes(
                frame=number, seconds=seconds, boxes=rows, scores=np.full(len(rows), scores, np.float32)
            )
        )
    return frames


def straight(x, y, speed_x=0.0, speed_y=0.0):
    """Return a path at constant speed in pixels / s."""
    return lambda seconds: (x + speed_x * seconds, y + speed_y * seconds)


def owners(tracks, paths, seconds):
    """Return for each path the number of the track nearest to it at a time."""
    numbers = []
    for path in paths:
        centers = {track.number: track.boxes_at(np.array([seconds]))[0] for track in tracks}
        x, y = path(seconds)
        numbers.append(
            min(
                centers,
                key=lambda n: abs(centers[n][0] + centers[n][2] / 2 - x) + abs(centers[n][1] + 50 - y),
            )
        )
    return numbers
