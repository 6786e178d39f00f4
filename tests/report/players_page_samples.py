"""Players of a small video on their page, and what the page shows of them."""

import json
import re
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from video_samples import make_video

from bvas.players.players_result import Player, PlayerAction, PlayersResult
from bvas.report.players_page import write_players_page
from bvas.tracking.tracks import Track
from bvas.video.encode.browser_preview import PreviewConfig

NUM_FRAMES = 40
SIZE = (180, 320)
LABELS = ("run", "pass", "shoot")


def player(number, frames, labels=(), name=""):
    """At 10 frames a second; boxes of 30 x 80 pixels go right; windows lie 0.4 s apart."""
    frames = np.array(frames)
    x = -40 + 60.0 * number + frames
    boxes = np.stack([x, 0 * x + 40.5, 0 * x + 30, 0 * x + 80], axis=1)
    track = Track(
        number=number,
        frames=frames,
        seconds=frames / 10,
        boxes=boxes,
        scores=np.ones(len(frames), np.float32),
    )
    first = frames[0] / 10 + 0.2
    actions = tuple(
        PlayerAction(seconds=round(first + 0.4 * place, 6), label=label, confidence=0.75)
        for place, label in enumerate(labels)
    )
    return Player(track=track, name=name, actions=actions)


def sample_players(path=Path("game.mp4")):
    """Player 3 follows on 2, with 4 frames of both; player 4 has a gap."""
    runs = ("run", "run", "pass", "run")
    return PlayersResult(
        path=path,
        size=SIZE,
        num_frames=NUM_FRAMES,
        players=(
            player(1, range(40), (*runs, "shoot", *runs), "Ann"),
            player(2, range(20), runs),
            player(3, range(16, 40), ("shoot", "pass", *runs)),
            player(4, [*range(5, 12), *range(16, 31)]),
        ),
        labels=LABELS,
        every=0.4,
        experiment="tiny",
        detector="boxes",
    )


def write_sample_page(folder, mode, **more):
    """The page; its preview has half the source's size."""
    video = folder / "game.mp4"
    if not video.exists():
        make_video(video, num_frames=NUM_FRAMES, rate=10, size=SIZE)
    result = sample_players(video) if mode == "correct" else None
    return write_players_page(
        folder / f"{mode}_page",
        result,
        video,
        link=False,
        config=PreviewConfig(max_height=90),
        progress=lambda name: nullcontext(lambda done, total: None),
        **more,
    )


def press(page, *keys):
    """Press keys; `ArrowRight*3` is pressed thrice."""
    for key in keys:
        name, _, times = key.partition("*")
        for _ in range(int(times or 1)):
            page.keyboard.press(name)


def on_screen(page, x, y):
    """The point of the window where a pixel of the source is shown."""
    screen = page.locator("#screen").bounding_box()
    video = page.locator("#video").bounding_box()
    width = min(video["width"], video["height"] * SIZE[1] / SIZE[0])
    scale = width / SIZE[1]
    left = screen["x"] + (screen["width"] - width) / 2
    top = screen["y"] + (screen["height"] - scale * SIZE[0]) / 2
    return left + x * scale, top + y * scale


def drag(page, begin, end):
    page.mouse.move(*on_screen(page, *begin))
    page.mouse.down()
    page.mouse.move(*on_screen(page, *end), steps=3)
    page.mouse.up()


def boxes_shown(page):
    """Of the frame on screen: number, caption and box of each player."""
    text = page.locator("#boxes").get_attribute("aria-label")
    found = re.findall(r"(\d+): (.+?) at ([-\d. ]+)(?:;|$)", text)
    return [(int(number), caption, [*map(float, box.split())]) for number, caption, box in found]


def all_boxes_shown(page):
    press(page, "Home")
    found = []
    for frame in range(NUM_FRAMES):
        assert page.locator("#boxes").get_attribute("aria-label").startswith(f"Frame {frame}. ")
        found.append(boxes_shown(page))
        press(page, "ArrowRight")
    return found


def all_boxes_of(result):
    """What the page should show of a result."""
    found = [[] for _ in range(NUM_FRAMES)]
    for row in result.rows():
        caption = (row.name or str(row.player)) + (f" · {row.label}" if row.label else "")
        found[row.frame].append((row.player, caption, [row.x, row.y, row.width, row.height]))
    return found


def saved_file(page, by_key=False):
    """The file that the page saves: its path and its content."""
    with page.expect_download() as download:
        page.keyboard.press("Control+s") if by_key else page.click("#save")
    path = download.value.path()
    return path, json.loads(path.read_text())
