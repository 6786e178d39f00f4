"""Does the order of frames decide? One network on ordered frames, on shuffled ones, and on a single frame.

    bvas data synth --out DATA --task clips --clips 4000 --seed 1
    python benchmarks/bench_clip_order.py DATA --json benchmarks/results/clip-order--NAME.json

Three models of equal cost for each seed: each is trained and tested in its own way, by configs/mini_clips.py. Figures
are of the groups that training did not see, the validation and the test split together: training does not use the
validation split. `pairs` are the classes that differ in the order of their frames only.
"""

import argparse
import statistics
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from class_runs import figures_of, majority_f1, train_and_predict, with_seed
from harness import note_measured, write_as_measured, write_results

from bvas.experiment.class_config import FrameOrder
from bvas.experiment.experiment import load_experiment

ORDERS: tuple[FrameOrder, ...] = ("ordered", "shuffled", "single")
PAIRS = ("control", "pass", "rise", "fall")
UNSEEN = {"valid", "test"}


def main() -> None:
    """Train, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--runs", type=Path, help="folder that keeps the runs; finished ones are not repeated"
    )
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args()
    write_as_measured(args.json, __doc__ or "")
    base = load_experiment(str(Path(__file__).resolve().parents[1] / "configs" / "mini_clips.py"))
    table = []
    with tempfile.TemporaryDirectory() as folder:
        runs = args.runs or Path(folder)
        for seed in args.seeds:
            for order in ORDERS:
                own = replace(base, classes=replace(base.classes, frame_order=order))
                experiment = with_seed(own, f"mini_clips_{order}", seed)
                _, seconds = train_and_predict(experiment, args.data, runs)
                figures = figures_of(experiment, runs, UNSEEN)
                row = {
                    "order": order,
                    "seed": seed,
                    "training_seconds": seconds,
                    "pairs_f1": statistics.fmean(figures["f1"][name] for name in PAIRS),
                    "majority_macro_f1": majority_f1(figures["support"]),
                    **figures,
                }
                table.append(row)
                note_measured(**row)
                print(
                    f"{order:<9} seed {seed}: macro F1 {row['macro_f1']:.3f}, pairs {row['pairs_f1']:.3f}, accuracy "
                    f"{row['accuracy']:.3f}, {seconds:.0f} s; majority class: macro F1 "
                    f"{row['majority_macro_f1']:.3f}, accuracy {row['majority']['accuracy']:.3f}",
                    flush=True,
                )
    for order in ORDERS:
        own = [row for row in table if row["order"] == order]
        print(f"{order:<9} mean macro F1 {statistics.fmean(row['macro_f1'] for row in own):.3f}")
    if args.json:
        write_results(
            args.json,
            question=(__doc__ or "").splitlines()[0],
            settings={"seeds": args.seeds, "classes": asdict(base.classes), "epochs": base.train.epochs},
            table=table,
        )


if __name__ == "__main__":
    main()
