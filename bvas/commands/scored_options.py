"""Options of the commands that hold files of spots against files of labels."""

import argparse
from pathlib import Path

_TASKS = {
    "ball": "2 labels (2023)",
    "ball12": "12 labels (2024)",
    "action": "Action Spotting v2",
    "team": "12 labels by team (2025)",
}


def add_files(parser: argparse.ArgumentParser, predictions: str) -> None:
    """Add `--labels` and `--predictions`; `predictions` ends the help of the latter."""
    parser.add_argument(
        "--labels", type=Path, required=True, metavar="DIR|ZIP", help="labels as MATCH/Labels-*.json"
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        required=True,
        metavar="DIR|ZIP",
        help=f"predictions as MATCH/results_spotting.json{predictions}",
    )


def add_task(parser: argparse.ArgumentParser, *tasks: str) -> None:
    """Add `--task` with some of `ball`, `ball12`, `action` and `team`."""
    told = ", ".join(_TASKS[task] for task in tasks)
    parser.add_argument("--task", choices=tasks, default="ball", help=f"{told}; default: ball")


def add_choice(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add which spots and matches count; `verb` says what is done with the matches."""
    parser.add_argument(
        "--operating-point",
        type=float,
        default=0.2,
        metavar="CONFIDENCE",
        help="from here on a spot counts as a hit or a false alarm (default: 0.2)",
    )
    parser.add_argument(
        "--matches", type=Path, metavar="FILE", help=f"text file with the matches to {verb}, a line each"
    )
    parser.add_argument(
        "--partial", action="store_true", help="leave out labelled matches without predictions"
    )
