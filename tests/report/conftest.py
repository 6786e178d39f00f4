"""A browser, and pages of a report in it."""

import shutil

import pytest
from browser_page import opened
from report_samples import write_sample

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
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


@pytest.fixture
def page(browser, labelled):
    with opened(browser, labelled) as page:
        yield page
