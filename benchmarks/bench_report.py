"""Does the report's page keep up with the hand, on a 45-minute half with 2000 spots of 12 labels?

    python benchmarks/bench_report.py --json benchmarks/results/report--NAME.json

Chromium without a window opens a page with a preview of 640x360, drags along the timeline, filters and scrolls; each
step is timed from the event to the end of the next frame, in which the page is laid out and painted (in software here).
A display shows 60 frames a second: 16.7 ms. Steps wait for a frame to begin, so half a frame is waiting. "until the
picture is there" goes to the next event of the list, and waits until the video has decoded its frame.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from harness import write_results

from bvas.experiment.peak_config import PeakConfig
from bvas.report.content import MatchReport, video_report
from bvas.report.page import write_page
from bvas.results.video_result import VideoFile, VideoResult
from bvas.values.annotations import Annotation, LabelSet, Spot
from bvas.values.score_curve import ScoreCurve
from bvas.video.encode.browser_preview import PreviewConfig

LABELS = LabelSet(tuple(f"LABEL {number}" for number in range(12)))
SECONDS = 45 * 60
NUM_SPOTS = 2000
ANNOTATED_SHARE = 0.9
STEPS = 100

# Times in ms of `STEPS` steps of an action, each until the frame that shows it is painted.
TIMED = """async ([action, steps]) => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(0);
  }));
  const canvas = document.querySelector("#detail");
  const overview = document.querySelector("#overview");
  const slider = document.querySelector("#confidence");
  const list = document.querySelector("#list");
  const chips = document.querySelectorAll("#labels .chip");
  const point = (element, name, x, y) => element.dispatchEvent(
    new PointerEvent(name, { clientX: x, clientY: y, pointerId: 1, button: 0, bubbles: true }));
  HTMLElement.prototype.setPointerCapture = () => {};
  const box = canvas.getBoundingClientRect();
  const whole = overview.getBoundingClientRect();
  const actions = {
    scrub: (i) => point(canvas, "pointermove", box.left + 150 + (i * 7) % (box.width - 200), box.top + 2),
    "scrub over all": (i) => point(overview, "pointermove", whole.left + (i * 13) % whole.width, whole.top + 4),
    confidence: (i) => { slider.value = 0.2 + (i % 70) / 100; slider.dispatchEvent(new Event("input")); },
    label: (i) => chips[1 + i % 12].click(),
    scroll: (i) => { list.scrollTop = (i * 997) % 70000; },
    step: () => document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true })),
    frame: () => document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true })),
    "zoom out": () => document.querySelector("#wider").click(),
  };
  if (action === "scrub") point(canvas, "pointerdown", box.left + 150, box.top + 1);
  if (action === "scrub over all") point(overview, "pointerdown", whole.left + 5, whole.top + 4);
  const [times, busy] = [[], []];
  await painted();
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    actions[action](i);
    busy.push(performance.now() - start);
    await painted();
    times.push(performance.now() - start);
  }
  point(canvas, "pointerup", 0, 0);
  point(overview, "pointerup", 0, 0);
  return [times, busy];
}"""


# Times in ms from a key to the picture that it asks for.
SOUGHT = """async (steps) => {
  const video = document.querySelector("video");
  const times = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    // Two events of one frame ask for no new picture.
    const same = new Promise((done) => setTimeout(() => done("same"), 1000));
    const shown = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
    if ((await Promise.race([shown, same])) !== "same") times.push(performance.now() - start);
  }
  return times;
}"""


def write_half(path: Path) -> None:
    """Write a video of the half's length, coded as a preview is."""
    config = PreviewConfig()
    rows, columns = np.mgrid[0:360, 0:640]
    options = {"preset": "ultrafast", "crf": str(config.crf), "bf": "0", "g": str(config.keyframe_interval)}
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        pictures = [((rows * 3 + columns * 2 + 8 * step) % 256).astype(np.uint8) for step in range(32)]
        for number in range(SECONDS * 25):
            frame = av.VideoFrame.from_ndarray(pictures[number % 32], format="gray").reformat(
                format="yuv420p"
            )
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def large_result(num_spots: int) -> VideoResult:
    """Return the result of a half with so many spots."""
    rng = np.random.default_rng(0)
    names = LABELS.names
    spots = [
        Spot(names[int(label)], round(float(time), 2), float(confidence))
        for label, time, confidence in zip(
            rng.integers(12, size=num_spots),
            rng.uniform(0, SECONDS, num_spots),
            rng.uniform(0.2, 1, num_spots),
            strict=True,
        )
    ]
    annotations = [
        Annotation(spot.label, spot.seconds + float(rng.normal(0, 0.3)))
        for spot in spots[: int(ANNOTATED_SHARE * num_spots)]
    ]
    annotations = [replace(a, seconds=min(max(a.seconds, 0.0), SECONDS - 1)) for a in annotations]
    scores = rng.uniform(0, 0.02, (SECONDS * 25, 12)).astype(np.float32)
    for spot in spots:
        center = round(spot.seconds * 25)
        rows = np.arange(max(center - 20, 0), min(center + 20, len(scores)))
        bump = spot.confidence * np.exp(-(((rows - center) / 6) ** 2) / 2)
        column = scores[rows, LABELS.label_id(spot.label)]
        scores[rows, LABELS.label_id(spot.label)] = np.maximum(column, bump)
    return VideoResult(
        video=VideoFile(name="half"),
        curve=ScoreCurve(scores, np.arange(len(scores)) / 25, names),
        spots=tuple(spots),
        annotations=tuple(annotations),
        peaks=PeakConfig(sigma_frames=0.0),
    )


def report_of(result: VideoResult) -> MatchReport:
    """Return the report of a half."""
    video = video_report(result, LABELS, duration_seconds=SECONDS)
    return MatchReport(
        title="half", labels=LABELS, videos=(replace(video, href="half.mp4"),), operating_point=0.2
    )


def measure(page_path: Path, width: int, height: int) -> list[dict[str, Any]]:
    """Return a row for each action at a size of the window."""
    from playwright.sync_api import sync_playwright

    rows = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(page_path.as_uri())
        page.wait_for_selector("body[data-ready]")
        ready = page.evaluate("performance.now()")
        rows.append({"case": f"{width} wide: open", "median_ms": ready, "p95_ms": ready, "script_ms": ready})
        while page.evaluate("document.querySelector('video').readyState") < 2:
            page.wait_for_timeout(100)
        sought = page.evaluate(SOUGHT, STEPS)
        rows.append(
            {
                "case": f"{width} wide: step, until the picture is there",
                "median_ms": round(float(np.median(sought)), 2),
                "p95_ms": round(float(np.percentile(sought, 95)), 2),
            }
        )
        for action in (
            "frame",
            "scrub",
            "scrub over all",
            "step",
            "scroll",
            "confidence",
            "label",
            "zoom out",
        ):
            times, busy = page.evaluate(TIMED, [action, STEPS if action != "zoom out" else 8])
            rows.append(
                {
                    "case": f"{width} wide: {action}",
                    "median_ms": round(float(np.median(times)), 2),
                    "p95_ms": round(float(np.percentile(times, 95)), 2),
                    "script_ms": round(float(np.median(busy)), 2),
                }
            )
        times, _ = page.evaluate(TIMED, ["scrub", STEPS])
        rows.append(
            {
                "case": f"{width} wide: scrub, the whole half in view",
                "median_ms": round(float(np.median(times)), 2),
                "p95_ms": round(float(np.percentile(times, 95)), 2),
            }
        )
        browser.close()
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print a table, and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.html"
        write_page(path, report_of(large_result(NUM_SPOTS)))
        write_half(path.with_name("half.mp4"))
        size = path.stat().st_size
        rows = [*measure(path, 1440, 900), *measure(path, 400, 850)]
    if args.json is not None:
        settings = {"seconds": SECONDS, "spots": NUM_SPOTS, "labels": len(LABELS), "page_bytes": size}
        write_results(args.json, question=str(__doc__).split("\n")[0], settings=settings, table=rows)
    print(f"page of {size / 1e6:.1f} MB; ms: median, 95th percentile")
    for row in rows:
        print(f"{row['case']:<50}{row['median_ms']:>9.1f}{row['p95_ms']:>9.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
