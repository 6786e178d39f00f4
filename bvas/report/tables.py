"""Tables of the page: counts by label, and the lists of hits, misses and false alarms."""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from bvas.metrics.analysis import Counts, counts_per_label, timing_error
from bvas.report.clock import MatchClock
from bvas.report.content import MatchReport, VideoReport

# Longer lists start folded.
OPEN_ROWS = 25


def counts_table(report: MatchReport) -> str:
    """Return the table of counts by label with a line of totals; without annotations, spots only."""
    if report.matchings is None:
        return _spots_table(report)
    scores = report.average_precisions or {}
    columns = ["label", "annotations", "spots", "hits", "misses", "false alarms", "precision", "recall"]
    columns += ["F1", "timing", *scores]
    counts = counts_per_label(report.matchings, report.labels)
    ids = {name: report.labels.label_id(name) for name in (*report.labels.names, *report.labels.merged)}
    hits = [hit for matching in report.matchings for hit in matching.hits]
    rows = []
    for label_id, (label, count) in enumerate(counts.items()):
        error = timing_error(hit for hit in hits if ids[hit.annotation.label] == label_id)
        timing = "-" if error is None else f"{error.median_seconds:+.2f} s"
        figures = [f"{100 * per_label[label]:.1f}" for per_label in scores.values()]
        rows.append([label, *_count_cells(count), timing, *figures])
    error = timing_error(hits)
    timing = "-" if error is None else f"{error.median_seconds:+.2f} s"
    means = [f"{100 * float(np.mean(list(per_label.values()))):.1f}" for per_label in scores.values()]
    rows.append(["all", *_count_cells(sum(counts.values(), Counts())), timing, *means])
    return table(columns, rows, total=True)


def event_lists(video: VideoReport) -> str:
    """Return the lists of a video's misses, false alarms and hits, or of its spots."""
    clock = video.clock
    if video.matching is None:
        spots = [[*_moment(s.seconds, clock), s.label, f"{s.confidence:.2f}"] for s in video.spots]
        return _list("Spots", ["time", "clock", "label", "confidence"], spots)
    misses = [[*_moment(a.seconds, clock), a.label] for a in video.matching.misses]
    alarms = [
        [*_moment(s.seconds, clock), s.label, f"{s.confidence:.2f}"] for s in video.matching.false_alarms
    ]
    hits = [
        [
            *_moment(hit.spot.seconds, clock),
            hit.spot.label,
            f"{hit.spot.confidence:.2f}",
            f"{hit.timing_error_seconds:+.2f} s",
        ]
        for hit in video.matching.hits
    ]
    return "\n".join(
        [
            _list("Misses", ["time", "clock", "label"], misses),
            _list("False alarms", ["time", "clock", "label", "confidence"], alarms),
            _list("Hits", ["time", "clock", "label", "confidence", "late by"], hits),
        ]
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, total: bool = False) -> str:
    """Return an HTML table, cells escaped; `total` sets the last row off."""
    head = "".join(_cell("th", column, column) for column in columns)
    lines = [
        "".join(_cell("td", column, cell) for column, cell in zip(columns, row, strict=True)) for row in rows
    ]
    body = [f"<tr>{line}</tr>" for line in lines]
    if total and lines:
        body[-1] = f'<tr class="total">{lines[-1]}</tr>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _cell(tag: str, column: str, text: str) -> str:
    kind = ' class="text"' if column == "label" else ""
    return f"<{tag}{kind}>{escape(text)}</{tag}>"


def _spots_table(report: MatchReport) -> str:
    minutes = sum(video.duration_seconds for video in report.videos) / 60
    labels = [
        report.labels.merged.get(spot.label, spot.label) for video in report.videos for spot in video.spots
    ]
    rows = [
        [name, str(labels.count(name)), _per_minute(labels.count(name), minutes)] for name in report.labels
    ]
    rows.append(["all", str(len(labels)), _per_minute(len(labels), minutes)])
    return table(["label", "spots", "per minute"], rows, total=True)


def _per_minute(count: int, minutes: float) -> str:
    return f"{count / minutes:.1f}" if minutes > 0 else "-"


def _count_cells(count: Counts) -> list[str]:
    precision = f"{100 * count.precision:.0f} %" if count.num_spots else "-"
    recall = f"{100 * count.recall:.0f} %" if count.num_annotations else "-"
    f1 = f"{100 * count.f1:.0f} %" if count.num_spots and count.num_annotations else "-"
    numbers = (count.num_annotations, count.num_spots, count.hits, count.misses, count.false_alarms)
    return [*map(str, numbers), precision, recall, f1]


def _moment(seconds: float, clock: MatchClock) -> list[str]:
    """Return the time in the file, to the hundredth, and on the match clock."""
    hundredths = round(seconds * 100)
    return [
        f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}",
        clock.text(seconds),
    ]


def _list(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return f"<details><summary>{title} (0)</summary></details>"
    state = " open" if len(rows) <= OPEN_ROWS else ""
    return (
        f"<details{state}><summary>{title} ({len(rows)})</summary>"
        f'<div class="list">{table(columns, rows)}</div></details>'
    )
