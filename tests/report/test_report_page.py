import re
from html.parser import HTMLParser

import pytest

from bvas.metrics.average_precision import average_precision
from bvas.report.clock import MatchClock
from bvas.report.content import ClipLink, MatchReport, video_report
from bvas.report.histogram import histogram_svg
from bvas.report.page import page_html, write_page
from bvas.report.tables import table
from bvas.spots import Annotation, LabelSet, Spot

BALL = LabelSet(("PASS", "DRIVE"))
ANNOTATIONS = [Annotation("PASS", 5.0), Annotation("DRIVE", 20.0), Annotation("PASS", 62.25)]
SPOTS = [Spot("PASS", 5.1, 0.91), Spot("PASS", 40.0, 0.33), Spot("PASS", 62.25, 0.05)]


class Page(HTMLParser):
    """Collects text, the rows of tables, and what the page would ask for."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.links, self.open, self.text = [], [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.links += [value for name, value in attrs if name in ("src", "href", "srcset", "poster", "data")]
        if tag not in ("meta", "link", "img", "rect", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("rect", "line"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def report_of(*, annotations=ANNOTATIONS, title="A match", name="1.mkv", labels=BALL, spots=SPOTS, **options):
    video = video_report(
        name,
        spots,
        labels,
        duration_seconds=90.0,
        operating_point=0.2,
        annotations=annotations,
        **options,
    )
    scores = None if annotations is None else {"mAP@1": average_precision([annotations], [spots], labels)}
    return MatchReport(
        title=title, labels=labels, videos=(video,), operating_point=0.2, average_precisions=scores
    )


@pytest.fixture(scope="module")
def page():
    return Page(page_html(report_of(clock=MatchClock(kickoff_seconds=2, half=2))))


def test_counts_and_rates_stand_in_the_table_by_label(page):
    # annotations, spots, hits, misses, false alarms, precision, recall, F1, timing, AP
    assert page.rows[0][-1] == "AP@1"
    assert page.rows[1][:-1] == ["PASS", "2", "2", "1", "1", "1", "50 %", "50 %", "50 %", "+0.10 s"]
    assert page.rows[2] == ["DRIVE", "1", "0", "0", "1", "0", "-", "0 %", "-", "-", "0.0"]
    assert page.rows[3][:6] == ["all", "3", "2", "1", "2", "1"]


def test_hits_misses_and_false_alarms_are_listed_with_time_clock_label_and_confidence(page):
    assert ["00:05.10", "45:03", "PASS", "0.91", "+0.10 s"] in page.rows
    assert ["00:20.00", "45:18", "DRIVE"] in page.rows
    assert ["00:40.00", "45:38", "PASS", "0.33"] in page.rows
    assert "Misses (2)" in page.text


def test_the_timing_error_is_told_in_words(page):
    assert "the median is 0.10 s too late" in page.text


def test_the_page_asks_for_nothing_outside_itself_but_its_clip():
    html = page_html(report_of(clip=ClipLink(href="clips/1.mp4", start_seconds=3, stop_seconds=9)))

    outside = [link for link in Page(html).links if not link.startswith("data:")]

    assert set(outside) == {"clips/1.mp4"}
    assert "<script" not in html
    assert not re.search(r"https?:|url\(|@import", html)


def test_text_from_outside_is_escaped():
    evil = '<img src=x onerror="alert(1)">'
    labels = LabelSet((evil, "DRIVE"))
    html = page_html(
        report_of(
            title=evil,
            name=evil,
            labels=labels,
            annotations=[Annotation(evil, 5.0)],
            spots=[Spot(evil, 30.0, 0.9)],
            clip=ClipLink(href='"><script>', start_seconds=0, stop_seconds=1),
        )
    )

    assert "<img src=x" not in html
    assert "<script" not in html


def test_without_annotations_the_page_lists_spots_and_speaks_of_no_misses():
    page = Page(page_html(report_of(annotations=None)))

    assert ["PASS", "2", "1.3"] in page.rows  # two in a minute and a half
    assert ["00:40.00", "00:40", "PASS", "0.33"] in page.rows
    assert "Misses" not in page.text
    assert "annotation" not in page.text


def test_stretches_that_were_not_decoded_are_named():
    assert "Not decoded, so without spots: 00:10 to 00:20." in page_html(report_of(gaps=((10.0, 20.0),)))


def test_a_report_of_nothing_is_a_page():
    empty = Page(page_html(report_of(annotations=[], spots=[])))
    assert "hits of 0 annotations" in empty.text
    nothing = Page(page_html(MatchReport(title="", labels=BALL, videos=(), operating_point=0.2)))
    assert "0 videos" in nothing.text


def test_the_page_fits_a_phone():
    assert 'name="viewport" content="width=device-width' in page_html(report_of())


def test_the_page_is_written_as_a_file(tmp_path):
    write_page(tmp_path / "report.html", report_of())
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!doctype html>")
    assert len(list(tmp_path.iterdir())) == 1


def test_the_histogram_names_every_bar():
    svg = histogram_svg([0.0, 0.01, -0.01, 0.3], 0.5)
    assert svg.count("<rect") == 25
    assert "<title>-0.02 to +0.02 s: 3</title>" in svg


def test_a_table_escapes_its_cells():
    assert "<td>a &lt; b</td>" in table(["x"], [["a < b"]])
