"""The page in a real browser: corrections of annotations, and suspects among them."""

import json
from dataclasses import replace

from browser_page import counts, frame_on_screen, opened, rows, saved, set_confidence, told_frame, until
from report_samples import ANNOTATIONS, EVIL, report_of, video_of, with_suspects

from bvas.report.page import write_page


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
        until(page, "document.querySelector('#warning').textContent.startsWith('Not loaded')")
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
