"""The page on which players are chosen, in a real browser: boxes by mouse, by finger and by key, and their file."""

import json

import pytest
from browser_page import opened, told_frame, until
from players_page_samples import boxes_shown, drag, on_screen, press, saved_file, write_sample_page

from bvas.players.rois import Roi, read_rois


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_sample_page(tmp_path_factory.mktemp("choosing"), "choose")


@pytest.fixture
def page(browser, path):
    with opened(browser, path) as page:
        yield page


def rois(*entries):
    keys = ("name", "seconds", "frame", "box")
    return {
        "format": "bvas-rois-1",
        "video": "game.mp4",
        "rois": [dict(zip(keys, entry, strict=True)) for entry in entries],
    }


def test_boxes_are_drawn_moved_and_resized_by_mouse_in_pixels_of_the_source(page, path):
    drag(page, (40, 30), (70, 120))
    page.fill("#name", "Ann")
    page.click("#chosen")
    for _ in range(7):
        page.click("#forward")
    drag(page, (200, 150), (160, 50))  # from the lower right corner
    # It is moved by its middle, resized by its upper right corner, and beyond the picture it is cut.
    drag(page, (180, 100), (190, 110))
    drag(page, (210, 60), (500, 20))
    saved, content = saved_file(page)
    assert content == rois(("Ann", 0, 0, [40, 30, 30, 90]), ("", 0.7, 7, [170, 20, 150, 140]))
    assert read_rois(saved) == [
        Roi(box=(40.0, 30.0, 30.0, 90.0), seconds=0.0, name="Ann"),
        Roi(box=(170.0, 20.0, 150.0, 140.0), seconds=0.7),
    ]
    assert boxes_shown(page) == [(2, "box 2", [170, 20, 150, 140])]
    command = f"Apply it: bvas players {path.parents[1] / 'game.mp4'} --rois rois.json"
    assert page.inner_text("#command") == command
    page.locator("#players .player").first.click()
    assert told_frame(page) == 0
    page.click("#remove")
    assert saved_file(page)[1] == rois(("", 0.7, 7, [170, 20, 150, 140]))


def test_boxes_are_placed_by_key(page):
    # At the center: 27 x 63 of 320 x 180.
    press(page, "b")
    assert boxes_shown(page) == [(1, "box 1", [147, 59, 27, 63])]
    press(page, "ArrowLeft*10", "ArrowUp*5", "Shift+ArrowRight*3", "Shift+ArrowDown*7", "Enter")
    press(page, "n")
    page.keyboard.type("Ann")
    press(page, "Enter", "ArrowRight*4", "b", "ArrowLeft*200", "Shift+ArrowUp*3", "Enter")
    # The first is taken up again: shown in its frame, moved on, kept.
    press(page, "ArrowUp")
    assert told_frame(page) == 0
    press(page, "Enter", "ArrowDown*2", "Enter", "b", "ArrowLeft", "Escape")
    _, content = saved_file(page, by_key=True)
    assert content == rois(("Ann", 0, 0, [137, 56, 30, 70]), ("", 0.4, 4, [0, 59, 27, 60]))
    press(page, "ArrowDown", "d", "u*2")
    assert saved_file(page, by_key=True)[1]["rois"][0]["box"] == [137, 54, 30, 70]
    press(page, "Control+y*2")
    assert saved_file(page, by_key=True)[1] == rois(("Ann", 0, 0, [137, 56, 30, 70]))


def test_a_click_chooses_and_draws_nothing(page):
    drag(page, (40, 30), (70, 120))
    drag(page, (100, 30), (130, 120))
    page.mouse.click(*on_screen(page, 55, 80))
    assert page.inner_text("#chosen").startswith("box 1 · ")
    page.mouse.click(*on_screen(page, 250, 80))
    assert page.inner_text("#chosen").startswith("Nothing chosen")
    assert len(saved_file(page)[1]["rois"]) == 2


def test_boxes_outlive_a_reload_and_are_loaded_from_a_file(page, tmp_path):
    drag(page, (40, 30), (70, 120))
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.inner_text("#told") == "From your last visit: 1 box."
    file = tmp_path / "rois.json"
    file.write_text(json.dumps(rois(("Bea", 0.31, 3, [1, 2, 3.5, 4]))))
    page.set_input_files("#file", file)
    until(page, "document.querySelector('#told').textContent === 'Loaded: 1 box.'")
    assert saved_file(page)[1] == rois(("Bea", 0.3, 3, [1, 2, 3.5, 4]))
    file.write_text(json.dumps(rois(("Bea", 0.31, 3, [1, 2, 0, 4]))))
    page.set_input_files("#file", file)
    until(page, "document.querySelector('#warning').textContent !== ''")
    assert page.inner_text("#warning") == "Not loaded: box 1 is not a box with a time."


def test_boxes_are_drawn_by_finger_on_a_telephone(browser, path):
    with opened(browser, path, has_touch=True) as page:
        page.set_viewport_size({"width": 400, "height": 800})
        until(page, "document.querySelector('#boxes').clientWidth === 400")
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        touch = page.context.new_cdp_session(page)
        for kind, point in (("Start", (80, 20)), ("Move", (100, 60)), ("Move", (120, 120)), ("End", None)):
            points = [] if point is None else [dict(zip("xy", on_screen(page, *point), strict=True))]
            touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
        assert saved_file(page)[1] == rois(("", 0, 0, [80, 20, 40, 100]))


def test_help_lists_the_keys_of_choosing(page):
    press(page, "?")
    keys = page.locator("#keys dt").all_inner_texts()
    assert {"B", "Enter", "N", "Shift ↑ ↓"} <= set(keys)
    assert "M" not in keys
