"""Make the pictures that the README shows, from what `bvas demo` left.

python scripts/readme_pictures.py --demo demo
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2

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


def main(argv: Sequence[str] | None = None) -> int:
    """Write docs/timeline.png and docs/synthetic.png."""
    parser = argparse.ArgumentParser(description="Make the pictures that the README shows.")
    parser.add_argument("--demo", type=Path, default=Path("demo"), help="what `bvas demo --out` wrote")
    args = parser.parse_args(argv)
    timelines = sorted((args.demo / "report").glob("*_1_timeline.png"))
    if not timelines:
        raise DataError(f"no timeline in {args.demo / 'report'}; run bvas demo first")
    DOCS.mkdir(exist_ok=True)
    shutil.copy(timelines[0], DOCS / "timeline.png")
    write_synthetic_frame(DOCS / "synthetic.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
