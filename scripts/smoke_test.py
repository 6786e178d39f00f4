"""Smoke test of an installed bvas: one synthetic match through train, export, check, spot and report.

    python scripts/smoke_test.py OUT

It needs the extra `onnx`, no network and no GPU, and takes about a minute on two cores. OUT is a new folder. The model
is too small to find anything: the test is that each command ends with exit code 0 and writes its files.
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


def smoke_test(out: Path) -> None:
    """Make a clip and a model in `out`, and run the commands on them.

    Raises:
        SmokeTestError: a command failed, or did not write what it should.
    """
    out.mkdir(parents=True)
    config = out / "smoke.py"
    config.write_text(CONFIG, encoding="utf-8")
    data, runs, spots = out / "data", out / "runs", out / "spots"
    folders = ("--data", data, "--runs", runs)
    run("data", "synth", "--out", data, "--matches", "2", "--minutes", "0.4", "--size", "64x96", "--quiet")
    video = sorted(data.rglob("1_*.mkv"))[0]
    run("video", "check", video)
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
    run("spot", video, "--model", out / "onnx", "--out", spots, "--quiet")
    run("report", spots, "--quiet")
    missing = [
        name
        for name in ("spots.csv", "results_spotting.json", "report/index.html")
        if not (spots / name).is_file()
    ]
    if missing:
        raise SmokeTestError(f"{spots} lacks {', '.join(missing)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the smoke test and return 0."""
    parser = argparse.ArgumentParser(
        description="One synthetic match through the commands of an installed bvas."
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    smoke_test(parser.parse_args(argv).out)
    print("smoke test passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
