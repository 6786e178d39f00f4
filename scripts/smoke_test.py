"""Smoke test of an installed bvas: a synthetic match through train, export, check, spot, score, report, and cut.

    python scripts/smoke_test.py OUT [--model DIR]

It needs no network and no GPU, and takes about a minute on two cores. Without --model it needs the extra `train`, and
makes a model in OUT/onnx; with it, it needs bvas alone. OUT is a new folder. The model is too small to find anything:
the test is that each command ends with exit code 0 and writes its files.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bvas.cli import main as bvas

CONFIG = '''"""The demo's experiment with a smaller network, trained for seconds."""

from dataclasses import replace

from bvas import load_experiment


def experiment():
    demo = load_experiment("demo")
    return replace(
        demo,
        input=replace(demo.input, size=(64, 96)),
        clip=replace(demo.clip, num_frames=6, stack_size=2),
        model=replace(demo.model, encoder="mobilenetv3_small_050", num_features_3d=24, num_features_stack=16),
        sampling=replace(demo.sampling, clips_per_epoch=8),
        train=replace(demo.train, batch_size=4, warmup_epochs=0, epochs=1, validation_clips=8),
    )
'''


class SmokeTestError(RuntimeError):
    """A command ended with another exit code than 0, or a file is missing."""


def run(*words: str | Path) -> None:
    """Run one `bvas` command in this process.

    Raises:
        SmokeTestError: its exit code is not 0.
    """
    line = " ".join(map(str, words))
    print(f"$ bvas {line}", flush=True)
    code = bvas([*map(str, words)])
    if code != 0:
        raise SmokeTestError(f"'bvas {line}' ended with exit code {code}; 0 was expected")


def smoke_test(out: Path, model: Path | None = None) -> None:
    """Make two matches in `out`, and a model where none is given, and run the commands on them.

    Raises:
        SmokeTestError: a command failed, or did not write what it should.
    """
    out.mkdir(parents=True)
    data = out / "data"
    run("data", "synth", "--out", data, "--matches", "2", "--minutes", "0.4", "--size", "64x96", "--quiet")
    match = min(path.parent for path in data.rglob("1_*.mkv"))
    videos = sorted(match.glob("*.mkv"))
    run("video", "check", *videos)
    look(out, match, videos, export(out, data) if model is None else model)


def export(out: Path, data: Path) -> Path:
    """Train a model on the matches, and return the folder of its export."""
    config, runs = out / "smoke.py", out / "runs"
    config.write_text(CONFIG, encoding="utf-8")
    folders = ("--data", data, "--runs", runs)
    run(
        "train",
        "--experiment",
        config,
        "--folds",
        "0",
        *folders,
        "--workers",
        "0",
        "--device",
        "cpu",
        "--quiet",
    )
    run("weights", "export", config, "--to", "onnx", "--out", out / "onnx", "--runs", runs)
    return out / "onnx"


def look(out: Path, match: Path, videos: Sequence[Path], model: Path) -> None:
    """Run what needs no PyTorch.

    Raises:
        SmokeTestError: a command failed, or did not write what it should.
    """
    predictions = out / "predictions"
    # Where the scorer looks for the predictions of this match.
    spots = predictions / match.relative_to(out / "data" / "spotting-ball-2023")
    run("spot", *videos, "--model", model, "--out", spots, "--quiet")
    run("report", spots, "--quiet")
    run("spots", "export", spots, "--to", "jsonl", "--confidence", "0", "--out", out / "spots.jsonl")
    files = ("--labels", out / "data" / "spotting-ball-2023", "--predictions", predictions, "--partial")
    run("spots", "score", *files, "--json", out / "scores.json")
    intervals = out / "intervals.csv"
    intervals.write_text("start_seconds,end_seconds,label\n1.0,2.5,PASS\n", encoding="utf-8")
    run("cut", videos[0], "--intervals", intervals, "--out", out / "cut.mp4", "--quiet")
    wanted = [spots / name for name in ("spots.csv", "results_spotting.json", "report/index.html")]
    missing = [str(path) for path in (*wanted, out / "scores.json", out / "cut.mp4") if not path.is_file()]
    if missing:
        raise SmokeTestError(f"not written: {', '.join(missing)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the smoke test and return 0."""
    parser = argparse.ArgumentParser(
        description="One synthetic match through the commands of an installed bvas."
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="an exported model, in place of training one"
    )
    args = parser.parse_args(argv)
    smoke_test(args.out, args.model)
    print("smoke test passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
