"""`report.html`: one file that shows a match report in any browser, with no request to anywhere.

Pictures are in the file; a clip, if there is one, lies beside it. No script runs.
"""

import base64
from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np

from bvas.files import write_bytes
from bvas.metrics.analysis import Counts, counts_per_label, timing_error
from bvas.report.clock import minutes_text
from bvas.report.content import MatchReport, VideoReport
from bvas.report.histogram import histogram_svg
from bvas.report.tables import counts_table, event_lists
from bvas.report.timeline import timeline_png

# On a phone the picture's own key lies beyond the edge of the screen.
KEY = (
    '<ul class="key"><li class="hit">\u25cf hit</li><li class="miss">\u25c7 miss</li>'
    '<li class="alarm">\u25b2 false alarm</li><li>| annotation</li></ul>'
)


def write_page(path: Path, report: MatchReport) -> None:
    """Write the page; clips are linked by `VideoReport.clip`, relative to the page's folder.

    Raises:
        DataError: the file cannot be written.
    """
    write_bytes(path, page_html(report).encode())


def page_html(report: MatchReport) -> str:
    """Return the page as HTML; every text that comes from outside is escaped."""
    style = files("bvas.report").joinpath("page.css").read_text("utf-8")
    body = "\n".join(
        [
            _head(report),
            _figures(report),
            _labels(report),
            _timing(report),
            *(_video(report, video) for video in report.videos),
            _foot(report),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n"
        '<link rel="icon" href="data:,">\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _head(report: MatchReport) -> str:
    total = sum(video.duration_seconds for video in report.videos)
    parts = [
        "1 video" if len(report.videos) == 1 else f"{len(report.videos)} videos",
        f"{minutes_text(total)} long",
        f"spots of confidence {report.operating_point:.2f} and more",
    ]
    if report.matchings is not None:
        parts.append(f"a spot hits within {report.tolerance_seconds:g} s of an annotation")
    return f'<h1>{escape(report.title)}</h1>\n<p class="faint">{escape(" · ".join(parts))}</p>'


def _figures(report: MatchReport) -> str:
    figures = []
    for name, per_label in (report.average_precisions or {}).items():
        figures.append(("", f"{100 * float(np.mean(list(per_label.values()))):.1f}", name))
    if report.matchings is None:
        figures.append(("", str(sum(len(video.spots) for video in report.videos)), "spots"))
    else:
        total = sum(counts_per_label(report.matchings, report.labels).values(), Counts())
        figures += [
            ("hit", str(total.hits), f"hits of {total.num_annotations} annotations"),
            ("miss", str(total.misses), "misses"),
            ("alarm", str(total.false_alarms), "false alarms"),
            ("", f"{100 * total.precision:.0f} %" if total.num_spots else "-", "precision"),
            ("", f"{100 * total.recall:.0f} %" if total.num_annotations else "-", "recall"),
        ]
    items = [
        f'<li class="{kind}"><b>{escape(value)}</b><span>{escape(name)}</span></li>'
        for kind, value, name in figures
    ]
    return f'<ul class="figures">{"".join(items)}</ul>'


def _labels(report: MatchReport) -> str:
    return f'<h2>By label</h2>\n<div class="wide">{counts_table(report)}</div>'


def _timing(report: MatchReport) -> str:
    if report.matchings is None:
        return ""
    hits = [hit for matching in report.matchings for hit in matching.hits]
    error = timing_error(hits)
    if error is None:
        return ""
    side = "late" if error.median_seconds >= 0 else "early"
    is_on_time = abs(error.median_seconds) < 0.005
    median = "on time" if is_on_time else f"{abs(error.median_seconds):.2f} s too {side}"
    return (
        "<h2>Timing of the hits</h2>\n"
        f"<p>Half of the {error.num_hits} hits lie within a stretch of {error.spread_seconds:.2f} s; "
        f"the median is {median}.</p>\n"
        + histogram_svg([hit.timing_error_seconds for hit in hits], report.tolerance_seconds)
    )


def _video(report: MatchReport, video: VideoReport) -> str:
    picture = timeline_png(video, report.labels, operating_point=report.operating_point)
    parts = [f"<h2>{escape(video.name)}</h2>"]
    if video.gaps:
        stretches = ", ".join(f"{minutes_text(start)} to {minutes_text(stop)}" for start, stop in video.gaps)
        parts.append(f"<p>Not decoded, so without spots: {stretches}.</p>")
    if video.matching is not None:
        parts.append(KEY)
    parts.append(
        f'<div class="wide"><img alt="Timeline of {escape(video.name)}" '
        f'src="data:image/png;base64,{base64.b64encode(picture).decode()}"></div>'
    )
    if video.clip is not None:
        span = f"{minutes_text(video.clip.start_seconds)} to {minutes_text(video.clip.stop_seconds)}"
        href = escape(video.clip.href)
        parts.append(
            f"<h3>Clip, {span}</h3>\n"
            f'<video controls preload="metadata" playsinline src="{href}">'
            f'<a href="{href}">{href}</a></video>'
        )
    parts.append(f'<div class="lists">{event_lists(video)}</div>')
    return "\n".join(parts)


def _foot(report: MatchReport) -> str:
    notes = "".join(f"<p>{escape(note)}</p>" for note in report.notes)
    return f'<footer class="faint">{notes}<p>Made by bvas.</p></footer>'
