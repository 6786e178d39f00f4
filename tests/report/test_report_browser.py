"""The page in a real browser: it plays, filters, lists and draws, by mouse and by key."""

import shutil

import pytest
from browser_page import counts, frame_on_screen, opened, rows, set_confidence, told_frame, until
from report_samples import EVIL


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
