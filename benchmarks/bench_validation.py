"""What share of an epoch does validation take: clips read in this process, by the workers, or once and kept?

    python benchmarks/bench_validation.py --json benchmarks/results/validation--NAME.json

Epochs of training steps and validation with the demo's model, on videos with a keyframe every 250 frames. Cases:
  in this process     each epoch, frame by frame, by the process that trains (bvas until bda52f9)
  by the workers      each epoch, by the workers of the training loader: where the clips have no room
  once and kept       by the same workers while training leaves them idle, then from memory
The figures of all cases are compared: equal to the bit. Costs are of validation; `share_of_epoch` is its part of the
wall time of an epoch, the first one left out; `first_share_of_epoch` is of that one, in which clips are read and kept;
`cpu_share_of_epoch` is of the CPU time of the process that trains.

With `--limit-mib 1024` the last two rows are runs of a process and its workers in a control group of that much memory
(as root, on Linux): one whose clips fit into half of what is free, and one whose clips do not, which are read and not
scored. Peaks are of anonymous and shared memory together, looked at 20 times a second.
"""

import argparse
import json
import logging
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from harness import note_measured, spread, write_as_measured, write_results
from short_epoch import LABELS, make_halves

from bvas.commands.option_values import parse_size
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.loading.kept_batches import KeptClips
from bvas.loading.loader import ClipLoader
from bvas.loading.slot_counts import spare_clips_for
from bvas.models.spotting import build_model
from bvas.system.devices import choose_device
from bvas.tasks.kind_choice import kind_of
from bvas.training.step import Trainer
from bvas.training.validation import validate
from bvas.training.validation_clips import place_to_keep

HERE, WORKERS, KEPT = "in this process", "by the workers", "once and kept"
_NUM_TRAINING = 2
_LOOKS_A_SECOND = 20


@dataclass(slots=True, eq=False)
class Case:
    """A way to validate, and what its epochs took."""

    trainer: Trainer
    training: ClipLoader
    held_out: KeptClips | ClipLoader
    epoch_seconds: list[float] = field(default_factory=list)
    validation_seconds: list[float] = field(default_factory=list)
    validation_cpu_seconds: list[float] = field(default_factory=list)
    """Of this process alone, as the next."""
    epoch_cpu_seconds: list[float] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)

    def run(self) -> None:
        """Train and validate one epoch more."""
        # Dropout of one case does not depend on what the others drew.
        torch.manual_seed(len(self.scores))
        started, cpu_started = time.perf_counter(), time.process_time()
        for batch in self.training.epoch(len(self.scores)):
            self.trainer.step(batch)
            if isinstance(self.held_out, KeptClips):
                self.held_out.prefetch()
        trained, cpu = time.perf_counter(), time.process_time()
        averaged = self.trainer.averaged.module
        experiment, dtype = self.trainer.experiment, self.trainer.autocast_dtype
        self.scores.append(validate(averaged, self.held_out, experiment, autocast_dtype=dtype))
        self.validation_cpu_seconds.append(time.process_time() - cpu)
        self.validation_seconds.append(time.perf_counter() - trained)
        self.epoch_seconds.append(time.perf_counter() - started)
        self.epoch_cpu_seconds.append(time.process_time() - cpu_started)

    def share(self, epoch: int) -> float:
        """Return validation's part of an epoch."""
        return self.validation_seconds[epoch] / self.epoch_seconds[epoch]

    def cpu_share(self, epoch: int) -> float:
        """Return validation's part of the CPU time that this process spends in an epoch."""
        return self.validation_cpu_seconds[epoch] / self.epoch_cpu_seconds[epoch]


def small(clips: int, held_out: int) -> Experiment:
    """Return the demo with so many clips an epoch."""
    demo = load_experiment("demo")
    return replace(
        demo,
        model=replace(demo.model, pretrained=False),
        sampling=replace(demo.sampling, clips_per_epoch=clips),
        train=replace(demo.train, batch_size=4, validation_clips=held_out),
    )


def make_case(
    name: str,
    experiment: Experiment,
    videos: Sequence[Any],
    device: torch.device,
    num_workers: int,
    stack: ExitStack,
) -> Case:
    """Return a case, its loaders open; `name` may be empty for what training itself does."""
    size, batch = experiment.input.size, experiment.train.batch_size
    clip_bytes = experiment.clip.num_frames * size[0] * size[1]
    training = stack.enter_context(
        ClipLoader(
            kind_of(experiment).training_clips(videos[:_NUM_TRAINING]),
            batch,
            size=size,
            workers={"pyav": num_workers},
            device=device,
            spare_clips=spare_clips_for(batch, clip_bytes),
        )
    )
    clips = kind_of(experiment).validation_clips(videos[_NUM_TRAINING:])
    assert clips is not None
    beside = None if name == HERE else training
    loader = stack.enter_context(
        ClipLoader(clips, batch, size=size, workers={}, device=device, beside=beside)
    )
    held_out: KeptClips | ClipLoader = loader
    if name != HERE:
        places = {WORKERS: lambda _: None, KEPT: lambda _: device}
        held_out = KeptClips(loader, device, places.get(name, partial(place_to_keep, device=device)))
    torch.manual_seed(0)
    model = build_model(experiment.model, experiment.clip, len(LABELS)).to(device)
    return Case(Trainer(experiment, model, device, training.num_batches), training, held_out)


@contextmanager
def memory_group(limit: int) -> Iterator[Path]:
    """Yield a new control group with a limit of memory, v1 or v2; it is removed afterwards."""
    top = Path("/sys/fs/cgroup")
    is_v1 = (top / "memory").is_dir()
    group = (top / "memory" if is_v1 else top) / f"bvas-bench-{os.getpid()}"
    group.mkdir()
    try:
        (group / ("memory.limit_in_bytes" if is_v1 else "memory.max")).write_text(str(limit))
        yield group
    finally:
        for _ in range(100):
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.1)


def used_bytes(group: Path) -> int:
    """Return anonymous and shared memory of a group."""
    lines = (line.split() for line in (group / "memory.stat").read_text().splitlines())
    numbers = {name: int(number) for name, number in lines}
    if "total_rss" in numbers:
        return numbers["total_rss"] + numbers.get("total_shmem", 0)
    return numbers["anon"] + numbers.get("shmem", 0)


def run_limited(limit_mib: int, arguments: Sequence[str]) -> dict[str, Any]:
    """Run one training with its validation under a limit; return its peak, and where it kept clips."""
    with memory_group(limit_mib * 2**20) as group:

        def join() -> None:
            (group / "cgroup.procs").write_text(str(os.getpid()))

        command = [sys.executable, __file__, *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=join
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, used_bytes(group))
            time.sleep(1 / _LOOKS_A_SECOND)
        assert process.stdout is not None
        assert process.stderr is not None
        output, errors = process.stdout.read(), process.stderr.read()
        failures = group / "memory.failcnt"
        if process.returncode:
            return {"not_run": f"exit code {process.returncode}: {errors[-500:]}", "peak_bytes": peak}
        return json.loads(output.splitlines()[-1]) | {
            "limit_bytes": limit_mib * 2**20,
            "peak_bytes": peak,
            # Reached by pages of files, which the kernel then drops.
            "times_limit_was_reached": int(failures.read_text()) if failures.is_file() else None,
        }


def under_limit(args: argparse.Namespace, videos: Sequence[Any], device: torch.device) -> None:
    """Train and validate as `bvas train` does; print where the clips were kept."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("bvas.training.validation_clips")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    with ExitStack() as stack:
        case = make_case("", small(args.clips, args.held_out), videos, device, args.workers, stack)
        for _ in range(args.epochs):
            case.run()
        if not args.epochs:
            # What training takes is taken when their place is chosen.
            for batch in case.training.epoch(0):
                case.trainer.step(batch)
            num_read = sum(len(batch) for _ in range(2) for batch in case.held_out.epoch(0))
            assert num_read == 2 * case.held_out._loader.num_own_clips  # type: ignore[attr-defined]
    print(
        json.dumps(
            {
                "log": said,
                "val_loss": [scores["loss"] for scores in case.scores],
                "share_of_epoch": [case.share(epoch) for epoch in range(args.epochs)],
            }
        )
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the cases and show the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--picture", type=parse_size, default=(360, 640), help="HxW of the videos")
    parser.add_argument("--frames", type=int, default=1000, help="length of each of four videos")
    parser.add_argument("--clips", type=int, default=16, help="training clips of an epoch")
    parser.add_argument("--held-out", type=int, default=16, help="validation clips")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=4, help="of each case; the first is counted apart")
    parser.add_argument(
        "--limit-mib", type=int, default=0, help="also run in a control group of so much memory"
    )
    parser.add_argument(
        "--many", type=int, default=1200, help="validation clips that have no room under the limit"
    )
    parser.add_argument("--videos", type=Path, help="folder that keeps the videos")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--under-limit", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    device = choose_device(args.device)
    torch.set_num_threads(1)
    if args.under_limit is not None:
        # Making videos takes processes of its own, which would count.
        under_limit(args, pickle.loads(args.under_limit.read_bytes()), device)
        return
    write_as_measured(args.json, __doc__ or "")
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = args.videos or Path(temporary)
        videos = make_halves(
            folder,
            num_halves=2 * _NUM_TRAINING,
            num_frames=args.frames,
            size=args.picture,
            keyframe_interval=250,
        )
        experiment = small(args.clips, args.held_out)
        cases = {
            name: make_case(name, experiment, videos, device, args.workers, stack)
            for name in (HERE, WORKERS, KEPT)
        }
        names = list(cases)
        for epoch in range(args.epochs):
            for name in names[epoch % 3 :] + names[: epoch % 3]:
                case = cases[name]
                case.run()
                note_measured(case=name, epoch=epoch, share_of_epoch=case.share(epoch))
        for name, case in cases.items():
            if case.scores != cases[HERE].scores:
                raise SystemExit(f"{name} comes to other figures: {case.scores} against {cases[HERE].scores}")
        table: list[dict[str, Any]] = [
            {
                "case": name,
                "epochs": args.epochs - 1,
                "share_of_epoch": asdict(spread([case.share(epoch) for epoch in range(1, args.epochs)])),
                "first_share_of_epoch": case.share(0),
                "cpu_share_of_epoch": asdict(
                    spread([case.cpu_share(epoch) for epoch in range(1, args.epochs)])
                ),
                "validation_seconds": asdict(spread(case.validation_seconds[1:])),
                "validation_cpu_seconds_of_this_process": asdict(spread(case.validation_cpu_seconds[1:])),
                "epoch_seconds": asdict(spread(case.epoch_seconds[1:])),
                "clips_read": case.training.stats.workers["pyav-0"].clips,
            }
            for name, case in cases.items()
        ]
        stack.close()
        if args.limit_mib:
            labelled = Path(temporary) / "videos.pickle"
            labelled.write_bytes(pickle.dumps(videos))
            common = ["--under-limit", str(labelled), "--clips", str(args.clips)]
            common += ["--workers", str(args.workers), "--device", args.device]
            for name, number, epochs in (("fits", args.held_out, 2), ("does not fit", args.many, 0)):
                arguments = [*common, "--held-out", str(number), "--epochs", str(epochs)]
                row = run_limited(args.limit_mib, arguments)
                table.append({"case": f"{number} clips under {args.limit_mib} MiB: {name}", **row})
                note_measured(**table[-1])
    for row in table:
        if "epochs" in row:
            print(
                f"{row['case']:18} {row['share_of_epoch']['median']:.1%} of an epoch "
                f"({row['first_share_of_epoch']:.1%} of the first), "
                f"{row['cpu_share_of_epoch']['median']:.1%} of its CPU time here, "
                f"{row['validation_seconds']['median']:.2f} s, "
                f"CPU of this process {row['validation_cpu_seconds_of_this_process']['median']:.2f} s"
            )
        else:
            print(
                f"{row['case']}: peak {row['peak_bytes'] / 2**20:.0f} MiB; {row.get('log', row.get('not_run'))}"
            )
    if args.json:
        settings = {
            name: value for name, value in vars(args).items() if name not in ("json", "videos", "under_limit")
        }
        settings |= {"size": list(experiment.input.size), "clip_frames": experiment.clip.num_frames}
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
