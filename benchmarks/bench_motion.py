"""How much of the demo's score needs motion, and how much could be had blind?

    python benchmarks/bench_motion.py --demo demo --json benchmarks/results/motion--NAME.json

Takes the league and the model that `bvas demo --out demo` left, trains the same model on clips of a single
frame, and scores on the same unseen match: both, and spots at the average rate that look at nothing.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from harness import write_results

from bvas.data.matches import Match, find_matches
from bvas.evaluation.experiment_scores import Evaluation, evaluate_predictions
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.predicting.many_matches import predict_held_out
from bvas.training.fold import run_fold
from bvas.values.clip_config import ClipConfig

FOLD = 0


def score(experiment: Experiment, matches: Sequence[Match], runs: Path) -> Evaluation:
    """Predict and score the held-out match, training first where there are no weights."""
    if not (runs / experiment.name / f"fold_{FOLD}" / "model.safetensors").is_file():
        run_fold(experiment, FOLD, matches, runs=runs, device=torch.device("cpu"), workers="auto")
    unseen = [match for match in matches if match.fold == FOLD]
    predictions = runs / experiment.name / "predictions" / "cv"
    predict_held_out(experiment, matches, [FOLD], runs, progress=None, devices="cpu")
    return evaluate_predictions(experiment, unseen, predictions)


def main(argv: Sequence[str] | None = None) -> None:
    """Train, score, print, write."""
    parser = argparse.ArgumentParser(description="How much of the demo's score needs motion?")
    parser.add_argument("--demo", type=Path, default=Path("demo"), help="what `bvas demo --out` wrote")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the demo's model is")
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args(argv)

    demo = load_experiment("demo")
    single = replace(demo, name="demo_single", clip=ClipConfig(num_frames=1, frame_step=1, stack_size=1))
    matches = find_matches(demo.task, args.demo / "data")
    whole, still = (score(experiment, matches, args.runs) for experiment in (demo, single))
    rows = [
        {
            "case": "clips of 15 frames",
            "official_map_at_1": whole.official,
            "map_at_0.2_seconds": whole.tight,
        },
        {"case": "single frames", "official_map_at_1": still.official, "map_at_0.2_seconds": still.tight},
        {"case": "blind", "official_map_at_1": whole.blind},
    ]
    for row in rows:
        print(f"{row['case']:24} official mAP@1 {row['official_map_at_1']:.3f}")
    if args.json is not None:
        settings = {"matches": len(matches), "unseen": [m.name for m in matches if m.fold == FOLD]}
        question = "How much of the demo's score needs motion?"
        write_results(args.json, question=question, settings=settings, table=rows)


if __name__ == "__main__":
    main()
