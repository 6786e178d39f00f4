"""Results of players with known boxes and labels, which jump from frame to frame."""

import numpy as np

from bvas.players.players_result import Player, PlayerAction, PlayersResult
from bvas.report import palette
from bvas.report.player_drawing import color_of
from bvas.tracking.tracks import Track
from bvas.video.index.video_index import build_index

LABELS = ("pass", "shoot", "dribble")


def track_of(number, frames, seconds, boxes):
    frames = np.asarray(frames, np.int64)
    scores = np.linspace(0.5, 1, len(frames)).astype(np.float32)
    scores[1::3] = np.nan
    return Track(
        number=number,
        frames=frames,
        seconds=np.asarray(seconds)[frames],
        boxes=np.asarray(boxes),
        scores=scores,
    )


def jumping_boxes(rng, count, left, right, height):
    """Boxes [count, 4] within columns, anew in each frame: no frame can be taken for its neighbor."""
    widths = rng.uniform(0.4, 0.8, count) * (right - left)
    heights = rng.uniform(0.3, 0.5, count) * height
    x = left + rng.uniform(0, 1, count) * (right - left - widths)
    y = rng.uniform(0, 1, count) * (height - heights)
    return np.round(np.stack([x, y, widths, heights], axis=1), 2)


def result_of(path, *, names=("", "Ayşe"), every=0.2, seed=0):
    """Two players of a video, one in each half of the picture; labels change every 0.2 seconds, and some are empty."""
    index, info = build_index(path)
    rng = np.random.default_rng(seed)
    players = []
    for number, name in enumerate(names, 1):
        left, right = (info.width / len(names) * side for side in (number - 1, number))
        centers = np.arange(every / 2, index.duration_seconds, every)
        actions = [
            PlayerAction(
                seconds=float(center), label=LABELS[rng.integers(3)], confidence=float(rng.uniform())
            )
            for center in centers
            if rng.uniform() < 0.8
        ]
        boxes = jumping_boxes(rng, info.num_frames, left, right, info.height)
        track = track_of(number, np.arange(info.num_frames), index.seconds, boxes)
        players.append(Player(track=track, name=name, actions=tuple(actions)))
    return PlayersResult(
        path=path,
        size=(info.height, info.width),
        num_frames=info.num_frames,
        players=tuple(players),
        labels=LABELS,
        every=every,
        experiment="spacejam",
        detector="tiny",
    )


def is_colored(picture, number):
    return np.abs(picture.astype(int) - palette.rgb(color_of(number))).max(axis=-1) < 90
