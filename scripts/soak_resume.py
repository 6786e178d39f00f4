"""Does a run that is killed at random moments end with the weights of one that was left alone?

    python scripts/soak_resume.py --experiment mini_ball_base --data data --json benchmarks/results/resume--NAME.json

`python -m bvas.train` trains one fold, undisturbed; then again, killed (SIGKILL) at random moments, started again each
time, and once unable to write (a limit on the size of files, which needs no rights, in place of a full disk). A run
that is finished before all kills were dealt is compared and begun anew. Weights, best weights and the log's figures
must be equal bit for bit. Exit code 1 if they are not.
"""

import argparse
import contextlib
import csv
import logging
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from bvas.experiment.checkpoint import FILE_NAME, fold_folder, load_checkpoint
from bvas.system.atomic_files import write_json
from bvas.training.resume import BEST_NAME
from bvas.training.run_state import FILE_NAME as STATE_NAME
from bvas.training.run_state import load_state

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from harness import machine_facts

logger = logging.getLogger(__name__)

WRONG_INPUT = 2
FULL_BYTES = 4096
"""No state of a run is so small."""
TIMED = ("seconds", "clips_per_second", "waiting_share")
"""Columns of the log that differ from run to run."""
# A config like the experiment's, of its name; how often a run is saved is no part of what it comes to.
CONFIG = """
from dataclasses import replace

from bvas.experiment.experiment import load_experiment


def experiment():
    base = load_experiment({name!r})
    return replace(base, train=replace(base.train, save_minutes={save_minutes}))
"""


class Runs:
    """Starts training, and knows where it leaves what."""

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        name = Path(args.experiment).stem
        self.config = folder / "configs" / f"{name}.py"
        self.config.parent.mkdir()
        self.config.write_text(CONFIG.format(name=args.experiment, save_minutes=args.save_seconds / 60))
        self.fold = args.fold
        self._args = args
        self.folder = folder

    def folder_of(self, run: str) -> Path:
        """Return the folder of the fold in one of the runs."""
        return fold_folder(self.folder / run, self.config.stem, self.fold)

    def start(self, run: str) -> subprocess.Popen[str]:
        """Begin a run or go on with it."""
        args = self._args
        command = [
            *(
                sys.executable,
                "-m",
                "bvas",
                "train",
                "--experiment",
                str(self.config),
                "--folds",
                str(self.fold),
            ),
            *("--data", str(args.data), "--runs", str(self.folder / run), "--device", args.device),
            *("--workers", args.workers, "--quiet"),
        ]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def finish(self, run: str) -> tuple[float, float]:
        """Train to the end; return the seconds to the first step and in all."""
        start = time.time()
        process = self.start(run)
        self.wait_for_save(run, process, start)
        begun = time.time() - start
        _, err = process.communicate()
        if process.returncode:
            raise SystemExit(f"training failed with {process.returncode}: {err}")
        return begun, time.time() - start

    def wait_for_save(self, run: str, process: subprocess.Popen[str], since: float) -> None:
        """Wait until a run was saved after a moment, or is over."""
        path = self.folder_of(run) / STATE_NAME
        while process.poll() is None:
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime > since:
                    return
            time.sleep(0.02)

    def place(self, run: str) -> dict[str, Any] | None:
        """Return where a run is; None before its first save and after its end."""
        path = self.folder_of(run) / STATE_NAME
        if not path.exists():
            return None
        state = load_state(path)
        return {"epoch": state.epoch, "batches": state.batches}

    def differences(self, run: str, other: str) -> list[str]:
        """Return what is not the same in two finished runs."""
        found = []
        for name in (FILE_NAME, BEST_NAME):
            paths = [self.folder_of(which) / name for which in (run, other)]
            if paths[0].exists() != paths[1].exists():
                found.append(f"{name} is in one only")
            elif paths[0].exists():
                first, second = (load_checkpoint(path).state for path in paths)
                keys = [
                    key
                    for key in first.keys() | second.keys()
                    if key not in first or key not in second or not torch.equal(first[key], second[key])
                ]
                found += [f"{name}: {key}" for key in sorted(keys)]
        first_log, second_log = (self._log(which) for which in (run, other))
        if first_log != second_log:
            found.append("log.csv")
        return found

    def _log(self, run: str) -> list[dict[str, str]]:
        with (self.folder_of(run) / "log.csv").open(newline="") as file:
            return [
                {name: value for name, value in row.items() if name not in TIMED}
                for row in csv.DictReader(file)
            ]


def disturb(runs: Runs, run: str, seconds: float, kind: str) -> dict[str, Any] | None:
    """Let a run go on for a while, then kill it or fill its disk; return what happened, None if it was finished."""
    start = time.time()
    process = runs.start(run)
    try:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            if kind == "kill":
                process.send_signal(signal.SIGKILL)
            else:
                # Shared memory is a file, too, and must be there before.
                runs.wait_for_save(run, process, start)
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (FULL_BYTES, FULL_BYTES))
        _, err = process.communicate()
    finally:
        if process.poll() is None:
            process.kill()
    if process.returncode == 0:
        return None
    message = err.strip().splitlines()[-1].replace(str(runs.folder), "RUNS") if err.strip() else ""
    expected = -signal.SIGKILL if kind == "kill" else WRONG_INPUT
    fact = {
        "kind": kind,
        "after_seconds": round(time.time() - start, 2),
        "exit": process.returncode,
        "expected": process.returncode == expected and (kind == "kill" or "cannot write" in message),
        "message": message,
        "saved": runs.place(run),
    }
    logger.info("%s", fact)
    return fact


def main() -> int:
    """Train, disturb, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiment", required=True, metavar="NAME")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    parser.add_argument("--save-seconds", type=float, default=3.0, help="between saves (default: 3)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", default="auto")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    draw = random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="soak-resume-") as temporary:
        runs = Runs(args, Path(temporary))
        begun, whole = runs.finish("undisturbed")
        logger.info("undisturbed: %.1f s, of them %.1f s before the first step", whole, begun)
        kinds = ["kill"] * args.kills
        kinds.insert(args.kills // 2, "full disk")
        disturbances, differences, number = [], [], 0
        while kinds:
            # A sixth of them before the first step, the rest mostly a little later, so that one run takes several.
            share = draw.choice([0.0, 0.2, 0.2, 0.2, 0.2, 0.8])
            seconds = (
                draw.uniform(0.0, begun) if not share else begun + draw.uniform(0.0, share * (whole - begun))
            )
            fact = disturb(runs, f"disturbed_{number}", seconds, kinds[0])
            if fact is None:
                differences += runs.differences(f"disturbed_{number}", "undisturbed")
                number += 1
            else:
                disturbances.append({"run": number, **fact})
                kinds.pop(0)
        runs.finish(f"disturbed_{number}")
        differences += runs.differences(f"disturbed_{number}", "undisturbed")
        settings = {
            "experiment": runs.config.stem,
            "save_seconds": args.save_seconds,
            "threads": torch.get_num_threads(),
            "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
        }
        facts = {
            "undisturbed_seconds": round(whole, 1),
            "runs": number + 1,
            "disturbances": disturbances,
            "differences": differences,
            "holds": not differences and all(fact["expected"] for fact in disturbances),
        }
    if args.json:
        write_json(
            args.json,
            {
                "question": (__doc__ or "").splitlines()[0],
                "date": time.strftime("%Y-%m-%d"),
                "machine": machine_facts(),
                "settings": settings,
                "figures": facts,
            },
        )
    print(
        f"{len(disturbances)} disturbances in {number + 1} runs, {len(differences)} differences: "
        f"{'holds' if facts['holds'] else 'DOES NOT HOLD'}"
    )
    return 0 if facts["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
