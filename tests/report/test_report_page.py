import base64
import json
import re
import zlib
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser

import numpy as np
import pytest
from report_samples import EVIL, LABELS, report_of, shown_video, video_of

from bvas.errors import ConfigError
from bvas.report.content import MatchReport
from bvas.report.packed_arrays import packed_curve, packed_times
from bvas.report.page import page_html, write_page
from bvas.report.page_data import page_data
from bvas.results.frame_times import FrameTimes
from bvas.values.annotations import Spot
from bvas.values.match_clock import MatchClock
from bvas.values.score_curve import ScoreCurve


class Page(HTMLParser):
    """Collects what stands where, and what the page would ask for."""

    def __init__(self, html):
        super().__init__()
        self.links, self.scripts, self.tag = [], [], None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tag = tag
        self.links += [value for name, value in attrs if name in ("src", "href", "srcset", "poster", "data")]
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tag == "script":
            self.scripts[-1] += data


def unpacked(packed):
    dtype = {"u8": np.uint8, "u32": np.uint32}[packed["kind"]]
    return np.frombuffer(zlib.decompress(base64.b64decode(packed["zlib"])), dtype)


def test_the_data_says_which_spot_answers_which_annotation():
    (video,) = page_data(report_of(video_of()))["videos"]
    # In order of time: annotations at 50, 100, 150, 250, 300; spots at 52, 100, 150, 200, 350, 400.
    assert video["annotations"] == {"frame": [50, 100, 150, 250, 300], "label": [0, 1, 0, 0, 2]}
    assert video["spots"]["frame"] == [52, 100, 150, 200, 350, 400]
    assert video["spots"]["answers"] == [0, 1, 2, -1, -1, -1]
    assert video["spots"]["error"] == [0.08, 0.0, 0.0, None, None, None]


def test_precision_and_recall_come_from_all_candidates():
    curve = page_data(report_of(video_of()))["precision_recall"][0]
    # PASS: 0.9 right, 0.8 wrong, 0.6 right, 0.1 right, of 3 annotations.
    assert curve["recall"] == [0.3333, 0.3333, 0.6667, 1.0]
    assert curve["precision"] == [1.0, 0.5, 0.6667, 0.75]


def test_without_annotations_there_is_nothing_to_answer():
    data = page_data(report_of(video_of(annotated=False)))
    assert data["videos"][0]["annotations"] is None
    assert "answers" not in data["videos"][0]["spots"]
    assert data["precision_recall"] == []


def test_a_curve_comes_back_within_a_step_of_its_quantization_and_its_gaps_stay():
    scores = np.array([[0.0, 1.0], [0.5, 0.25], [np.nan, 0.1]], np.float32)
    packed = packed_curve(ScoreCurve(scores, np.array([0.0, 0.04, 0.08]), ("A", "B")))

    values = unpacked(packed["scores"]).reshape(2, 3)

    assert values.tolist() == [[0, 127, 255], [254, 64, 255]]
    assert (packed["rows"], packed["start"], packed["step"]) == (3, 0.0, pytest.approx(0.04))


def test_uneven_times_are_written_down_to_a_tenth_of_a_millisecond():
    seconds = np.array([0.0, 0.04, 0.1, 7200.0417])
    assert (np.cumsum(unpacked(packed_times(seconds)).astype(np.int64)) / 1e4).tolist() == seconds.tolist()

    uneven = video_of(frames=FrameTimes(seconds=seconds, duration_seconds=7200.1, rate=Fraction(25)))
    assert "times" in page_data(report_of(uneven))["videos"][0]["frames"]
    assert "times" not in page_data(report_of(video_of()))["videos"][0]["frames"]


def test_a_moment_belongs_to_the_nearest_frame_of_two_the_earlier():
    frames = FrameTimes(seconds=np.array([0.0, 0.04, 0.08]), duration_seconds=0.12, rate=Fraction(25))
    assert [frames.nearest(s) for s in (-1, 0.0, 0.019, 0.02, 0.021, 0.08, 9)] == [0, 0, 0, 0, 1, 2, 2]


def test_the_clock_of_the_second_half_runs_from_45_minutes_after_its_kickoff():
    video = video_of(clock=MatchClock(kickoff_seconds=10, half=2))
    assert page_data(report_of(video))["videos"][0]["clock_offset"] == 45 * 60 - 10


def test_corrections_are_kept_under_one_name_when_the_page_is_made_again():
    first, other = report_of(video_of()), report_of(video_of(file="2.mkv"))
    again = replace(first, operating_point=0.5, notes=())
    assert page_data(first)["id"] == page_data(again)["id"]
    assert page_data(first)["id"] != page_data(other)["id"]


def test_text_from_outside_cannot_end_the_data_or_become_a_tag():
    html = page_html(report_of(replace(video_of(match="</script>"), name=EVIL), title=EVIL))
    page = Page(html)
    assert len(page.scripts) == 2
    data = json.loads(page.scripts[0])
    assert (data["title"], data["labels"][1], data["videos"][0]["match"]) == (EVIL, EVIL, "</script>")
    assert "document.title='broken'</script>" not in html


def test_the_page_asks_for_nothing_and_its_policy_forbids_it():
    html = page_html(report_of(replace(video_of(), href="1.mp4")))
    assert [link for link in Page(html).links if not link.startswith(("data:", "#"))] == []
    outside = set(re.findall(r"https?://[^\s\"']+", html)) - {"http://www.w3.org/2000/svg"}
    assert outside == set()
    assert "default-src 'none'" in html
    assert not re.search(r"url\(|@import|innerHTML|insertAdjacentHTML|\beval\(", html)


def test_a_number_that_is_none_is_refused():
    spots = [Spot("PASS", 1.0, float("inf"))]
    video = shown_video("a", spots, LABELS, duration_seconds=2.0, operating_point=0.2)
    with pytest.raises(ConfigError, match="finite numbers, got inf"):
        page_html(report_of(video))


def test_a_report_of_nothing_is_a_page():
    assert "0 videos" in page_html(MatchReport(title="", labels=LABELS, videos=(), operating_point=0.2))


def test_the_page_is_written_as_a_file(tmp_path):
    write_page(tmp_path / "index.html", report_of(video_of()))
    assert (tmp_path / "index.html").read_text("utf-8").startswith("<!doctype html>")
    assert len(list(tmp_path.iterdir())) == 1
