"""Ranges on the page of a report, in a real browser: shown, corrected, kept, added, saved and imported."""

import json
from contextlib import nullcontext
from dataclasses import replace

import pytest
from browser_page import counts, opened, rows, saved, told_frame, until
from video_samples import make_video

from bvas.cli import main
from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.matches import find_matches
from bvas.data.spotting_task import dataset_task
from bvas.experiment.peak_config import PeakConfig
from bvas.report.content import MatchReport, video_report
from bvas.report.page_data import page_data
from bvas.report.report_folder import write_report_folder
from bvas.results.video_result import VideoFile, VideoResult
from bvas.values.annotations import Interval, LabelSet
from bvas.video.encode.browser_preview import PreviewConfig

LABELS = LabelSet(("IN_FRAME", "DUNK"))
# First and last frame. Of 4 ranges two are hit: (102, 149) shares 48 of 50 frames, (200, 239) all of 40.
RANGES = [("IN_FRAME", 100, 149), ("IN_FRAME", 300, 399), ("DUNK", 120, 139), ("DUNK", 200, 239)]
FOUND = [
    ("IN_FRAME", 102, 149, 0.9),
    ("IN_FRAME", 160, 180, 0.6),
    ("IN_FRAME", 380, 450, 0.7),
    ("DUNK", 200, 239, 0.5),
]


def interval(label, first, last, confidence=1.0):
    return Interval(label, first / 25, (last + 1) / 25, confidence)


def report_of(video, *, annotated):
    result = VideoResult(
        video=VideoFile(name="court", match="court", path=video).indexed(),
        intervals=tuple(interval(*one) for one in FOUND),
        ranges=tuple(interval(*one) for one in RANGES) if annotated else None,
        annotations=() if annotated else None,
        peaks=PeakConfig(operating_point=0.2),
    )
    shown = replace(video_report(result, LABELS), path="court.mp4")
    return MatchReport(title="court", labels=LABELS, videos=(shown,), operating_point=0.2)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranges")
    video = make_video(folder / "court.mp4", num_frames=500, size=(90, 160))
    return {
        annotated: write_report_folder(
            report_of(video, annotated=annotated),
            folder / f"report {annotated}",
            link=False,
            config=PreviewConfig(),
            progress=lambda _: nullcontext(lambda done, total: None),
        )
        for annotated in (True, False)
    }


def spans(content):
    (video,) = content["videos"]
    return [
        (one["label"], one["from_frame"], one["to_frame"] - 1, one["origin"])
        for one in video["annotations"]
        if "from_frame" in one
    ]


def test_the_data_has_frames_of_ranges_and_which_interval_answers_which(pages):
    (video,) = page_data(report_of(pages[True].parents[1] / "court.mp4", annotated=True))["videos"]
    assert video["annotations"] == {
        "frame": [100, 120, 200, 300],
        "end": [150, 140, 240, 400],
        "label": [0, 1, 1, 0],
    }
    assert (video["spots"]["frame"], video["spots"]["end"]) == ([102, 160, 200, 380], [150, 181, 240, 451])
    assert video["spots"]["answers"] == [0, -1, 2, -1]
    assert video["spots"]["error"] == [0.08, None, 0.0, None]


def test_intervals_and_ranges_are_listed_counted_and_drawn(browser, pages):
    with opened(browser, pages[True]) as page:
        assert counts(page, "kinds") == [2, 2, 2, 4]
        assert rows(page) == [
            "hit, IN_FRAME, 00:04.08 to 00:06.00, confidence 0.90, begins late by 0.08 s",
            "miss, DUNK, 00:04.80 to 00:05.60",
            "false alarm, IN_FRAME, 00:06.40 to 00:07.24, confidence 0.60",
            "hit, DUNK, 00:08.00 to 00:09.60, confidence 0.50, begins late by 0.00 s",
            "miss, IN_FRAME, 00:12.00 to 00:16.00",
            "false alarm, IN_FRAME, 00:15.20 to 00:18.04, confidence 0.70",
        ]
        cells = page.locator("#table tbody tr").nth(0).locator("th, td").all_inner_texts()
        assert cells[:6] == ["IN_FRAME", "2", "3", "1", "1", "2"]
        assert page.locator("#precision-recall polyline").count() == 2
        # A click on the bar of the false alarm at 6.4 to 7.24 s, between its ends; lanes are 84 high.
        box = page.locator("#detail").bounding_box()
        left, width = box["x"] + 128, box["width"] - 128
        page.mouse.click(left + width * 6.9 / 20, box["y"] + 84 - 3 - 0.6 * 0.72 * 84)
        assert told_frame(page) == 160
        assert "false alarm IN_FRAME · 00:06.40 to 00:07.24 · frames 160 to 180" in page.inner_text("#chosen")


def test_ends_are_moved_and_ranges_relabelled_deleted_and_added_by_key(browser, pages):
    with opened(browser, pages[True]) as page:
        first = saved(page)
        assert spans(first) == [
            (label, a, b, "annotation") for label, a, b in sorted(RANGES, key=lambda r: r[1:])
        ]
        # The hit: its annotation ends two frames later and starts at frame 103.
        for key in ("ArrowDown", "e", ".", ".", "e", "ArrowRight", "h"):
            page.keyboard.press(key)
        assert page.inner_text("#chosen").endswith("start +3 fr end +2 fr")
        for key in ("ArrowDown", "1"):  # the miss DUNK overlaps IN_FRAME
            page.keyboard.press(key)
        assert page.inner_text("#warning") == (
            "Not done: IN_FRAME stands at frames 103 to 151 already, and ranges of one label do not overlap."
        )
        page.keyboard.press("d")
        for key in ("Home", "i", *["ArrowRight"] * 9, "o"):
            page.keyboard.press(key)
        assert page.inner_text("#corrected") == "1 deleted, 1 moved, 1 added"
        content = saved(page)
        wanted = [
            ("IN_FRAME", 0, 9, "added"),
            ("IN_FRAME", 103, 151, "annotation"),
            ("DUNK", 200, 239, "annotation"),
            ("IN_FRAME", 300, 399, "annotation"),
        ]
        assert spans(content) == wanted
        was = {"from_frame": 100, "to_frame": 150, "label": "IN_FRAME"}
        assert content["videos"][0]["annotations"][1]["was"] == was
        page.reload()
        page.wait_for_selector("body[data-ready]")
        assert saved(page) == content
        for _ in range(2):
            page.keyboard.press("u")
        assert page.inner_text("#corrected") == "1 deleted, 1 moved, 1 added"  # kept of the last visit


def test_kept_intervals_become_ranges_of_a_dataset_and_overlapping_ones_are_left(browser, pages, tmp_path):
    with opened(browser, pages[False]) as page:
        assert counts(page, "kinds") == [4]
        page.locator("#list .row:not([hidden])").nth(1).click()
        page.keyboard.press("k")
        for key in ("e", *["ArrowRight"] * 30, "h"):  # its end to 210
            page.keyboard.press(key)
        content = saved(page)
        assert spans(content) == [("IN_FRAME", 160, 210, "spot")]
        page.keyboard.press("i")
        assert "IN_FRAME stands at frames 160 to 210 already" in page.inner_text("#warning")
        for key in ("ArrowRight", "i", *["Shift+ArrowRight"] * 8, "o"):
            page.keyboard.press(key)
        page.click("#keep-all")
        assert page.inner_text("#warning") == "2 kept; 1 not, which overlap kept ones."
        (tmp_path / "corrections.json").write_text(json.dumps(saved(page)))
    command = [
        "data",
        "import",
        str(tmp_path / "corrections.json"),
        "--out",
        str(tmp_path / "data"),
        "--quiet",
    ]
    assert main([*command, "--videos", str(pages[False].parents[1])]) == 0
    task = dataset_task(LABELS.names)
    ((_, found),) = labelled_ranges(find_matches(task, tmp_path / "data")[0], task)
    wanted = [("IN_FRAME", 102, 149), ("IN_FRAME", 160, 210), ("DUNK", 200, 239), ("IN_FRAME", 211, 411)]
    assert found == [interval(*one) for one in wanted]


def test_corrections_of_ranges_come_back_from_a_file(browser, pages, tmp_path):
    with opened(browser, pages[True]) as page:
        for key in ("ArrowDown", "e", ".", "ArrowDown", "d", "Home", "a"):
            page.keyboard.press(key)
        content = saved(page)
    (tmp_path / "corrections.json").write_text(json.dumps(content))
    with opened(browser, pages[True]) as page:
        page.set_input_files("#file", tmp_path / "corrections.json")
        until(page, "document.querySelector('#corrected').textContent.startsWith('1 deleted')")
        assert page.inner_text("#corrected") == "1 deleted, 1 moved, 1 added"
        assert saved(page) == content
        # A range that has come in the way since is left out.
        content["videos"][0]["annotations"].append({"from_frame": 399, "to_frame": 405, "label": "IN_FRAME"})
        (tmp_path / "corrections.json").write_text(json.dumps(content))
        page.set_input_files("#file", tmp_path / "corrections.json")
        until(page, "document.querySelector('#said').textContent.includes('loaded')")
        assert ("IN_FRAME", 399, 404, "added") not in spans(saved(page))
