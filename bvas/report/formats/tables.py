"""Spots as lines, for spreadsheets (csv) and programs (jsonl)."""

import json
from collections.abc import Iterator, Sequence

from bvas.report.spots_csv import CSV_COLUMNS, SpotRow
from bvas.results.video_result import VideoResult
from bvas.system.table_files import table_text


def csv_text(parts: Sequence[VideoResult]) -> str:
    """Return the spots of all parts under a line of column names."""
    return table_text(("part", *CSV_COLUMNS), ([part, *row.cells()] for part, row in _rows(parts)))


def jsonl_text(parts: Sequence[VideoResult]) -> str:
    """Return the spots of all parts, a JSON object a line; what is unknown has no key."""
    lines = []
    for part, row in _rows(parts):
        seconds, confidence = round(row.spot.seconds, 3), round(row.spot.confidence, 4)
        values = (part, seconds, row.clock, row.spot.label, confidence, row.file, row.frame)
        pairs = zip(("part", *CSV_COLUMNS), values, strict=True)
        kept = {name: value for name, value in pairs if value is not None}
        lines.append(json.dumps(kept, ensure_ascii=False, allow_nan=False) + "\n")
    return "".join(lines)


def _rows(parts: Sequence[VideoResult]) -> Iterator[tuple[int, SpotRow]]:
    """Yield the number of the part and the row of each spot; seconds count from the start of the part's video."""
    for part in parts:
        video = part.video
        for spot in part.spots:
            yield (
                video.number,
                SpotRow(
                    spot=spot,
                    clock=part.clock.text(spot.seconds),
                    file=None if video.path is None else video.path.name,
                    frame=None if video.frames is None else video.frames.nearest(spot.seconds),
                ),
            )
