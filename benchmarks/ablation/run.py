"""What does each part of the recipe bring?

    python benchmarks/ablation/run.py --scale mini --jobs 2 --json benchmarks/results/ablation-mini--NAME.json
    python benchmarks/ablation/run.py --scale full --json benchmarks/results/ablation-full--NAME.json

Each question has two arms that differ in one part; both are trained on all folds with each seed, predict the matches
that they have not seen, and are scored by the official mAP@1 over all folds together. Seeds are fixed beforehand. Rows
that the JSON file has already are skipped if their settings are the same, so are folds that are trained in --runs: run
it again after an interruption. `mini` trains the mini_ configs, in hours on a CPU; `full` the real ones, with their
data, on a GPU.
"""

import argparse
import hashlib
import json
import logging
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ablation.arms import ABLATIONS, Ablation, Arm
from harness import write_results

from bvas.commands.experiment_stages import Machine, run_stage
from bvas.commands.option_values import parse_workers
from bvas.data.matches import find_matches
from bvas.evaluation.chain import Stage
from bvas.system.devices import choose_device

SEEDS = (1, 2, 3)
SCALES = {"mini": ("mini_", ("fusion", "clips", "negatives")), "full": ("", tuple(ABLATIONS))}

Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Train, predict and score what is missing; print the table."""
    parser = argparse.ArgumentParser(description="What does each part of the recipe bring?")
    parser.add_argument("--scale", choices=SCALES, default="mini")
    parser.add_argument(
        "--questions", help=f"of {', '.join(ABLATIONS)} (default: {', '.join(SCALES['mini'][1])}; full: all)"
    )
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--runs", type=Path, default=Path("runs_ablation"))
    parser.add_argument("--jobs", type=int, default=1, help="folds at a time")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", default="auto")
    parser.add_argument("--json", type=Path, required=True, help="file to write, and to go on from")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    prefix, default = SCALES[args.scale]
    names = args.questions.split(",") if args.questions else default
    ablations = [ABLATIONS[name](prefix) for name in names]
    rows: list[Row] = json.loads(args.json.read_text())["rows"] if args.json.is_file() else []
    machine = Machine(
        device=choose_device(args.device), workers=parse_workers(args.workers), jobs=args.jobs, quiet=True
    )
    for seed in SEEDS:
        for ablation in ablations:
            for arm in (ablation.without, ablation.with_it):
                if any(is_row_of(row, ablation, arm, seed) for row in rows):
                    continue
                logging.info("seed %d, %s: %s", seed, ablation.name, arm.title)
                rows = [row for row in rows if place_of(row) != (ablation.name, arm.title, seed)]
                rows.append(measured(ablation, arm, seed, args.data, args.runs / f"seed_{seed}", machine))
                write_results(
                    args.json,
                    question=(__doc__ or "").splitlines()[0],
                    settings={"scale": args.scale, "seeds": SEEDS, "fusion": ABLATIONS["fusion"].__doc__},
                    table=rows,
                )
    for line in table_lines(ablations, rows):
        print(line)


def measured(ablation: Ablation, arm: Arm, seed: int, data: Path, runs: Path, machine: Machine) -> Row:
    """Run an arm's stages with a seed; return its row."""
    score = None
    for experiment in arm.stages:
        stage = Stage(experiment, tuple(find_matches(experiment.task, data)))
        score = run_stage(stage.with_seed(seed), runs, machine)
    assert score is not None
    return {
        "question": ablation.name,
        "arm": arm.title,
        "seed": seed,
        "experiment": arm.scored.name,
        "settings": digest(arm),
        "official_map_at_1": score.pooled,
        "official_map_at_1_per_fold": {str(fold): value for fold, value in score.folds.items()},
    }


def digest(arm: Arm) -> str:
    """Return a short hash of all settings of an arm's stages."""
    texts = [experiment.to_json() for experiment in arm.stages]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def place_of(row: Mapping[str, Any]) -> tuple[str, str, int]:
    """Return what a row is about."""
    return row["question"], row["arm"], row["seed"]


def is_row_of(row: Mapping[str, Any], ablation: Ablation, arm: Arm, seed: int) -> bool:
    """Return whether a row is this measurement with the same settings."""
    return place_of(row) == (ablation.name, arm.title, seed) and row["settings"] == digest(arm)


def table_lines(ablations: Sequence[Ablation], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the table as Markdown: mean and standard deviation over the seeds, differences seed by seed."""
    lines = [
        "| question | without: mAP@1 | with: mAP@1 | difference, by seed |",
        "|---|---|---|---|",
    ]
    for ablation in ablations:
        scores = [
            {
                row["seed"]: row["official_map_at_1"]
                for row in rows
                if row["question"] == ablation.name and row["arm"] == arm.title
            }
            for arm in (ablation.without, ablation.with_it)
        ]
        cells = [
            f"{arm.title} {spread_text(list(values.values()))}"
            for arm, values in zip((ablation.without, ablation.with_it), scores, strict=True)
        ]
        differences = [scores[1][seed] - scores[0][seed] for seed in scores[0] if seed in scores[1]]
        lines.append(f"| {ablation.name} | {cells[0]} | {cells[1]} | {spread_text(differences, sign='+')} |")
    return lines


def spread_text(values: Sequence[float], sign: str = "") -> str:
    """Return mean and standard deviation (n - 1)."""
    if not values:
        return "-"
    deviation = f" +- {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):{sign}.3f}{deviation}"


if __name__ == "__main__":
    main()
