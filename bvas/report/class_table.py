"""Table of classes: one line for each window of a video, for spreadsheets and other programs."""

from collections.abc import Sequence

from bvas.inference.class_rows import class_rows
from bvas.results.interval_rows import file_names
from bvas.results.video_result import VideoResult
from bvas.system.table_files import table_text


def classes_csv_text(results: Sequence[VideoResult], top: int) -> str:
    """Return the text of `classes.csv`: file, seconds, label and confidence, then those of the next labels.

    Args:
        results: Videos with curves.
        top: Labels in a line, or all where there are fewer.
    """
    most = min(top, max(len(result.required_curve.labels) for result in results))
    more = [f"{name}_{place}" for place in range(2, most + 1) for name in ("label", "confidence")]
    lines: list[list[object]] = []
    for result, file in zip(results, file_names(results), strict=True):
        for row in class_rows(result.required_curve, top):
            cells = [cell for label, confidence in row.top for cell in (label, f"{confidence:.6g}")]
            lines.append([file, f"{row.seconds:.6f}", *cells])
    return table_text(("file", "seconds", "label", "confidence", *more), lines)
