"""How long is a training epoch with its validation, with our loader, and with the seed's design?

    python benchmarks/bench_epoch.py --device cuda --json benchmarks/results/epoch--NAME.json
    python benchmarks/bench_epoch.py --tiny                 # a minute on a CPU: does everything run?

The seed's epoch is 6000 random clips of 12 halves and 2600 validation clips of a held-out match, 15 frames of
1280x736 each. `--fraction 10` is a tenth of it: halves a tenth as long, and a tenth of the clips, so that as many
fall into a keyframe interval. A round is one epoch of each case: training steps in mixed precision with the real
augmentation, optimizer and averaged weights, then validation. Cases:
  loader           ClipLoader, planned, for training and for validation
  seed's design    seed_design.py, for both; on a GPU with the seed's 3 nvdec and 1 OpenCV workers
  model alone      the same steps on one batch that stays where it is: the floor
Weights start random: what is learnt does not matter here. The first round compiles and warms up.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import torch
from harness import interleave, rows, show, write_as_measured, write_results
from our_loader import mix_named, name_of
from seed_design import SeedDesign
from short_epoch import (
    LABELS,
    REAL_CLIPS,
    REAL_FRAMES,
    REAL_HALVES,
    REAL_VALIDATION_CLIPS,
    make_halves,
)
from torch.nn import functional

from bvas.experiment.experiment import Experiment, load_experiment
from bvas.loading.clip_batch import ClipBatch
from bvas.loading.clip_requests import Clips
from bvas.loading.loader import ClipLoader
from bvas.models.spotting import build_model
from bvas.system.cpu_cores import num_cpus
from bvas.system.devices import choose_device
from bvas.tasks.kind_choice import kind_of
from bvas.training.step import Trainer
from bvas.training.validation import validate

HELD_OUT_HALVES = 2


class Batches(Protocol):
    """What gives the batches of an epoch."""

    def epoch(self, epoch: int) -> Iterator[ClipBatch]:
        """Yield them."""
        ...


class SeedBatches:
    """The seed's design, as batches of the experiment's size on the device."""

    def __init__(self, design: SeedDesign, size: tuple[int, int], device: torch.device) -> None:
        self._design = design
        self._size = size
        self._device = device

    def epoch(self, epoch: int) -> Iterator[ClipBatch]:
        """Yield the batches of an epoch, padded on the device."""
        clips = self._design.all_clips
        requests = clips.requests(epoch)
        for samples, frames in self._design.clips(epoch):
            on_device = frames.to(self._device)
            rows, columns = (
                wanted - given for wanted, given in zip(self._size, frames.shape[2:], strict=True)
            )
            pad = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
            found = [requests[sample] for sample in samples]
            yield ClipBatch(
                frames=functional.pad(on_device, pad),
                targets=torch.stack([torch.from_numpy(request.targets) for request in found]).to(
                    self._device
                ),
                video_ids=torch.tensor([request.video_id for request in found]),
                centers=torch.tensor([request.center for request in found]),
                forms=("full",) * len(found),
                seeds=torch.tensor([request.seed for request in found]),
            )


class SameBatch:
    """One batch again and again, without any loading."""

    def __init__(self, clips: Clips, batch: ClipBatch) -> None:
        self._num_batches = -(-clips.num_clips // len(batch))
        self._batch = batch

    def epoch(self, epoch: int) -> Iterator[ClipBatch]:
        """Yield as many as an epoch has."""
        for _ in range(self._num_batches):
            yield self._batch


def epochs_of(
    trainer: Trainer, training: Batches, held_out: Batches, device: torch.device
) -> Callable[[], None]:
    """Return what trains and validates one epoch after the other."""
    numbers = count()

    def run() -> None:
        for batch in training.epoch(next(numbers)):
            trainer.step(batch)
        validate(
            trainer.averaged.module,
            held_out,  # type: ignore[arg-type]
            trainer.experiment,
            autocast_dtype=trainer.autocast_dtype,
        )
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return run


def shortened(experiment: Experiment, fraction: int) -> Experiment:
    """Return an experiment with a fraction of the real epoch's clips, and whole batches."""
    batch_size = experiment.train.batch_size
    num_clips = max(REAL_CLIPS // fraction // batch_size, 1) * batch_size
    return replace(
        experiment,
        model=replace(experiment.model, pretrained=False),
        sampling=replace(experiment.sampling, clips_per_epoch=num_clips),
        train=replace(experiment.train, validation_clips=REAL_VALIDATION_CLIPS // fraction),
    )


def main() -> None:
    """Run the cases and show the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--experiment", default="ball_base")
    parser.add_argument("--fraction", type=int, default=10, help="the epoch is divided by it")
    parser.add_argument("--tiny", action="store_true", help="the demo's model on small videos")
    parser.add_argument("--workers", type=mix_named, help="of our loader, e.g. nvdec=3,pyav=8")
    parser.add_argument("--seed-workers", type=mix_named, help="of the seed's design, e.g. nvdec=3,opencv=1")
    parser.add_argument("--codec", choices=["h264", "hevc"], default="h264")
    parser.add_argument("--keyframe-interval", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--videos", type=Path, help="folder that keeps the videos; by default they are made anew"
    )
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    write_as_measured(args.json, __doc__ or "")

    device = choose_device(args.device)
    on_gpu = device.type == "cuda"
    fraction = 90 if args.tiny else args.fraction
    experiment = shortened(load_experiment("demo" if args.tiny else args.experiment), fraction)
    input_size = experiment.input.size
    picture = input_size if args.tiny else (720, 1280)
    workers: Any = args.workers or ("auto" if on_gpu else {"pyav": num_cpus()})
    seed_workers = args.seed_workers or ({"nvdec": 3, "opencv": 1} if on_gpu else {"opencv": num_cpus()})
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        videos = make_halves(
            args.videos or Path(temporary),
            num_halves=REAL_HALVES + HELD_OUT_HALVES,
            num_frames=REAL_FRAMES // fraction,
            size=picture,
            keyframe_interval=args.keyframe_interval,
            codec=args.codec,
        )
        batch_size = experiment.train.batch_size
        train_clips = kind_of(experiment).training_clips(videos[:REAL_HALVES])
        held_out = kind_of(experiment).validation_clips(videos[REAL_HALVES:])
        assert held_out is not None

        def ours(clips: Clips) -> ClipLoader:
            return stack.enter_context(
                ClipLoader(clips, batch_size, size=input_size, workers=workers, device=device)
            )

        def seeds(clips: Clips) -> SeedBatches:
            design = SeedDesign(clips, batch_size, workers=seed_workers, device=str(device))
            return SeedBatches(stack.enter_context(design), input_size, device)

        loader, held_out_loader = ours(train_clips), ours(held_out)
        same = next(iter(loader.epoch(0)))
        ways: dict[str, tuple[Batches, Batches]] = {
            "loader": (loader, held_out_loader),
            "seed's design": (seeds(train_clips), seeds(held_out)),
            "model alone": (SameBatch(train_clips, same), SameBatch(held_out, same)),
        }
        cases = {}
        for name, (training, validation) in ways.items():
            torch.manual_seed(0)
            model = build_model(experiment.model, experiment.clip, len(LABELS)).to(device)
            trainer = Trainer(experiment, model, device, loader.num_batches)
            cases[name] = epochs_of(trainer, training, validation, device)
        costs = interleave(cases, num_rounds=args.rounds)
        used = dict(loader.workers)
    num_clips = train_clips.num_clips + held_out.num_clips
    table: list[dict[str, Any]] = rows(costs, base="loader", num_units=num_clips, unit="clip")
    show(table, base="loader", unit="clip")
    for row in table:
        row["epoch_seconds"] = num_clips / row["clips_per_second"]["median"]
        row["whole_epoch_seconds"] = row["epoch_seconds"] * (REAL_CLIPS + REAL_VALIDATION_CLIPS) / num_clips
        print(
            f"{row['case']:16} {row['epoch_seconds']:.1f} s for {num_clips} clips; "
            f"{row['whole_epoch_seconds']:.0f} s for 8600 at that rate"
        )
    if args.json:
        settings = {
            "experiment": "demo" if args.tiny else args.experiment,
            "fraction": fraction,
            "training_clips": train_clips.num_clips,
            "validation_clips": held_out.num_clips,
            "halves": REAL_HALVES + HELD_OUT_HALVES,
            "frames_in_a_half": REAL_FRAMES // fraction,
            "codec": args.codec,
            "keyframe_interval": args.keyframe_interval,
            "picture": picture,
            "size": input_size,
            "batch_size": batch_size,
            "workers": name_of(used),
            "workers_of_the_seeds_design": name_of(seed_workers),
            "device": str(device),
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
