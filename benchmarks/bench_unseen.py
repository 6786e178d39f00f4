"""What is the demo's mAP@1 on matches of random seeds that no setting was chosen by?

    bvas demo --out demo
    python benchmarks/bench_unseen.py --seeds 71 72 73 --json benchmarks/results/unseen--NAME.json

For each random seed a match is rendered as the demo renders its own, and spotted by the model that the demo left in the
runs folder. The row `demo` is the demo's own match that training never saw.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from harness import write_as_measured, write_results

from bvas.commands.demo import league_config
from bvas.data.matches import annotated_halves, find_matches
from bvas.experiment.experiment import load_experiment
from bvas.inference.spot_video import spot_video
from bvas.inference.spotter import load_spotter
from bvas.metrics.official import official_scores
from bvas.synthetic.league import make_league
from bvas.system.text_files import read_json

GOAL = 0.80


def main() -> None:
    """Render, spot, score, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", nargs="+", type=int, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the demo's model is")
    parser.add_argument("--minutes", type=float, help="of each match, in place of the demo's")
    parser.add_argument("--json", type=Path, help="where the results go")
    args = parser.parse_args()
    write_as_measured(args.json, __doc__)
    experiment = load_experiment("demo")
    spotter = load_spotter(experiment, args.runs)
    own = read_json(args.runs / experiment.name / "evaluation.json")
    table: list[dict[str, Any]] = [
        {
            "seed": "demo",
            "official_map_at_1": own["official_map_at_1"],
            "map_at_0.2_seconds": own["map_at_0.2_seconds"],
        }
    ]
    for seed in args.seeds:
        config = league_config(experiment.input.size, seed, matches=1, minutes=args.minutes)
        with tempfile.TemporaryDirectory() as data:
            make_league(Path(data), config)
            (match,) = find_matches(experiment.task, Path(data))
            halves = annotated_halves(match, experiment.task)
            spots = [spot_video(half.path, spotter).spots for half, _ in halves]
        truth = [annotations for _, annotations in halves]
        official = official_scores(truth, spots, experiment.task.labels, rate=experiment.input.rate)
        row = {
            "seed": seed,
            "official_map_at_1": official.mean,
            "annotations": sum(map(len, truth)),
            "is_above_goal": official.mean > GOAL,
        }
        print(row, flush=True)
        table.append(row)
    if args.json:
        settings = {"minutes": config.minutes, "goal": GOAL}
        write_results(args.json, question=__doc__.splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
