"""How much does a random split over augmented copies flatter? Copies of rare classes, split in two ways.

    bvas data synth --out DATA --task clips --clips 4000 --seed 1
    python benchmarks/bench_clip_leak.py DATA --json benchmarks/results/clip-leak--NAME.json

As the SpaceJam classifier of Loka did it: each clip of the four rarest classes gets four copies on disk, turned by 30
degrees to either side and shifted by 32 pixels to either side, and all clips are split 70/20/10. Other than there, the
split is made in two ways: at random over originals and copies, and by match. Nothing else differs. Figures are of the
validation and test splits, neither of which training uses; those of `originals` leave the copies out.
"""

import argparse
import json
import random
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from class_runs import train_and_predict, with_seed
from harness import note_measured, write_as_measured, write_results

from bvas.data.splits import SplitName, draw_splits
from bvas.experiment.experiment import load_experiment
from bvas.results.sample_predictions import SamplePredictions
from bvas.video.decode.open_video import open_video
from bvas.video.encode.video_writer import VideoWriter

SHARES: dict[SplitName, float] = {"train": 0.7, "valid": 0.2, "test": 0.1}
TURNS, SHIFTS = (30.0, -30.0), (32, -32)
NUM_RARE = 4
WAYS = ("at random", "by match")


def copies_of(source: Path, out: Path) -> list[Path]:
    """Write the four copies of a clip, and return their paths."""
    with open_video(source, channels="rgb") as reader:
        frames = np.empty((reader.info.num_frames, *reader.frame_shape), np.uint8)
        reader.read_into(range(len(frames)), frames)
        rate = reader.info.rate
    height, width = frames.shape[1:3]
    maps = {
        f"rotate_{turn:+.0f}": cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0) for turn in TURNS
    }
    maps |= {f"translate_{shift:+d}": np.array([[1.0, 0, shift], [0, 1.0, 0]]) for shift in SHIFTS}
    paths = []
    for name, matrix in maps.items():
        path = out / f"{source.stem}_{name}.mp4"
        if not path.is_file():
            with VideoWriter(path, size=(height, width), rate=rate, crf=18) as writer:
                for frame in frames:
                    writer.write(cv2.warpAffine(frame, matrix, (width, height)))
        paths.append(path)
    return paths


def make_root(data: Path, root: Path, num_clips: int) -> list[dict[str, Any]]:
    """Return the samples of a part of a data root with the copies of its rare classes, which are written."""
    content = json.loads((data / "dataset.json").read_text())
    samples = content["samples"]
    random.Random(0).shuffle(samples)
    samples = samples[:num_clips]
    counts = Counter(sample["label"] for sample in samples)
    rare = {label for label, _ in counts.most_common()[-NUM_RARE:]}
    (root / "copies").mkdir(parents=True, exist_ok=True)
    found = []
    for sample in samples:
        source = (data / sample["video"]).absolute()
        whole = {"label": sample["label"], "match": sample["group"]}
        found.append({"video": str(source), "name": source.stem, "is_copy": False, **whole})
        if sample["label"] in rare:
            for path in copies_of(source, root / "copies"):
                found.append({"video": str(path), "name": path.stem, "is_copy": True, **whole})
    return found


def write_split(samples: list[dict[str, Any]], way: str, labels: tuple[str, ...], root: Path) -> None:
    """Write a `dataset.json` that splits the samples in one way."""
    key = {"at random": "name", "by match": "match"}[way]
    splits = draw_splits([sample[key] for sample in samples], SHARES, seed=1)
    entries = [
        {
            **{name: sample[name] for name in ("video", "name", "label")},
            "group": sample[key],
            "split": split,
        }
        for sample, split in zip(samples, splits, strict=True)
    ]
    content = {"format": "bvas-dataset-2", "labels": list(labels), "samples": entries}
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset.json").write_text(json.dumps(content))


def accuracies(predictions: SamplePredictions, copied: set[str], is_copy: dict[str, bool]) -> dict[str, Any]:
    """Return the accuracies of all that was held out, of classes with copies and others, and of originals."""
    test = predictions.of_sides({"valid", "test"})
    right = test.predicted == test.truth
    in_copied = np.array([test.labels[label] in copied for label in test.truth])
    originals = np.array([not is_copy[name] for name in test.names])

    def share(chosen: np.ndarray) -> dict[str, float | int]:
        return {
            "accuracy": float(right[chosen].mean()),
            "clips": int(chosen.sum()),
        }

    return {
        "all": share(np.ones_like(right)),
        "classes_with_copies": share(in_copied),
        "other_classes": share(~in_copied),
        "originals": share(originals),
        "originals_of_classes_with_copies": share(originals & in_copied),
    }


def main() -> None:
    """Make the copies, train, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--clips", type=int, default=2000, help="originals that are taken (default: 2000)")
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--work", type=Path, help="folder that keeps copies and runs")
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args()
    write_as_measured(args.json, __doc__ or "")
    base = load_experiment(str(Path(__file__).resolve().parents[1] / "configs" / "mini_clips.py"))
    # All clips, as there.
    base = replace(
        base,
        classes=replace(base.classes, balance=False, cap=None),
        train=replace(base.train, epochs=args.epochs, validation_clips=0),
    )
    table = []
    with tempfile.TemporaryDirectory() as folder:
        work = args.work or Path(folder)
        samples = make_root(args.data, work, args.clips)
        is_copy = {sample["name"]: sample["is_copy"] for sample in samples}
        copied = {sample["label"] for sample in samples if sample["is_copy"]}
        for seed in args.seeds:
            for way in WAYS:
                root = work / way.replace(" ", "_")
                write_split(samples, way, base.task.labels.names, root)
                experiment = with_seed(base, f"leak_{way.replace(' ', '_')}", seed)
                predictions, seconds = train_and_predict(experiment, root, work / "runs")
                row = {
                    "split": way,
                    "seed": seed,
                    "training_seconds": seconds,
                    **accuracies(predictions, copied, is_copy),
                }
                table.append(row)
                note_measured(**row)
                texts = [
                    f"{name} {row[name]['accuracy']:.3f} ({row[name]['clips']})" for name in list(row)[3:]
                ]
                print(f"{way:<12} seed {seed}: {', '.join(texts)}", flush=True)
    if args.json:
        write_results(
            args.json,
            question=(__doc__ or "").splitlines()[0],
            settings={
                "originals": args.clips,
                "copies": sum(is_copy.values()),
                "classes_with_copies": sorted(copied),
                "epochs": base.train.warmup_epochs + base.train.epochs,
            },
            table=table,
        )


if __name__ == "__main__":
    main()
