"""Page of the players of a video: boxes are chosen on it before tracking, or tracks are corrected on it afterwards.

Data, script and style are in `index.html`; the preview of the video lies beside it.
"""

import hashlib
import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bvas.errors import DataError
from bvas.players.corrections import CORRECTIONS_FORMAT, EDITS, PlayersCorrections, tracks_fingerprint
from bvas.players.edited_players import action_frames
from bvas.players.players_result import Player, PlayersResult
from bvas.report.packed_arrays import packed_frames, packed_steps, packed_times
from bvas.report.page import page_document
from bvas.report.palette import PLAYERS
from bvas.report.report_folder import PAGE_NAME, video_href
from bvas.results.frame_times import FrameTimes
from bvas.system.atomic_files import write_bytes
from bvas.system.file_names import output_stem, shown_name, shown_text
from bvas.values.match_clock import minutes_text
from bvas.values.plural import count_text
from bvas.values.progress import Progress
from bvas.video.container.read_options import DEFAULT_READING
from bvas.video.encode.browser_preview import PreviewConfig
from bvas.video.index.video_index import build_index

# In this order: each uses those before it.
SCRIPTS = (
    "elements.js",
    "data.js",
    "storage.js",
    "player.js",
    "drawing.js",
    "presses.js",
    "history.js",
    "players_edits.js",
    "players_table.js",
    "players_screen.js",
    "players_lanes.js",
    "players_list.js",
    "players_keys.js",
    "players_choose.js",
    "players_drag.js",
    "players_correct.js",
    "players_files.js",
    "players_app.js",
)
# Boxes are shown to a quarter of a pixel; `BOX_STEPS` of `players_table.js`.
_BOX_STEPS = 4


def write_players_page(
    out: Path,
    result: PlayersResult | None,
    video: Path,
    *,
    link: bool,
    config: PreviewConfig,
    progress: Callable[[str], AbstractContextManager[Progress]],
    corrections: PlayersCorrections | None = None,
) -> Path:
    """Write the page and the preview of the video, and return the page's path.

    Args:
        out: The folder.
        result: Players to correct, without corrections; None: boxes are chosen.
        video: The video, as the command that the page states names it.
        link: Show the video itself where browsers play it.
        config: How the preview is coded.
        progress: Gives what is called with the frames done of the preview, by its name.
        corrections: What the page begins with, where the browser keeps nothing newer.

    Raises:
        DecodeError: the video cannot be read.
        DataError: the result is of a video of other length or size, or the folder cannot be written.
    """
    index, info = build_index(video)
    size = (info.height, info.width)
    if result is not None and (result.num_frames, result.size) != (index.num_frames, size):
        raise DataError(
            f"the players are of a video of {result.num_frames} frames of {_size_text(result.size)}, and {video} has "
            f"{index.num_frames} of {_size_text(size)}; track it again"
        )
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{output_stem(video.stem)}.mp4"
    href = video_href(video, DEFAULT_READING, target, link=link, config=config, progress=progress)
    frames = FrameTimes.of(index)
    data = players_page_data(result, video, frames, size, href=href, corrections=corrections)
    document = page_document(
        data["title"], data, body="players.html", styles=("page.css", "players.css"), scripts=SCRIPTS
    )
    write_bytes(out / PAGE_NAME, shown_text(document).encode())
    return out / PAGE_NAME


def players_page_data(
    result: PlayersResult | None,
    video: Path,
    frames: FrameTimes,
    size: tuple[int, int],
    *,
    href: str,
    corrections: PlayersCorrections | None = None,
) -> dict[str, Any]:
    """Return the data of the page, for strict JSON.

    Args:
        result: Players to correct; None: boxes are chosen.
        video: The video.
        frames: Its frames.
        size: (h, w) of its upright picture.
        href: URL of what the page plays.
        corrections: What the page begins with.
    """
    file = shown_name(video.name)
    fingerprint = "" if result is None else tracks_fingerprint(result)
    option = "--rois" if result is None else "--corrections"
    about = [_size_text(size), f"{minutes_text(frames.duration_seconds)} long"]
    if result is not None:
        about.append(count_text(len(result.players), "track"))
        about += [text for text in (result.detector, result.experiment) if text]
    seed = f"{video.absolute()} {frames.num_frames} {fingerprint}"
    return {
        "id": hashlib.sha256(seed.encode(errors="replace")).hexdigest()[:16],
        "mode": "choose" if result is None else "correct",
        "title": f"{'Choose players' if result is None else 'Players'}: {file}",
        "about": " · ".join(about),
        "file": file,
        "href": href,
        "size": list(size),
        # Exact times: which window a frame belongs to depends on them.
        "frames": {**packed_frames(frames), "times": packed_times(frames.seconds)},
        "command": f"bvas players {shlex.quote(shown_name(video))} {option}",
        "colors": list(PLAYERS),
        "fingerprint": fingerprint,
        "labels": [] if result is None else list(result.labels),
        "every": 0.0 if result is None else result.every,
        "players": [] if result is None else [_player(player, result.labels) for player in result.players],
        "given": None if corrections is None else _given(corrections, file, fingerprint),
    }


def _player(player: Player, labels: Sequence[str]) -> dict[str, Any]:
    boxes = np.round(player.track.boxes.T * _BOX_STEPS).astype(np.int64)
    return {
        "number": player.number,
        "name": player.name,
        "frames": packed_steps(player.track.frames),
        "boxes": packed_steps(boxes),
        "actions": {
            "frame": action_frames(player),
            "seconds": [action.seconds for action in player.actions],
            "label": [labels.index(action.label) for action in player.actions],
            "confidence": [
                None if action.confidence is None else round(action.confidence, 4)
                for action in player.actions
            ],
        },
    }


def _given(corrections: PlayersCorrections, file: str, fingerprint: str) -> dict[str, Any]:
    """Return corrections as their file has them."""
    names = {type_: kind for kind, type_ in EDITS.items()}
    return {
        "format": CORRECTIONS_FORMAT,
        "video": corrections.video or file,
        "tracks": corrections.tracks or fingerprint,
        "corrections": [{"edit": names[type(edit)], **asdict(edit)} for edit in corrections.edits],
    }


def _size_text(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
