"""Spots as OSL JSON, the format of OpenSportsLib (`bvas.data.osl_json`): a sample for each video."""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bvas.data.osl_json import DEFAULT_HEAD
from bvas.data.soccernet_files import game_time, position_ms
from bvas.results.video_result import VideoResult
from bvas.system.atomic_files import json_text


def osl_text(
    name: str, labels: Iterable[str], parts: Sequence[VideoResult], folder: Path, *, rate: float
) -> str:
    """Return the file of predictions.

    Args:
        name: Of the dataset.
        labels: Of the head `action`.
        parts: The videos.
        folder: Where the file goes; paths of videos below it begin there, others are absolute.
        rate: Of the grid of the spots, so that their milliseconds are on their frames.
    """
    content = {
        "version": "2.0",
        "date": date.today().isoformat(),
        "task": "action_spotting",
        "dataset_name": name,
        "modalities": ["video"],
        "metadata": {"type": "predictions", "made_by": "bvas"},
        "labels": {DEFAULT_HEAD: {"type": "single_label", "labels": list(labels)}},
        "data": [_sample(part, folder, rate) for part in parts],
    }
    return json_text(content)


def _sample(part: VideoResult, folder: Path, rate: float) -> dict[str, Any]:
    video = part.video
    source: dict[str, Any] = {"type": "video", "path": video.name}
    if video.path is not None and video.frames is not None:
        absolute, root = video.path.absolute(), folder.absolute()
        below = absolute.relative_to(root) if absolute.is_relative_to(root) else absolute
        source = {"type": "video", "path": below.as_posix(), "fps": float(video.frames.rate)}
    events = []
    for spot in part.spots:
        event: dict[str, Any] = {
            "head": DEFAULT_HEAD,
            "label": spot.label,
            "position_ms": position_ms(spot.seconds, rate),
            "gameTime": game_time(video.number, spot.seconds),
            "confidence": round(spot.confidence, 6),
        }
        if video.frames is not None:
            event["frame"] = int(video.frames.nearest(spot.seconds))
        events.append(event)
    return {"id": video.name, "inputs": [source], "events": events}
