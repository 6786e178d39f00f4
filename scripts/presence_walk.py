"""The whole way from recordings to a film of their moments, timed: the table of docs/intervals.md.

    python scripts/presence_walk.py OUT

OUT is a new folder. Recordings are synthetic; their ranges are given to `bvas label` as somebody would note them.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

SYNTH = "bvas data synth --task presence --size 112x192 --sound"
NEW = "new/recordings/00_plain.mp4"


def bvas(command: str, folder: Path) -> None:
    """Run a command of bvas in a folder."""
    print(f"$ {command}", flush=True)
    words = [sys.executable, "-m", "bvas.cli", *command.split()[1:]]
    subprocess.run(words, cwd=folder, check=True)


def label_commands(folder: Path) -> list[str]:
    """Return a `bvas label` for each recording of `court`, with the frames that its dataset.json names."""
    commands = []
    for match in json.loads((folder / "court" / "dataset.json").read_text())["matches"]:
        present = ",".join(f"{one['from_frame']}-{one['to_frame'] - 1}" for one in match["annotations"])
        commands.append(
            f"bvas label court/{match['videos'][0]} --labels IN_FRAME --present {present} --out data/dataset.json"
        )
    return sorted(commands)


def main() -> None:
    """Walk, and print the seconds of each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True)
    seconds = {}

    def step(name: str, *commands: str) -> None:
        begin = time.monotonic()
        for command in commands:
            bvas(command, folder)
        seconds[name] = time.monotonic() - begin

    step("record", f"{SYNTH} --out court --matches 20 --keyframe-interval 10 --seed 3")
    step("one more recording", f"{SYNTH} --out new --matches 3 --seed 4")
    step("label", *label_commands(folder))
    step("train", "bvas train --experiment mini_presence --data data --folds 0")
    step("find", f"bvas intervals {NEW} --experiment mini_presence")
    step("cut", f"bvas cut {NEW} --intervals intervals/00_plain --out highlights.mp4")
    for name, value in seconds.items():
        print(f"{name:20}{value:7.1f} s")


if __name__ == "__main__":
    main()
