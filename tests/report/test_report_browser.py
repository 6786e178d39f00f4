"""The page in a real browser: Chromium without a window, driven by Playwright."""

import json
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace

import cv2
import numpy as np
import pytest
from report_samples import ANNOTATIONS, EVIL, report_of, video_of, with_suspects, write_sample
from video_samples import number_in

from bvas.report.page import write_page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium"
)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    return write_sample(tmp_path_factory.mktemp("labelled"))


@pytest.fixture(scope="module")
def unlabelled(labelled, tmp_path_factory):
    # The preview is there already, and is used again.
    folder = tmp_path_factory.mktemp("unlabelled") / "copy"
    shutil.copytree(labelled.parents[1], folder)
    return write_sample(folder, annotated=False)


def until(page, expression):
    """Wait for a condition; Playwright's own way evaluates text, which the page's policy forbids."""
    for _ in range(400):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never came true: {expression}")


@contextmanager
def opened(browser, path, **options):
    """The page, after which nothing may have been asked for outside it, and no error reported."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, **options)
    # Without a window nobody can choose where to save; then the page downloads.
    context.add_init_script("delete window.showSaveFilePicker")
    page = context.new_page()
    page.troubles, page.requests = [], []
    page.on("console", lambda message: page.troubles.append(message.text))
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    until(page, "document.querySelector('video').readyState >= 2")
    try:
        yield page
        assert page.troubles == []
        here = path.parent.as_uri()
        outside = [url for url in page.requests if not url.startswith((here, "data:", "blob:"))]
        assert outside == []
    finally:
        context.close()


@pytest.fixture
def page(browser, labelled):
    with opened(browser, labelled) as page:
        yield page


def frame_on_screen(page):
    """The number that the picture shows, at rest: a browser that has much to do is late with pictures."""
    before, shown = -1, _picture_on_screen(page)
    for _ in range(50):
        if shown == before == told_frame(page):
            break
        page.wait_for_timeout(100)
        before, shown = shown, _picture_on_screen(page)
    return shown


def _picture_on_screen(page):
    until(page, "!document.querySelector('video').seeking")
    encoded = np.frombuffer(page.locator("#screen").screenshot(), np.uint8)
    picture = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
    # The picture of 160x90 stands in the middle of the black screen.
    height, width = picture.shape
    shown = round(height * 320 / 180)
    left = (width - shown) // 2
    return number_in(picture[:, left : left + shown] if left > 0 else picture)


def told_frame(page):
    return int(re.search(r"frame (\d+)", page.inner_text("#position"))[1])


def rows(page):
    page.wait_for_timeout(60)
    found = page.locator("#list .row:not([hidden])")
    return [found.nth(i).get_attribute("aria-label") for i in range(found.count())]


def counts(page, group):
    return [int(text) for text in page.locator(f"#{group} .chip:visible b").all_inner_texts()]


def set_confidence(page, value):
    page.locator("#confidence").fill(str(value))


def saved(page):
    with page.expect_download() as download:
        page.click("#save")
    return json.loads(download.value.path().read_text())


def test_the_page_plays_the_source_frame_by_frame(page):
    assert (told_frame(page), frame_on_screen(page)) == (0, 0)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert (told_frame(page), frame_on_screen(page)) == (3, 3)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert (told_frame(page), frame_on_screen(page)) == (27, 27)
    page.keyboard.press("End")
    assert (told_frame(page), frame_on_screen(page)) == (499, 499)


def test_a_click_on_a_false_alarm_a_miss_or_a_hit_shows_its_frame(page):
    for kind, place, frame in (("alarm", 1, 350), ("miss", 0, 250), ("hit", 0, 52)):
        page.locator(f"#list .row.{kind}:not([hidden])").nth(place).click()
        assert (told_frame(page), frame_on_screen(page)) == (frame, frame)
        assert page.locator("#list .row.chosen").count() == 1


def test_a_click_on_the_timeline_goes_there_and_one_on_a_mark_chooses_it(page):
    box = page.locator("#detail").bounding_box()
    left = box["x"] + 128
    width = box["width"] - 128
    page.mouse.click(left + width * 0.25, box["y"] + 4)  # 5 s of 20
    assert abs(told_frame(page) - 125) <= 1
    # The lane of PASS is the first of three; the false alarm at 14 s has a confidence of 0.8.
    page.mouse.click(left + width * 0.7, box["y"] + 84 - 3 - 0.8 * 0.72 * 84 + 1)
    assert told_frame(page) == 350
    assert "false alarm PASS" in page.inner_text("#chosen")


def test_playing_follows_the_picture_and_stops_at_the_frame_that_it_shows(page):
    page.keyboard.press(" ")
    until(page, "document.querySelector('video').currentTime > 0.6")
    page.keyboard.press(" ")
    until(page, "document.querySelector('video').paused")
    assert told_frame(page) >= 14
    assert frame_on_screen(page) == told_frame(page)


def test_filters_change_the_counts_to_the_right_numbers(page):
    # hits, misses, false alarms, annotations; labels in order
    assert counts(page, "kinds") == [3, 2, 3, 5]
    assert counts(page, "labels") == [4, 2, 2]
    assert page.inner_text("#count") == "8 of 8 shown"
    set_confidence(page, 0.65)
    assert counts(page, "kinds") == [2, 3, 1, 5]
    # The table waits until the slider rests.
    until(page, "document.querySelector('#table tr.total').innerText.split(/\\s+/)[2] === '3'")
    assert page.inner_text("#table tr.total").split()[:6] == ["all", "5", "3", "2", "3", "1"]
    page.click("#labels .chip:has-text('PASS')")
    assert counts(page, "kinds") == [1, 1, 0, 2]
    assert rows(page) == [
        f"hit, {EVIL}, 00:04.00, confidence 0.70, late by 0.00 s",
        "miss, DRIVE, 00:12.00",
    ]
    page.click("#kinds .hit")
    assert rows(page) == ["miss, DRIVE, 00:12.00"]
    assert counts(page, "labels") == [3, 0, 1]


def test_the_table_and_the_plots_show_the_figures_by_label(page):
    cells = page.locator("#table tbody tr").nth(0).locator("th, td").all_inner_texts()
    assert cells == ["PASS", "3", "3", "2", "1", "1", "67 %", "67 %", "67 %", "+0.04 s", "80.0"]
    assert page.locator("#precision-recall polyline").count() == 3
    assert page.locator("#timing rect").count() == 25
    assert page.inner_text("#timing-text") == "Half of the 3 hits lie within 0.04 s; the median is on time."


def test_arrow_keys_go_from_event_to_event(page):
    frames = []
    for _ in range(3):
        page.keyboard.press("ArrowDown")
        frames.append(told_frame(page))
    page.keyboard.press("ArrowUp")
    assert [*frames, told_frame(page)] == [52, 100, 150, 100]
    assert page.locator("#list").get_attribute("aria-activedescendant") is not None


def test_corrections_by_key_are_undone_and_done_again(page):
    for _ in range(4):
        page.keyboard.press("ArrowDown")  # the false alarm at frame 200
    page.keyboard.press("k")
    page.keyboard.press(".")
    page.keyboard.press("3")  # DRIVE
    assert page.inner_text("#chosen").endswith("→ DRIVE +1 fr kept")
    assert told_frame(page) == 201
    kept = {"frame": 201, "seconds": 8.04, "label": "DRIVE", "origin": "spot", "confidence": 0.4}
    kept["was"] = {"frame": 200, "label": EVIL}
    assert kept in saved(page)["videos"][0]["annotations"]
    for _ in range(3):
        page.keyboard.press("Control+z")
    assert page.inner_text("#corrected") == "No corrections yet."
    page.keyboard.press("Control+Shift+z")
    assert page.inner_text("#corrected") == "1 kept"


def test_without_corrections_the_file_holds_the_annotations_as_they_are(page):
    content = saved(page)
    (video,) = content["videos"]
    assert content["format"] == "bvas-corrections-1"
    assert [(a["frame"], a["label"]) for a in video["annotations"]] == [
        (50, "PASS"),
        (100, EVIL),
        (150, "PASS"),
        (250, "PASS"),
        (300, "DRIVE"),
    ]
    assert (video["match"], video["part"], video["path"]) == ("a match", 1, "matches/a match/1.mkv")
    assert (video["num_frames"], video["reviewed"], video["deleted"]) == (500, True, [])


def test_deleted_moved_and_added_events_are_in_the_file(page):
    page.locator("#list .row.miss:not([hidden])").first.click()
    page.click("#delete")
    page.locator("#list .row.hit:not([hidden])").first.click()
    page.click("#here")  # the annotation at frame 50 goes to the frame of its spot
    page.keyboard.press("Home")
    page.select_option("#add-label", "2")
    page.click("#add")
    assert page.inner_text("#corrected") == "1 deleted, 1 moved, 1 added"
    (video,) = saved(page)["videos"]
    assert [(a["frame"], a["origin"]) for a in video["annotations"]] == [
        (0, "added"),
        (52, "annotation"),
        (100, "annotation"),
        (150, "annotation"),
        (300, "annotation"),
    ]
    assert [(a["frame"], a["label"]) for a in video["deleted"]] == [(250, "PASS")]


def test_corrections_outlive_the_page_and_come_back_from_a_file(browser, labelled, tmp_path):
    with opened(browser, labelled) as page:
        page.keyboard.press("ArrowDown")
        page.keyboard.press("d")
        page.keyboard.press("a")
        first = saved(page)
        page.reload()
        page.wait_for_selector("body[data-ready]")
        assert page.inner_text("#corrected") == "1 deleted, 1 added"
        assert saved(page) == first
    path = tmp_path / "corrections.json"
    path.write_text(json.dumps(first))
    with opened(browser, labelled) as page:
        assert page.inner_text("#corrected") == "No corrections yet."
        page.set_input_files("#file", path)
        until(page, "document.querySelector('#corrected').textContent.startsWith('1 deleted')")
        assert saved(page) == first
        path.write_text("{}")
        page.set_input_files("#file", path)
        until(page, "document.querySelector('#said').textContent.startsWith('Not loaded')")
        assert saved(page) == first


def test_corrections_that_were_taken_over_are_not_made_twice(browser, page, labelled, tmp_path):
    page.locator("#list .row.hit:not([hidden])").first.click()
    page.click("#here")  # the annotation at frame 50 goes to 52
    page.locator("#list .row.alarm:not([hidden])").nth(1).click()
    page.click("#keep")  # at frame 350
    (tmp_path / "corrections.json").write_text(json.dumps(saved(page)))
    corrected = [(52, "PASS"), *ANNOTATIONS[1:], (350, "PASS")]
    write_page(tmp_path / "index.html", report_of(video_of(truth=corrected)))
    context = browser.new_context()
    again = context.new_page()
    again.goto((tmp_path / "index.html").as_uri())
    again.wait_for_selector("body[data-ready]")
    assert again.inner_text("#corrected") == "No corrections yet."
    again.set_input_files("#file", tmp_path / "corrections.json")
    until(again, "document.querySelector('#said').textContent.startsWith('0 corrections')")
    assert again.inner_text("#corrected") == "No corrections yet."
    context.close()


def test_kept_spots_alone_become_annotations_where_there_were_none(browser, unlabelled):
    with opened(browser, unlabelled) as page:
        assert counts(page, "kinds") == [6]
        assert saved(page)["videos"][0]["reviewed"] is False
        set_confidence(page, 0.65)
        page.click("#keep-all")
        (video,) = saved(page)["videos"]
        assert [a["frame"] for a in video["annotations"]] == [52, 100, 350]
        assert video["reviewed"] is True
        assert page.locator("#plots").is_hidden()


def test_suspects_are_listed_by_rank_with_their_reason(page):
    assert page.inner_text("#suspects-choice") == "suspects only\n3"
    page.check("#suspects")
    # Two of three passes from 0.6 up are right: 0.8 * 2 / 3. Passes usually have 0.6 and this one 0.1.
    # One of two from 0.4 up is right: 0.4 / 2.
    assert rows(page) == [
        "false alarm, PASS, 00:14.00, confidence 0.80, suspect 1, nothing annotated, but such spots are right 67 %",
        "miss, PASS, 00:10.00, suspect 2, its score is 0.10, usually 0.60",
        f"false alarm, {EVIL}, 00:08.00, confidence 0.40, suspect 3, nothing annotated, but such spots are right 50 %",
    ]
    assert counts(page, "kinds") == [0, 1, 2, 1]
    assert page.inner_text("#count") == "3 of 3 shown"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert (told_frame(page), frame_on_screen(page)) == (250, 250)
    page.keyboard.press("d")
    assert page.inner_text("#chosen").endswith("suspect 2: its score is 0.10, usually 0.60 · deleted")
    page.uncheck("#suspects")
    assert page.inner_text("#count") == "8 of 8 shown"


def test_the_suspects_of_all_videos_are_one_list(browser, tmp_path):
    one, other = video_of(), replace(video_of(number=2), name="half 2")
    report = replace(report_of(*with_suspects(one, other)), begins_with_suspects=True)
    write_page(tmp_path / "index.html", report)
    context = browser.new_context()
    page = context.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    page.wait_for_selector("body[data-ready]")
    assert page.inner_text("#count") == "6 of 6 shown, of 2 videos"
    assert "half 2" in page.locator("#list .row:not([hidden]) .why").nth(1).inner_text()
    page.locator("#list .row:not([hidden])").nth(1).click()
    assert page.locator("#video-choice").evaluate("choice => choice.selectedIndex") == 1
    assert told_frame(page) == 350
    page.keyboard.press("ArrowDown")
    assert page.locator("#video-choice").evaluate("choice => choice.selectedIndex") == 0
    assert told_frame(page) == 250
    context.close()


def test_a_label_that_is_a_script_is_text(page):
    assert EVIL in page.inner_text("#labels")
    assert page.title() == "A match"
    assert page.evaluate("document.scripts.length") == 2  # the data, and the page's own


def test_the_keys_are_in_the_help_and_escape_closes_it(page):
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    assert "add an event at the frame on screen" in page.inner_text("#keys")
    page.keyboard.press("Escape")
    assert page.locator("#help").is_hidden()


FOCUSED = """(() => {
  const element = document.activeElement;
  const label = element.labels?.[0]?.innerText;
  const name = element.getAttribute("aria-label") || element.title || label || element.innerText;
  return [element.id || element.className, name];
})()"""


def test_everything_can_be_reached_by_the_tab_key_and_has_a_name(page):
    page.keyboard.press("ArrowDown")
    names = {}
    for _ in range(50):
        page.keyboard.press("Tab")
        identity, name = page.evaluate(FOCUSED)
        names[identity] = name
    assert {"play", "detail", "list", "keep", "relabel", "save", "confidence", "order"} <= set(names)
    assert [identity for identity, name in names.items() if identity and not name.strip()] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_follows_the_system_s_colors(browser, labelled, scheme):
    with opened(browser, labelled, color_scheme=scheme) as page:
        page.set_viewport_size({"width": 400, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}[scheme]


def test_a_page_without_its_video_says_so_and_still_works(browser, labelled, tmp_path):
    shutil.copy(labelled, tmp_path / "index.html")
    context = browser.new_context()
    page = context.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    page.wait_for_selector("#no-video:visible")
    assert page.inner_text("#no-video") == "1.mp4 cannot be played. It belongs beside this page."
    page.keyboard.press("ArrowDown")
    assert told_frame(page) == 52
    context.close()


def test_scripts_that_are_slipped_in_do_not_run_and_nothing_is_fetched(browser, labelled, tmp_path):
    text = labelled.read_text().replace(
        "<header>", '<script>document.title = "ran"</script><img src="https://example.com/a.png"><header>'
    )
    (tmp_path / "index.html").write_text(text)
    context = browser.new_context()
    page = context.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    page.wait_for_selector("body[data-ready]")
    assert page.title() == "A match"
    assert page.evaluate("document.images[0].naturalWidth") == 0
    context.close()
