"""Stages of what a machine with a GPU tells, in order of value, each with a time limit and its own JSON.

    scripts/gpu_check.sh [OUT [STAGE...]] [--minutes N] [--again] [--stages FILE] [--plan]

A stage that fails, hangs or dies stops no other. A rerun does what is missing: stages that ended well are left out
(`--again` repeats them). `--minutes` is the time of this call: a stage that is not expected to fit waits for the next.
Where a call may take 10 minutes, three calls with `--minutes 9.5` do the whole plan.
The last line is the command that fills the documentation's tables with what was measured.

`--stages FILE` is a JSON list of other stages: {"name", "command", "minutes", "limit_minutes", "json", "by_name_only"}.
In commands {python}, {json}, {out}, {scratch} and {data} are filled in.
"""

import argparse
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MOST_MINUTES = 9.0
"""Longest limit of a stage: a call on the lent machine may take 10 minutes."""
_SECONDS_TO_LEAVE = 5.0
_TAIL_LINES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One program, and how long it may run."""

    name: str
    command: str
    """As a shell would split it, with names in braces filled in."""
    minutes: float
    """Estimated."""
    limit_minutes: float
    """It is ended after so long."""
    json: str = ""
    """File that it writes, as it goes; empty for none."""
    by_name_only: bool = False
    """Not part of the plan of a day."""

    def __post_init__(self) -> None:
        if not 0 < self.limit_minutes <= MOST_MINUTES:
            raise SystemExit(
                f"stage {self.name}: limit_minutes must lie in (0, {MOST_MINUTES:g}], got {self.limit_minutes}"
            )


def _bench(name: str, arguments: str, minutes: float, limit: float, **options: Any) -> Stage:
    script, _, rest = arguments.partition(" ")
    command = f"{{python}} benchmarks/bench_{script}.py {rest} --json {{json}}"
    return Stage(
        name=name, command=command, minutes=minutes, limit_minutes=limit, json=f"{name}.json", **options
    )


def _tests(name: str, selection: str, minutes: float, limit: float) -> Stage:
    command = f"{{python}} scripts/gpu_tests.py {{json}} -m gpu -p no:cacheprovider {selection}"
    return Stage(name=name, command=command, minutes=minutes, limit_minutes=limit, json=f"{name}.json")


_VIDEOS = "--videos {scratch}/videos --device cuda"
# Estimates are from the code, on one H200: none of them was measured yet.
STAGES = (
    Stage(
        name="nvdec-facts",
        command="{python} scripts/nvdec_facts.py --json {json}",
        minutes=1.5,
        limit_minutes=2.0,
        json="nvdec-facts.json",
    ),
    _tests("tests-decoding", "tests/video", 4.0, 7.0),
    _bench(
        "nvdec-speed",
        f"nvdec {_VIDEOS} --codecs h264 --keyframe-intervals 250 --frames 500 --rounds 2 "
        "--setups 1x1 1x4 1x7 3x1 7x1",
        3.0,
        6.0,
    ),
    _bench("spot-file", f"spot_file {_VIDEOS} --minutes 5 --rounds 2 --seed-frames 250", 5.0, 9.0),
    _bench(
        "train-batch-4",
        f"train {_VIDEOS} --batch 4 --modes compiled --precisions bfloat16 --rounds 3 --loading",
        4.0,
        8.0,
    ),
    _bench("mix", f"mix {_VIDEOS} --halves 4 --frames 1500 --rounds 2", 3.0, 6.0),
    _bench("fit", "fit --device cuda", 0.5, 2.0),
    _tests("tests-rest", "tests --ignore tests/video", 4.0, 8.0),
    Stage(
        name="demo",
        command="{python} -m bvas demo --out {scratch}/demo --runs {scratch}/demo/runs --device cuda --quiet",
        minutes=2.5,
        limit_minutes=5.0,
    ),
    _bench("decode", f"decode {_VIDEOS} --frames 500 --rounds 2", 6.0, 9.0, by_name_only=True),
    _bench("open", "open", 1.0, 3.0, by_name_only=True),
    _bench("loader", "loader --videos {scratch}/videos --rounds 2", 6.0, 9.0, by_name_only=True),
    _bench("epoch", f"epoch {_VIDEOS} --fraction 20 --rounds 2", 7.0, 9.0, by_name_only=True),
    _bench("augment-batch-4", "augment --device cuda --batch 4", 2.0, 5.0, by_name_only=True),
    _bench("augment-batch-16", "augment --device cuda --batch 16", 2.0, 5.0, by_name_only=True),
    _bench(
        "train-batch-16",
        f"train {_VIDEOS} --batch 16 --modes compiled --precisions bfloat16 --rounds 3",
        5.0,
        9.0,
        by_name_only=True,
    ),
    _bench(
        "predict", "predict --device cuda --rows 256 --whole-rows 64 --rounds 3", 7.0, 9.0, by_name_only=True
    ),
    _bench("memory", f"memory {_VIDEOS}", 7.0, 9.0, by_name_only=True),
    Stage(
        name="league",
        command="{python} -m bvas data synth --out {scratch}/league --task ball --preset broadcast --matches 4 "
        "--minutes 3 --size 112x192 --keyframe-interval 25 --seed 11 --quiet",
        minutes=3.0,
        limit_minutes=9.0,
        by_name_only=True,
    ),
    # It trains for hours, and resumes where it was stopped: run it again and again, behind `league`.
    Stage(
        name="ablation",
        command="{python} benchmarks/ablation/run.py --scale mini --questions camera,shake,ema,length "
        "--data {scratch}/league --runs {scratch}/league/runs --jobs 4 --json {json}",
        minutes=9.0,
        limit_minutes=9.0,
        json="ablation-mini.json",
        by_name_only=True,
    ),
)


def read_stages(path: Path) -> tuple[Stage, ...]:
    """Return the stages of a file."""
    return tuple(Stage(**stage) for stage in json.loads(path.read_text()))


def machine_name(python: str) -> str:
    """Return the GPU's name as a part of file names, or `no-gpu`."""
    code = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else 'no gpu')"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return (done.stdout.strip() or "no torch").lower().replace(" ", "-")


def json_state(path: Path | None) -> str:
    """Return `whole`, `partial` (of a program that was ended), `none` or `damaged`."""
    if path is None:
        return "-"
    if not path.is_file():
        return "none"
    try:
        content = json.loads(path.read_text())
    except ValueError:
        return "damaged"
    return "partial" if isinstance(content, dict) and content.get("is_complete") is False else "whole"


def run_stage(
    stage: Stage, names: Mapping[str, str], log: Path, environment: Mapping[str, str], seconds: float
) -> dict[str, Any]:
    """Run a stage for at most so long; return what came of it."""
    command = [part.format(**names) for part in shlex.split(stage.command)]
    started = time.monotonic()
    state, code = "done", None
    with log.open("w") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            output.write(f"{error}\n")
            return {"state": "failed", "exit_code": None, "seconds": 0.0, "json": "none"}
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            state = "timed out"
        except KeyboardInterrupt:
            _end(process)
            raise
        # Of a stage that ended, too, nothing is left: the next one has the machine for itself.
        _end(process)
    if state == "done" and code != 0:
        state = "failed"
    written = json_state(Path(names["json"]) if stage.json else None)
    if state == "done" and written not in ("whole", "-"):
        state = "failed"
    return {
        "state": state,
        "exit_code": code,
        "seconds": round(time.monotonic() - started, 1),
        "json": written,
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a stage and all that it started."""
    for number, patience in ((signal.SIGTERM, _SECONDS_TO_LEAVE), (signal.SIGKILL, _SECONDS_TO_LEAVE)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            continue


def write_whole(path: Path, content: object) -> None:
    """Write JSON beside and rename it, so that a kill leaves what was there."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(content, indent=1) + "\n")
    beside.replace(path)


def show_plan(stages: Sequence[Stage], done: Mapping[str, Any], minutes: float) -> None:
    """Print what there is to do, and how long it is expected to take."""
    total = sum(stage.minutes for stage in stages if stage.name not in done)
    print(f"plan: {total:.1f} minutes are estimated, this call has {minutes:g}")
    for stage in stages:
        what = (
            "done before"
            if stage.name in done
            else f"{stage.minutes:4.1f} min, at most {stage.limit_minutes:g}"
        )
        print(f"  {stage.name:18} {what}")


def show_table(stages: Sequence[Stage], records: Mapping[str, Any]) -> None:
    """Print what came of each stage."""
    print(f"\n{'stage':18} {'state':12} {'minutes':>8} {'estimate':>9}  JSON")
    for stage in stages:
        record = records.get(stage.name, {"state": "not run", "seconds": 0.0, "json": "none"})
        print(
            f"{stage.name:18} {record['state']:12} {record['seconds'] / 60:8.1f} {stage.minutes:9.1f}  {record['json']}"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stages; 0 where all of them have ended well, in this call or before."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "out", type=Path, nargs="?", default=ROOT / "benchmarks/results", help="where JSON goes"
    )
    parser.add_argument("names", nargs="*", metavar="STAGE", help="only these, in this order")
    parser.add_argument("--minutes", type=float, default=28.0, help="time of this call")
    parser.add_argument("--again", action="store_true", help="repeat stages that ended well before")
    parser.add_argument("--stages", type=Path, help="JSON file of other stages")
    parser.add_argument("--plan", action="store_true", help="print the plan, run nothing")
    args = parser.parse_intermixed_args(argv)
    begun = time.monotonic()

    known = STAGES if args.stages is None else read_stages(args.stages)
    by_name = {stage.name: stage for stage in known}
    if unknown := [name for name in args.names if name not in by_name]:
        parser.error(f"no stage {unknown[0]!r}; there are: {', '.join(by_name)}")
    stages = [by_name[name] for name in args.names] or [stage for stage in known if not stage.by_name_only]
    out = args.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    machine = machine_name(sys.executable)
    record_path = out / f"gpu-check--{machine}.json"
    records: dict[str, Any] = {}
    if record_path.is_file():
        records = json.loads(record_path.read_text())["stages"]
    # A stage whose command has changed since is another one.
    done = {
        name: record
        for name, record in records.items()
        if record["state"] == "done" and name in by_name and record["command"] == by_name[name].command
    }
    if args.again:
        done = {}
    show_plan(stages, done, args.minutes)
    if args.plan:
        return 0

    data = os.environ.get("BVAS_TEST_DATA") or str(
        next((place for place in (ROOT / "shared/data", ROOT.parent / "shared/data") if place.is_dir()), ROOT)
    )
    scratch = Path(os.environ.get("BVAS_GPU_SCRATCH") or Path(tempfile.gettempdir()) / "bvas-gpu-check")
    scratch.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "BVAS_REQUIRE_GPU": "1", "BVAS_TEST_DATA": data, "PYTHONUNBUFFERED": "1"}
    print(f"machine: {machine}; real files: {data}; scratch: {scratch}")
    for stage in stages:
        if stage.name in done:
            continue
        left = args.minutes - (time.monotonic() - begun) / 60
        if stage.minutes > left:
            print(f"== {stage.name}: left for another call, {left:.1f} minutes are too few", flush=True)
            continue
        target = out / f"{Path(stage.json).stem}--{machine}.json"
        names = {
            "python": sys.executable,
            "json": str(target),
            "out": str(out),
            "scratch": str(scratch),
            "data": data,
        }
        log = out / f"gpu-check-{stage.name}--{machine}.log"
        print(f"== {stage.name}: {stage.minutes:g} minutes estimated", flush=True)
        seconds = 60 * min(stage.limit_minutes, left)
        record = run_stage(stage, names, log, environment, seconds)
        records[stage.name] = {**record, "command": stage.command, "limit_seconds": round(seconds, 1)}
        write_whole(
            record_path,
            {
                "machine": machine,
                "python": platform.python_version(),
                "date": time.strftime("%Y-%m-%d"),
                "plan": [asdict(one) for one in stages],
                "stages": records,
            },
        )
        print("\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]))
        print(
            f"{stage.name}: {record['state']} in {record['seconds']:.0f} s, JSON {record['json']}", flush=True
        )
    show_table(stages, records)
    print(f"tables of the documentation: {sys.executable} scripts/fill_figures.py {out}")
    return 0 if all(records.get(stage.name, {}).get("state") == "done" for stage in stages) else 1


if __name__ == "__main__":
    sys.exit(main())
