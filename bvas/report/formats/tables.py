"""Spots as lines, for spreadsheets (csv) and programs (jsonl)."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from bvas.results.video_result import VideoResult

COLUMNS = ("part", "seconds", "clock", "label", "confidence", "file", "frame")
"""Seconds from the first shown frame of the part's video; file and frame are empty where it is unknown."""


def csv_text(parts: Sequence[VideoResult]) -> str:
    """Return the spots of all parts under a line of column names."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in _rows(parts):
        writer.writerow(
            [
                f"{value:.4f}" if name == "confidence" else f"{value:.3f}" if name == "seconds" else value
                for name, value in row.items()
            ]
        )
    return text.getvalue()


def jsonl_text(parts: Sequence[VideoResult]) -> str:
    """Return the spots of all parts, a JSON object a line."""
    lines = []
    for row in _rows(parts):
        kept = {name: value for name, value in row.items() if value is not None}
        kept["seconds"], kept["confidence"] = round(row["seconds"], 3), round(row["confidence"], 4)
        lines.append(json.dumps(kept, ensure_ascii=False, allow_nan=False) + "\n")
    return "".join(lines)


def _rows(parts: Sequence[VideoResult]) -> Iterator[dict[str, Any]]:
    for part in parts:
        video = part.video
        for spot in part.spots:
            yield {
                "part": video.number,
                "seconds": spot.seconds,
                "clock": part.clock.text(spot.seconds),
                "label": spot.label,
                "confidence": spot.confidence,
                "file": None if video.path is None else video.path.name,
                "frame": None if video.frames is None else video.frames.nearest(spot.seconds),
            }
