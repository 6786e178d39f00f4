"""Scores of the tracker on true and on thinned, jittered boxes of SportsMOT, beside ByteTrack's and SORT's.

The others' figures are read from the folder's REFERENCE.md: they were measured with Roboflow's `trackers`. Frames per
second are ours alone, on one core.
"""

import argparse
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import write_results

from bvas.metrics.tracking_scores import score_tracks
from bvas.tracking.mot_files import read_detections, read_truth
from bvas.tracking.track_rows import rows_of_tracks
from bvas.tracking.tracker import track_boxes

_ROW = re.compile(r"\| (v_\S+) \| (\S+) \| " + r" \| ".join(["([0-9.]+)"] * 6) + r" \|")
_NAMES = ("bytetrack_hota", "bytetrack_idf1", "bytetrack_mota", "sort_hota", "sort_idf1", "sort_mota")


def main() -> None:
    """Score all rows of REFERENCE.md, print them, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with REFERENCE.md and a folder a sequence"
    )
    parser.add_argument("--json", type=Path, help="where the results are written")
    args = parser.parse_args()
    table = [
        _case(args.data, *match.groups()) for match in _ROW.finditer((args.data / "REFERENCE.md").read_text())
    ]
    table.append({"sequence": "mean", "detections": "all"} | _means(table))
    for row in table:
        print(
            f"{row['sequence']:20} {row['detections']:22} HOTA {row['hota']:.3f} ({row['bytetrack_hota']:.3f})  "
            f"IDF1 {row['idf1']:.3f} ({row['bytetrack_idf1']:.3f})  MOTA {row['mota']:.3f} "
            f"({row['bytetrack_mota']:.3f})  {row['frames_per_second']:.0f} frames/s"
        )
    if args.json is not None:
        settings = {
            "frame_rate": 25,
            "tracker": "default settings",
            "others": "trackers 2.6.1, from REFERENCE.md",
        }
        write_results(args.json, question=__doc__.splitlines()[0], settings=settings, table=table)


def _case(data: Path, sequence: str, detections: str, *figures: str) -> dict[str, Any]:
    folder = data / "sportsmot" / sequence
    truth = read_truth(folder / "gt.txt")
    num_frames = int(truth.frames.max()) + 1
    frames = read_detections(folder / f"{detections}.txt", np.arange(num_frames) / 25.0)
    started = time.perf_counter()
    tracks = track_boxes(frames)
    seconds = time.perf_counter() - started
    scores = score_tracks(truth, rows_of_tracks(tracks))
    return {
        "sequence": sequence,
        "detections": detections,
        "hota": round(scores.hota, 4),
        "idf1": round(scores.idf1, 4),
        "mota": round(scores.mota, 4),
        "switches": int(scores.clear.switches),
        "tracks": len(tracks),
        **dict(zip(_NAMES, map(float, figures), strict=True)),
        "frames_per_second": round(num_frames / seconds),
    }


def _means(table: list[dict[str, Any]]) -> dict[str, float]:
    names = [name for name, value in table[0].items() if not isinstance(value, str)]
    return {name: round(float(np.mean([row[name] for row in table])), 4) for name in names}


if __name__ == "__main__":
    main()
