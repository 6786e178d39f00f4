"""How far are scores in half precision from those in float32, and what becomes of the demo's mAP?

    python benchmarks/bench_precision.py --demo demo --json benchmarks/results/precision--NAME.json
    python benchmarks/bench_precision.py --demo demo --device cuda --json ...

Takes the league and the model that `bvas demo --out demo` left, and spots the match that training never saw from its
files, once in each precision that the device profits from. Allowed are 0.02 in a score and 0.005 in mAP@1.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from harness import write_results

from bvas.data.matches import annotated_halves, find_matches
from bvas.experiment.experiment import load_experiment
from bvas.inference.spot_video import VideoSpots, spot_video
from bvas.inference.spotter import load_spotter
from bvas.metrics.official import official_scores
from bvas.system.devices import Precision

FOLD = 0
MOST_SCORE, MOST_MAP = 0.02, 0.005


def main(argv: Sequence[str] | None = None) -> None:
    """Spot, score, compare, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--demo", type=Path, default=Path("demo"), help="what `bvas demo --out` wrote")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the demo's model is")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args(argv)

    experiment = load_experiment("demo")
    spotter = load_spotter(experiment, args.runs, folds=[FOLD], device=args.device)
    precisions: list[Precision] = ["float32", "bfloat16"]
    if spotter.device.type == "cuda":
        precisions.append("float16")
    unseen = [match for match in find_matches(experiment.task, args.demo / "data") if match.fold == FOLD]
    halves = [half for match in unseen for half in annotated_halves(match, experiment.task)]
    annotations = [truth for _, truth in halves]
    found: dict[str, list[VideoSpots]] = {}
    table: list[dict[str, Any]] = []
    for precision in precisions:
        ours = replace(spotter, precision=precision)
        found[precision] = [spot_video(half.path, ours) for half, _ in halves]
        spots = [video.spots for video in found[precision]]
        official = official_scores(annotations, spots, experiment.task.labels, rate=experiment.input.rate)
        pairs = zip(found[precision], found["float32"], strict=True)
        differences = np.concatenate([np.abs(a.curve.scores - b.curve.scores).max(axis=1) for a, b in pairs])
        row = {
            "case": precision,
            "official_map_at_1": official.mean,
            "map_difference": official.mean - (table[0]["official_map_at_1"] if table else official.mean),
            "largest_score_difference": float(differences.max()),
            "mean_of_rows_largest_difference": float(differences.mean()),
        }
        row["is_within_bounds"] = bool(
            row["largest_score_difference"] <= MOST_SCORE and abs(row["map_difference"]) <= MOST_MAP
        )
        table.append(row)
        print(
            f"{precision:10} mAP@1 {row['official_map_at_1']:.4f} ({row['map_difference']:+.4f}), scores differ by at "
            f"most {row['largest_score_difference']:.4f}",
            flush=True,
        )
    if args.json is not None:
        settings = {
            "device": args.device,
            "unseen": [match.name for match in unseen],
            "frames": sum(len(video.curve.seconds) for video in found["float32"]),
            "allowed": {"score": MOST_SCORE, "map": MOST_MAP},
        }
        question = (__doc__ or "").splitlines()[0]
        write_results(args.json, question=question, settings=settings, table=table)


if __name__ == "__main__":
    main()
