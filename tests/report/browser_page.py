"""Actions on the page of a report, in Chromium without a window; driven by Playwright."""

import json
import re
from contextlib import contextmanager

import cv2
import numpy as np
from video_samples import number_in


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
