"""How much faster are the official scores from bvas than from the SoccerNet package, on the same files?

    python benchmarks/bench_score.py --submission results.zip --json benchmarks/results/score--NAME.json

Takes a submission of real results files, and derives labels from it: each prediction of at least 0.3 becomes an
annotation with a chance of 80 %, up to 1.5 s away, one in ten of them not shown. Both read the same two zips; their
scores must be equal to 1e-9, visible and unshown ones too. `official` computes just these; `everything` is what
`bvas spots score` does, bootstrap intervals included.
"""

import argparse
import contextlib
import io
import json
import random
import tempfile
import zipfile
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import harness
import numpy as np

from bvas.evaluation.file_scores import score_files, scored_tasks
from bvas.evaluation.scored_files import ScoredTask, read_videos
from bvas.metrics.official import OfficialScores, official_scores

# (metric, frames per second, matches): at 25 the package holds 150 MB a match.
CASES = (("tight", 2.0, 100), ("loose", 2.0, 100), ("at1", 25.0, 10), ("tight", 25.0, 10))


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--submission", type=Path, required=True, help="zip of results_spotting.json files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    task = scored_tasks()["action"]
    table: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for metric, rate, num_matches in CASES:
            labels, predictions = make_files(args.submission, Path(folder), num_matches)
            case = replace(task, metric=metric, rate=rate)
            theirs = package_scores(labels, predictions, case)
            check_equal(official(labels, predictions, case), theirs)
            check_equal(score_files(labels, predictions, case).sheet.official, theirs)
            costs = harness.interleave(
                {
                    "SoccerNet": partial(package_scores, labels, predictions, case),
                    "bvas, official": partial(official, labels, predictions, case),
                    "bvas, everything": partial(score_files, labels, predictions, case),
                },
                num_rounds=args.rounds,
            )
            rows = harness.rows(costs, base="SoccerNet", num_units=num_matches, unit="match")
            print(f"{metric} at {rate:g} frames per second, {num_matches} matches")
            harness.show(rows, base="SoccerNet", unit="match")
            table += [{"metric": metric, "rate": rate, "matches": num_matches, **row} for row in rows]
    if args.json:
        harness.write_results(
            args.json,
            question="How much faster are the official scores than from the SoccerNet package?",
            settings={
                "submission": args.submission.name,
                "rounds": args.rounds,
                "equal_within": 1e-9,
                "SoccerNet": version("SoccerNet"),
            },
            table=table,
        )


def make_files(submission: Path, folder: Path, num_matches: int) -> tuple[Path, Path]:
    """Write zips of labels and predictions of the first matches; return their paths."""
    draw = random.Random(5)
    labels, predictions = folder / f"labels_{num_matches}.zip", folder / f"predictions_{num_matches}.zip"
    with (
        zipfile.ZipFile(submission) as given,
        zipfile.ZipFile(labels, "w") as truth,
        zipfile.ZipFile(predictions, "w") as found,
    ):
        for name in sorted(given.namelist())[:num_matches]:
            found.writestr(name, given.read(name))
            annotations = [
                {
                    "gameTime": f"{entry['half']} - 00:00",
                    "label": entry["label"],
                    "position": str(max(0, int(entry["position"]) + round(draw.uniform(-1500, 1500)))),
                    "visibility": "not shown" if draw.random() < 0.1 else "visible",
                }
                for entry in json.loads(given.read(name))["predictions"]
                if float(entry["confidence"]) >= 0.3 and draw.random() < 0.8
            ]
            truth.writestr(
                name.replace("results_spotting.json", "Labels-v2.json"),
                json.dumps({"annotations": annotations}),
            )
    return labels, predictions


def package_scores(labels: Path, predictions: Path, task: ScoredTask) -> dict[str, Any]:
    """Return what the package says, its progress bars unseen."""
    from SoccerNet.Evaluation.ActionSpotting import evaluate

    with contextlib.redirect_stderr(io.StringIO()):
        scores: dict[str, Any] = evaluate(
            str(labels),
            str(predictions),
            framerate=int(task.rate),
            metric=task.metric,
            label_files=task.label_file,
            dataset=None,
            EVENT_DICTIONARY={label: i for i, label in enumerate(task.labels)},
        )
    return scores


def official(labels: Path, predictions: Path, task: ScoredTask) -> OfficialScores:
    """Return the official scores of the files, and nothing else."""
    files = read_videos(labels, predictions, task)
    return official_scores(
        files.annotations, files.plain_spots, task.labels, metric=task.metric, rate=task.rate
    )


def check_equal(ours: OfficialScores, theirs: dict[str, Any]) -> None:
    """End the run where a figure differs by more than 1e-9."""
    for kind, mean, per_label in (
        ("", ours.mean, ours.per_label),
        ("_visible", ours.visible_mean, ours.visible_per_label),
        ("_unshown", ours.unshown_mean, ours.unshown_per_label),
    ):
        np.testing.assert_allclose(mean, theirs[f"a_mAP{kind}"], rtol=0, atol=1e-9)
        np.testing.assert_allclose(
            list(per_label.values()), theirs[f"a_mAP_per_class{kind}"], rtol=0, atol=1e-9
        )


if __name__ == "__main__":
    main()
