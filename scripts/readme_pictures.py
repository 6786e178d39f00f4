"""Pictures of the documentation, from the output of `bvas demo`.

python scripts/readme_pictures.py --demo demo

The picture of the report's page needs playwright (in the dev extra) and Debian's chromium.
"""

import argparse
import io
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import cv2
import numpy as np
from PIL import Image

from bvas.cli import main as bvas
from bvas.errors import DataError
from bvas.synthetic.clip_config import LABELS, ClipSetConfig
from bvas.synthetic.clips import film_clips
from bvas.synthetic.config import SyntheticConfig
from bvas.synthetic.half_video import half_renderer
from bvas.video.container.color_tags import SMPTE170M
from bvas.video.encode.video_writer import yuv_picture

DOCS = Path(__file__).resolve().parents[1] / "docs"
FRAME = 940
CLIP_FRAMES = slice(0, 16, 2)
CLIP_COLUMNS, CLIP_COLORS = 2, 96
OVERLAY_FRAME = 12


def write_synthetic_frame(path: Path) -> None:
    """Draw one frame of a synthetic match, larger than the demo's."""
    config = replace(SyntheticConfig(), size=(432, 768))
    renderer = half_renderer(config, 0, 1)
    (planes,) = renderer.color_frames(FRAME, FRAME + 1)
    picture = yuv_picture(*planes).to_ndarray(format="bgr24", src_colorspace=SMPTE170M)
    cv2.imwrite(str(path), picture)


def write_clip_sheet(path: Path) -> None:
    """Draw every second frame of a synthetic clip of each action, at half the size, in two columns."""
    match = film_clips(ClipSetConfig(proportions=(1.0,) * len(LABELS), clips=200), 0)
    renderer = match.renderer()
    rows = []
    for label in LABELS:
        frames = match.frames(match.labels.index(label))
        planes = [*renderer.color_frames(frames.start, frames.stop)][CLIP_FRAMES]
        pictures = [
            yuv_picture(*each).to_ndarray(format="bgr24", src_colorspace=SMPTE170M) for each in planes
        ]
        row = cv2.resize(np.concatenate(pictures, axis=1), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        rows.append(cv2.putText(row, label, (4, 12), 0, 0.4, (255, 255, 255), 1, cv2.LINE_AA))
    length = len(LABELS) // CLIP_COLUMNS
    columns = [np.concatenate(rows[start : start + length]) for start in range(0, len(rows), length)]
    sheet = np.concatenate(columns, axis=1)[..., ::-1]
    Image.fromarray(np.ascontiguousarray(sheet)).quantize(CLIP_COLORS).save(path, optimize=True)


def write_page_picture(page_path: Path, path: Path, act: Callable[[Any], None]) -> None:
    """Take a picture of a page as Chromium shows it after some actions."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 820})
        page.goto(page_path.absolute().as_uri())
        page.wait_for_selector("body[data-ready]")
        page.wait_for_timeout(1000)  # the video's first picture
        act(page)
        page.wait_for_timeout(1000)
        picture = page.screenshot()
        browser.close()
    Image.open(io.BytesIO(picture)).convert("RGB").save(path, optimize=True)


def choose_false_alarm(page: Any) -> None:
    """Choose the first false alarm of a report."""
    page.locator("#list .row.alarm:not([hidden])").first.click()


def write_label_picture(video: Path, path: Path) -> None:
    """Take a picture of a label page with points and ranges, one of which is begun."""

    def label(page: Any) -> None:
        keys = ["1", *["2", "1", "1"] * 4, "t", "3", "3", "3", "t", "2", "1"]
        for number, key in enumerate(keys):
            for _ in range(20 + 17 * number % 31):
                page.keyboard.press("ArrowRight")
            page.keyboard.press(key)

    with TemporaryDirectory() as folder:
        out = Path(folder) / "labels.json"
        run("label", video, "--labels", "PASS,DRIVE,ATTACK", "--out", out, "--quiet")
        write_page_picture(out.with_name("labels_page") / "index.html", path, label)


def run(*words: str | Path) -> None:
    """Run one `bvas` command in this process.

    Raises:
        DataError: it failed.
    """
    if bvas([*map(str, words)]) != 0:
        raise DataError(f"'bvas {' '.join(map(str, words))}' failed; run bvas demo again")


def write_error_pictures(labels: Path, predictions: Path) -> None:
    """Draw precision over recall, and the worst miss and false alarm from confidence 0.6 up."""
    files = ("--labels", labels, "--predictions", predictions, "--out", DOCS, "--task", "ball", "--partial")
    kinds = ("--only", "precision-recall", "--only", "worst", "--worst", "1", "--operating-point", "0.6")
    run("spots", "pictures", *files, *kinds, "--overwrite")


def write_overlay_picture(labels: Path, predictions: Path, path: Path) -> None:
    """Take a frame of an annotated video of the first predicted match."""
    results = sorted(predictions.rglob("results_spotting.json"))[0]
    match = labels / results.parent.relative_to(predictions)
    video = sorted(match.glob("1_*.mkv"))[0]
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "overlay.mp4"
        files = ("--spots", results, "--part", "1", "--labels", match / "Labels-ball.json", "--out", copy)
        run("spots", "overlay", video, *files, "--confidence", "0.6", "--from", "12", "--to", "13")
        with av.open(str(copy)) as container:
            frame = [*container.decode(video=0)][OVERLAY_FRAME]
            cv2.imwrite(str(path), frame.to_ndarray(format="bgr24"))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pictures into docs."""
    parser = argparse.ArgumentParser(description="Make the pictures of the documentation.")
    parser.add_argument("--demo", type=Path, default=Path("demo"), help="what `bvas demo --out` wrote")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where its predictions are")
    args = parser.parse_args(argv)
    timelines = sorted((args.demo / "report").glob("*_1_timeline.png"))
    if not timelines:
        raise DataError(f"no timeline in {args.demo / 'report'}; run bvas demo first")
    DOCS.mkdir(exist_ok=True)
    shutil.copy(timelines[0], DOCS / "timeline.png")
    write_page_picture(args.demo / "report" / "index.html", DOCS / "report.png", choose_false_alarm)
    write_synthetic_frame(DOCS / "synthetic.png")
    write_clip_sheet(DOCS / "synthetic_clips.png")
    labels, predictions = args.demo / "data" / "spotting-ball-2023", args.runs / "demo" / "predictions" / "cv"
    write_label_picture(sorted(labels.rglob("1_*.mkv"))[0], DOCS / "label.png")
    write_error_pictures(labels, predictions)
    write_overlay_picture(labels, predictions, DOCS / "overlay.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
