"""How well are the players of an unseen match found, followed and their actions named, and what does each part cost?

    python benchmarks/bench_players.py --json benchmarks/results/players--NAME.json     # an hour of CPU time
    python benchmarks/bench_players.py --training LEAGUE --unseen LEAGUE --runs RUNS --json FILE     # of what is there

Renders matches with true boxes, trains the small detector and `mini_players` on them, and runs the parts of `bvas
players` over a match of another random seed: both halves, every frame. Scored against the true boxes and actions. The
same is done with the true boxes as detections, which bounds tracker and actions from above.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import harness
import numpy as np
from half_of_players import COSTS_NAME, Half, Work, run_half

from bvas.cli import main as bvas
from bvas.inference.class_windows import DEFAULT_EVERY
from bvas.inference.classifier import load_classifier
from bvas.players.detect_video import DEFAULT_STRIDE
from bvas.players.scored_players import ScoredPlayers, combined_players, score_players

CHAIN, UPPER_BOUND = "small detector", "true boxes as detections"
EXPERIMENT = "mini_players"
TRAINING_SEED, UNSEEN_SEED = 21, 77


def halves_of(league: Path) -> list[Half]:
    """Return the halves of all matches that have true boxes, in order of their names."""
    found = [Half(video=video) for video in sorted(league.rglob("[12]_*p.mkv"))]
    return [half for half in found if half.truth.is_file() and half.actions.is_file()]


def make_league(folder: Path, *, matches: int, minutes: float, seed: int, size: str, jobs: int) -> Path:
    """Render matches with true boxes; return their root."""
    words = (
        f"--matches {matches} --minutes {minutes:g} --seed {seed} --size {size} --jobs {jobs} --boxes --quiet"
    )
    _run("data", "synth", "--out", str(folder), *words.split())
    return folder


def train_detector(halves: Sequence[Half], out: Path, *, frames: int, steps: int) -> Path:
    """Train the small detector on matches; return its file."""
    words = f"--frames {frames} --steps {steps} --device cpu --quiet".split()
    _run("players", "detector", *(str(half.video) for half in halves), "--out", str(out), *words)
    return out


def train_actions(halves: Sequence[Half], folder: Path, *, per_class: int) -> Path:
    """Cut clips out of matches and train `EXPERIMENT` on them; return the runs folder."""
    videos, tracks, actions = zip(
        *((str(half.video), str(half.truth), str(half.actions)) for half in halves), strict=True
    )
    clips, runs = folder / "clips", folder / "runs"
    truth = ["--tracks", *tracks, "--actions", *actions]
    words = ["--out", str(clips), "--per-class", str(per_class), "--quiet"]
    _run("players", "clips", *videos, *truth, *words)
    places = ["--data", str(clips), "--runs", str(runs)]
    _run(
        "train", "--experiment", EXPERIMENT, *places, "--workers", "0", "--device", "cpu", "--allow-siblings"
    )
    return runs


def _run(*words: str) -> None:
    if code := bvas(list(words)):
        raise SystemExit(f"bvas {' '.join(words)} ended with {code}")


def scores_row(scored: ScoredPlayers, labels: Sequence[str]) -> dict[str, Any]:
    """Return the figures of tracks and actions; also the mean F1 of the labels that the experiment knows."""
    whole = scored.tracks.to_json()
    row = {key: value for key, value in whole.items() if key not in ("alphas", "by_alpha")}
    if scored.actions is not None:
        rates = scored.actions.rates
        known = [rates[label].f1 for label in labels if label in rates]
        row |= {
            "action_macro_f1": scored.actions.macro_f1,
            "action_macro_f1_of_known_labels": float(np.mean(known)) if known else None,
            "action_accuracy": scored.actions.accuracy,
            "action_f1": {label: one.f1 for label, one in rates.items()},
            "action_pairs": scored.actions.num_pairs,
        }
    return row


def case_row(name: str, works: Sequence[Work]) -> dict[str, Any]:
    """Return figures and costs of a case whose halves have run."""
    notes = [json.loads((work.out / COSTS_NAME).read_text()) for work in works]
    duration = sum(note["video_seconds"] for note in notes)
    true, missed, false = (sum(note[key] for note in notes) for key in ("true", "missed", "false"))
    scored = score_players(
        [work.out for work in works],
        [work.half.truth for work in works],
        [work.half.actions for work in works],
    )
    first = works[0]
    labels = load_classifier(first.experiment, first.runs, device="cpu").experiment.task.labels.names
    return {
        "case": name,
        "video_seconds": duration,
        "windows": sum(note["windows"] for note in notes),
        "cpu_seconds_per_video_second": {
            part: sum(note["cpu_seconds"][part] for note in notes) / duration
            for part in notes[0]["cpu_seconds"]
        },
        "detection_recall": true / max(true + missed, 1),
        "detection_precision": true / max(true + false, 1),
        **scores_row(combined_players(scored), labels),
    }


def seed_of(league: Path) -> int | None:
    """Return the random seed of a synthetic league."""
    file = league / "synthetic_league.json"
    return int(json.loads(file.read_text())["seed"]) if file.is_file() else None


def run_all(works: Sequence[Work], jobs: int) -> None:
    """Run the halves, each in a process of its own; CPU times are then its own too."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for work, _ in zip(works, pool.map(run_half, works), strict=True):
            harness.note_measured(case=work.case, half=work.half.video.name)


def clips_of(run_folder: Path) -> dict[str, int]:
    """Return how many clips of each match an experiment was trained on."""
    names = json.loads((run_folder / "fold_0" / "matches.json").read_text())["trained_on"]
    return dict(Counter(name.split("/")[1] for name in names))


def show(table: Sequence[dict[str, Any]]) -> None:
    """Print the rows."""
    columns = ("HOTA", "DetA", "AssA", "IDF1", "MOTA", "IDSW", "detection_recall", "detection_precision")
    for row in table:
        print(row["case"])
        print("  " + ", ".join(f"{name} {row[name]:.3f}" for name in columns))
        known = row["action_macro_f1_of_known_labels"]
        print(f"  macro F1 of actions {row['action_macro_f1']:.3f}, of the labels known {known:.3f}")
        parts = row["cpu_seconds_per_video_second"].items()
        print("  CPU s per s of video: " + ", ".join(f"{part} {seconds:.3f}" for part, seconds in parts))


def main(argv: Sequence[str] | None = None) -> None:
    """Render and train what is missing, measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--training", type=Path, help="league with true boxes to train on (default: rendered)"
    )
    parser.add_argument("--unseen", type=Path, help="league with true boxes to score on (default: rendered)")
    parser.add_argument("--detector", type=Path, help="trained small detector (default: trained)")
    parser.add_argument(
        "--runs", type=Path, help=f"runs folder with {EXPERIMENT}; it must not have seen --unseen"
    )
    parser.add_argument("--experiment", default=EXPERIMENT)
    parser.add_argument("--training-matches", type=int, default=4)
    parser.add_argument("--training-minutes", type=float, default=2.0)
    parser.add_argument("--minutes", type=float, default=5.0, help="of the unseen match")
    parser.add_argument("--size", default="360x640")
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--per-class", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--keep", type=Path, help="folder that keeps what is made; halves done are not run again"
    )
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args(argv)
    question = (__doc__ or "").splitlines()[0]
    harness.write_as_measured(args.json, question)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        form = {"size": args.size, "jobs": args.jobs}
        unseen = args.unseen or make_league(
            folder / "unseen", matches=1, minutes=args.minutes, seed=UNSEEN_SEED, **form
        )
        training = args.training
        if training is None and (args.detector is None or args.runs is None):
            training = make_league(
                folder / "training",
                matches=args.training_matches,
                minutes=args.training_minutes,
                seed=TRAINING_SEED,
                **form,
            )
        if training is not None and seed_of(training) == seed_of(unseen):
            raise SystemExit(
                f"{training} and {unseen} have one random seed: the match to score on is not unseen"
            )
        detector = args.detector or train_detector(
            halves_of(training), folder / "small.safetensors", frames=args.frames, steps=args.steps
        )
        runs = args.runs or train_actions(halves_of(training), folder, per_class=args.per_class)
        halves = halves_of(unseen)
        if not halves:
            raise SystemExit(f"{unseen} holds no match with true boxes; make it: bvas data synth --boxes")
        cases = {
            name: [
                Work(
                    case=name,
                    half=half,
                    detector=file,
                    runs=runs,
                    experiment=args.experiment,
                    out=folder / "found" / name.replace(" ", "_") / str(number),
                )
                for number, half in enumerate(halves, start=1)
            ]
            for name, file in ((CHAIN, detector), (UPPER_BOUND, None))
        }
        run_all([work for works in cases.values() for work in works], args.jobs)
        table = [case_row(name, works) for name, works in cases.items()]
    show(table)
    if args.json is not None:
        settings = {
            "training_halves": None if training is None else len(halves_of(training)),
            "training_seed": None if training is None else seed_of(training),
            "unseen_seed": seed_of(unseen),
            "unseen_halves": len(halves),
            "size": args.size,
            "frames": args.frames,
            "steps": args.steps,
            "experiment": args.experiment,
            "experiment_trained_on": clips_of(runs / args.experiment),
            "every_seconds": DEFAULT_EVERY,
            "detector_stride_seconds": DEFAULT_STRIDE,
        }
        harness.write_results(args.json, question=question, settings=settings, table=table)


if __name__ == "__main__":
    main()
