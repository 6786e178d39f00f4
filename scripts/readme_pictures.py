"""Make the pictures that the README shows, from what `bvas demo` left.

python scripts/readme_pictures.py --demo demo

The picture of the report's page needs playwright (in the dev extra) and Debian's chromium.
"""

import argparse
import io
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
from PIL import Image

from bvas.errors import DataError
from bvas.synthetic.config import SyntheticConfig
from bvas.synthetic.half import half_renderer

DOCS = Path(__file__).resolve().parents[1] / "docs"
FRAME = 1400


def write_synthetic_frame(path: Path) -> None:
    """Draw one frame of a synthetic match, larger than the demo's."""
    config = replace(SyntheticConfig(), size=(432, 768))
    renderer, _ = half_renderer(config, 0, 1)
    (picture,) = renderer.frames(FRAME, FRAME + 1)
    cv2.imwrite(str(path), picture)


def write_report_picture(page_path: Path, path: Path) -> None:
    """Take a picture of the report's page with a false alarm chosen, as Chromium shows it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 820})
        page.goto(page_path.absolute().as_uri())
        page.wait_for_selector("body[data-ready]")
        page.wait_for_timeout(1000)  # the video's first picture
        page.locator("#list .row.alarm:not([hidden])").first.click()
        page.wait_for_timeout(1000)
        picture = page.screenshot()
        browser.close()
    Image.open(io.BytesIO(picture)).convert("RGB").save(path, optimize=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Write docs/timeline.png, docs/report.png and docs/synthetic.png."""
    parser = argparse.ArgumentParser(description="Make the pictures that the README shows.")
    parser.add_argument("--demo", type=Path, default=Path("demo"), help="what `bvas demo --out` wrote")
    args = parser.parse_args(argv)
    timelines = sorted((args.demo / "report").glob("*_1_timeline.png"))
    if not timelines:
        raise DataError(f"no timeline in {args.demo / 'report'}; run bvas demo first")
    DOCS.mkdir(exist_ok=True)
    shutil.copy(timelines[0], DOCS / "timeline.png")
    write_report_picture(args.demo / "report" / "index.html", DOCS / "report.png")
    write_synthetic_frame(DOCS / "synthetic.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
