"""The page of `bvas label` in a real browser: labelled by key and by touch, saved, left and taken up again."""

import json
import shutil
from dataclasses import replace
from fractions import Fraction

import pytest
from browser_page import frame_on_screen, opened, rows, saved, told_frame, until
from video_samples import make_video

from bvas.cli import main
from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.matches import annotated_halves, find_matches
from bvas.data.soccernet_files import read_label_file
from bvas.data.spotting_task import dataset_task
from bvas.experiment.experiment import load_experiment
from bvas.tasks.kind_choice import kind_of
from bvas.values.annotations import Interval
from bvas.video.index.video_index import build_index

# Of a phone: frames are on screen for 33, 50, 20, 41 ms in turn.
UNEVEN = [144 * (number // 4) + (0, 33, 83, 103)[number % 4] for number in range(200)]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    options = {"size": (90, 160), "num_frames": 200}
    make_video(folder / "court.mp4", **options)
    make_video(folder / "ntsc.mkv", rate=Fraction(30000, 1001), **options)
    make_video(folder / "phone.mp4", times=UNEVEN, time_base=Fraction(1, 1000), **options)
    assert (
        main(["label", *map(str, sorted(folder.iterdir())), *OPTIONS, "--out", str(folder / "l.json")]) == 0
    )
    return folder


OPTIONS = ["--labels", "PASS,SHOT,IN_FRAME", "--quiet"]


@pytest.fixture
def folder(videos, tmp_path):
    """Videos and page with nothing labelled; previews are there already."""
    shutil.copytree(videos, tmp_path / "data")
    return tmp_path / "data"


def label_page(folder, *options):
    command = ["label", *map(str, sorted(folder.glob("*.m*"))), "--out", str(folder / "l.json"), *OPTIONS]
    assert main([*command, *options]) == 0
    return folder / "l_page" / "index.html"


def press(page, *keys):
    for key in keys:
        name, _, times = key.partition("*")
        for _ in range(int(times or 1)):
            page.keyboard.press(name)


def saved_by_key(page):
    with page.expect_download() as download:
        page.keyboard.press("Control+s")
    assert download.value.suggested_filename == "l.json"
    return json.loads(download.value.path().read_text())


def marks(content, number=0):
    """Label and frame, or label, first frame and last frame of the annotations of a match."""
    found = content["matches"][number].get("annotations", ())
    return [
        (one["label"], one["frame"])
        if "frame" in one
        else (one["label"], one["from_frame"], one["to_frame"] - 1)
        for one in found
    ]


def test_thirty_points_and_five_ranges_by_key_alone_end_in_a_dataset_that_trains(browser, folder):
    with opened(browser, label_page(folder)) as page:
        for number in range(20):
            press(page, "ArrowRight*7", "12"[number % 2])  # 7 to 140
        # Ranges in the third label: by its key, and by I and O after it.
        press(page, "Home", "t")
        for _ in range(3):
            press(page, "ArrowRight*5", "3", "ArrowRight*9", "3")  # 5 to 14, 19 to 28, 33 to 42
        press(page, "PageDown", "t")
        for _ in range(10):
            press(page, "ArrowRight*3", "2")
        press(page, "t", "Home", "3", "ArrowRight*2", "o")
        press(page, "ArrowRight", "i", "End", "o")
        content = saved_by_key(page)
    (folder / "dataset.json").write_text(json.dumps(content))

    points = dataset_task(("PASS", "SHOT"))
    found = find_matches(points, folder)
    assert [match.name for match in found if match.fold is not None] == ["court", "ntsc"]
    first, second = (annotated_halves(match, points)[0] for match in found[:2])
    for (half, annotations), frames in ((first, range(7, 141, 7)), (second, range(3, 31, 3))):
        index = build_index(half.path)[0]
        assert [one.seconds for one in annotations] == [index.seconds_of(frame) for frame in frames]
    assert [one.label for one in first[1]] == ["PASS", "SHOT"] * 10
    kind = kind_of(replace(load_experiment("demo"), task=points))
    training, held_out = kind.samples(found, 0)
    assert [len(video.label_ids) for video in (*training, *held_out)] == [10, 20]

    presence = dataset_task(("IN_FRAME",), ignored=("PASS", "SHOT"))
    first, second = (labelled_ranges(match, presence)[0][1] for match in find_matches(presence, folder)[:2])
    wanted = [(0.2, 0.6), (0.76, 1.16), (1.32, 1.72)]
    assert first == [Interval("IN_FRAME", *ends) for ends in wanted]
    index = build_index(folder / "ntsc.mkv")[0]
    ends = [(0.0, index.seconds_of(3)), (index.seconds_of(3), index.duration_seconds)]
    assert second == [Interval("IN_FRAME", *pair) for pair in ends]
    assert main(["data", "check", str(folder), "--quiet"]) == 0


def test_frame_numbers_are_the_source_s_at_every_rate(browser, folder):
    with opened(browser, label_page(folder)) as page:
        for number in range(3):  # at 25, 29.97 and a variable rate
            until(page, "document.querySelector('video').readyState >= 2")
            press(page, "ArrowRight*13", "1", "Shift+ArrowRight*2", "ArrowLeft", "2", "End", "1")
            shown = frame_on_screen(page)
            assert shown == told_frame(page) == 199
            press(page, "ArrowUp")
            middle = frame_on_screen(page)
            assert middle == told_frame(page)
            found = marks(saved(page), number)
            assert found == [("PASS", 13), ("SHOT", middle), ("PASS", 199)]
            press(page, "PageDown")


def test_what_is_begun_and_done_outlives_a_reload_and_undo_goes_back_step_by_step(browser, folder):
    with opened(browser, label_page(folder)) as page:
        press(page, "ArrowRight*4", "1", "t", "ArrowRight*2", "3", "ArrowRight*10")
        page.reload()
        page.wait_for_selector("body[data-ready]")
        assert page.inner_text("#corrected") == "1 point, 0 ranges, 3 videos"
        assert page.inner_text("#begun") == "IN_FRAME begun at 00:00.24, frame 6"
        assert marks(saved(page)) == [("PASS", 4)]
        press(page, "ArrowRight*16", "o")
        assert marks(saved(page)) == [("PASS", 4), ("IN_FRAME", 6, 16)]
        press(page, "Control+z")
        assert page.inner_text("#begun") == "IN_FRAME begun at 00:00.24, frame 6"
        press(page, "Control+Shift+z")
        # The end of the range goes two frames on, its start to the frame on screen; then another label.
        press(page, "e", ".*2", "e", "ArrowRight*3", "h", "Shift+Digit2")
        assert page.inner_text("#chosen") == "■ label SHOT · 00:00.36 to 00:00.76 · frames 9 to 18"
        press(page, "d")
        assert marks(saved(page)) == [("PASS", 4)]
        press(page, "u*2", "Home", "i", "Escape", "o")
        assert page.inner_text("#warning") == "No range is begun here: press I at its first frame."
        assert marks(saved(page)) == [("PASS", 4), ("IN_FRAME", 9, 18)]


def test_overlapping_ranges_and_doubled_points_are_refused_where_everybody_sees_it(browser, folder):
    with opened(browser, label_page(folder, "--ranges")) as page:
        press(page, "ArrowRight*5", "3", "ArrowRight*5", "3")  # 5 to 10
        press(page, "ArrowRight*5", "3", "ArrowLeft*5", "3")  # 15 back to 10
        refused = (
            "Not done: IN_FRAME stands at frames 5 to 10 already, and ranges of one label do not overlap."
        )
        assert page.inner_text("#warning") == refused
        press(page, "ArrowRight", "3")
        assert marks(saved(page)) == [("IN_FRAME", 5, 10), ("IN_FRAME", 11, 15)]
        press(page, ",")
        assert page.inner_text("#warning") == refused
        # Another label may overlap; it does not become one that may not.
        press(page, "2", "ArrowRight*2", "2", "Shift+Digit3")
        assert "IN_FRAME stands at frames 11 to 15 already" in page.inner_text("#warning")
        press(page, "t", "1", "1")
        assert page.inner_text("#warning") == "Not done: PASS stands at frame 13 already."
        assert page.inner_text("#corrected") == "1 point, 3 ranges, 3 videos"
        wanted = [("IN_FRAME", 5, 10), ("SHOT", 11, 13), ("IN_FRAME", 11, 15), ("PASS", 13)]
        assert marks(saved(page)) == wanted


def test_a_saved_file_is_continued_and_what_is_still_in_the_browser_counts_once(browser, folder):
    path = label_page(folder)
    with opened(browser, path) as page:
        press(page, "ArrowRight*4", "1", "ArrowRight*4", "1", "ArrowRight*4", "2")
        content = saved(page)
        content["matches"][0]["annotations"][0] |= {"note": "a volley", "team": "home"}
        (folder / "l.json").write_text(json.dumps(content))
        # After saving: one is moved, one deleted, one added.
        press(page, ".", "ArrowUp", "d", "End", "2")
        page.wait_for_timeout(400)
        label_page(folder)
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-ready]")
        again = saved(page)
        assert marks(again) == [("PASS", 4), ("SHOT", 13), ("SHOT", 199)]
        first = {"note": "a volley", "team": "home", "frame": 4, "label": "PASS"}
        assert again["matches"][0]["annotations"][0] == first
        # The file of another day, by hand.
        (folder / "other.json").write_text(json.dumps(content))
        page.set_input_files("#file", folder / "other.json")
        until(page, "document.querySelector('#corrected').textContent.startsWith('3 points')")
        assert marks(saved(page)) == [("PASS", 4), ("PASS", 8), ("SHOT", 12)]


def test_a_page_of_other_videos_keeps_what_the_browser_and_the_file_have_of_these(browser, folder):
    with opened(browser, label_page(folder)) as page:
        press(page, "ArrowRight*4", "1")
        page.wait_for_timeout(400)
        phone = [str(folder / "phone.mp4"), "--out", str(folder / "l.json"), "--quiet"]
        assert main(["label", *phone]) == 0
        page.reload()
        page.wait_for_selector("body[data-ready]")
        press(page, "ArrowRight*5", "2")
        content = saved(page)
        assert [match["name"] for match in content["matches"]] == ["court", "ntsc", "phone"]
        assert (marks(content, 0), marks(content, 2)) == ([], [("SHOT", 5)])
        label_page(folder)
        page.reload()
        page.wait_for_selector("body[data-ready]")
        content = saved(page)
        assert (marks(content, 0), marks(content, 2)) == ([("PASS", 4)], [("SHOT", 5)])


def test_a_video_counts_as_empty_only_if_it_is_said(browser, folder):
    with opened(browser, label_page(folder)) as page:
        assert "annotations" not in saved(page)["matches"][0]
        page.check("#empty")
        page.wait_for_timeout(400)
        page.reload()
        page.wait_for_selector("body[data-ready]")
        content = saved(page)
        assert content["matches"][0]["annotations"] == []
        assert "annotations" not in content["matches"][1]
        press(page, "1")
        assert page.locator("#empty-choice").is_hidden()


def test_points_are_saved_in_soccernet_s_form_too(browser, folder, tmp_path):
    with opened(browser, label_page(folder)) as page:
        press(page, "PageDown")
        for _ in range(50):
            press(page, "ArrowRight*3", "1")
        press(page, "Home", "i", "ArrowRight", "o")
        with page.expect_download() as download:
            page.click("#save-soccernet")
        assert download.value.suggested_filename == "Labels-ball.json"
        shutil.copy(download.value.path(), tmp_path / "Labels-ball.json")
    raw, faults = read_label_file(tmp_path / "Labels-ball.json")
    assert faults == []
    # As the official reader truncates.
    assert [int(30000 / 1001 * round(one.seconds * 1000) / 1000) for one in raw.items] == list(
        range(3, 151, 3)
    )
    assert json.loads((tmp_path / "Labels-ball.json").read_text())["annotations"][10] == {
        "gameTime": "1 - 00:01",
        "label": "PASS",
        "position": "1102",  # 33 / 29.97 s
        "team": "",
        "visibility": "visible",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_a_button_for_each(browser, folder, scheme):
    with opened(browser, label_page(folder), color_scheme=scheme, has_touch=True) as page:
        page.set_viewport_size({"width": 400, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        for _ in range(3):
            page.tap("#forward")
        page.tap("#marks button:has-text('PASS')")
        page.tap("#mark-ranges")
        page.tap("#marks button:has-text('IN_FRAME')")
        assert page.locator("#marks button[aria-pressed=true]").all_inner_texts() == ["Ranges", "3 IN_FRAME"]
        page.tap("#forward")
        page.tap("#marks button:has-text('IN_FRAME')")
        assert rows(page) == ["label, PASS, 00:00.12", "label, IN_FRAME, 00:00.12 to 00:00.20"]
        page.tap("#undo")
        page.tap("#drop")
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        assert marks(saved(page)) == [("PASS", 3)]


def test_the_help_has_the_keys_of_this_page_only(browser, folder):
    with opened(browser, label_page(folder)) as page:
        press(page, "?")
        assert "mark that label at the frame on screen" in page.inner_text("#keys")
        assert "keep: the event is right" not in page.inner_text("#keys")
        assert str(folder / "l.json") in page.inner_text("#help")
