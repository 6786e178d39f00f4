"""Does every clip arrive once and in order while workers are killed and stopped at random moments?

    python scripts/soak_loader.py --kills 1000 --hangs 100 --json benchmarks/results/soak--NAME.json

A loader reads epochs of small synthetic videos without a pause, and each epoch must equal, batch by batch, what a
loader without disturbance gave. Meanwhile a thread kills (SIGKILL) or stops (SIGSTOP) a random worker at
random moments: idle, busy or starting. In the end no worker may be left, no file in /dev/shm,
and this process may not have grown. Exit code 1 if anything of it does not hold.
"""

import argparse
import contextlib
import hashlib
import logging
import os
import random
import resource
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from bvas.experiment.loading_config import LoadingConfig
from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading import job_queue as dispatch
from bvas.loading.clip_requests import TrainingClips
from bvas.loading.labelled_video import label_video
from bvas.loading.loader import ClipLoader
from bvas.system.atomic_files import write_json
from bvas.values.annotations import LabelSet
from bvas.values.clip_config import ClipConfig
from bvas.video.encode.video_writer import VideoWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from harness import machine_facts

SIZE = (64, 96)
EPOCHS = 3
"""Different epochs that are read in turn."""


class Disturber:
    """Sends signals to random workers, at random moments, and notes how long the replacement took."""

    def __init__(
        self, loader: ClipLoader, *, kills: int, hangs: int, every_seconds: float, seed: int
    ) -> None:
        self.sent = {"kills": 0, "hangs": 0}
        self.seconds_to_work: list[float] = []
        """From a kill to the first clip that the worker in its place has read."""
        self._loader = loader
        self._random = random.Random(seed)
        self._names = ["kills"] * kills + ["hangs"] * hangs
        self._random.shuffle(self._names)
        self._every_seconds = every_seconds
        self._killed: dict[str, tuple[float, int, int]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether all signals are sent."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Stop early."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for name in self._names:
            until = time.monotonic() + self._random.uniform(0.0, 2.0) * self._every_seconds
            while time.monotonic() < until:
                if self._stop.wait(0.02):
                    return
                self._look()
            while not (workers := sorted(self._loader.process_ids.items())):
                time.sleep(0.01)
            worker, process_id = self._random.choice(workers)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL if name == "kills" else signal.SIGSTOP)
                self.sent[name] += 1
                clips = self._loader.stats.workers[worker].clips
                self._killed.pop(worker, None)
                if name == "kills":
                    self._killed[worker] = (time.monotonic(), process_id, clips)

    def _look(self) -> None:
        """Note which replacements are at work; what is hit again meanwhile is not counted."""
        now, pids = time.monotonic(), self._loader.process_ids
        for worker, (since, process_id, clips) in list(self._killed.items()):
            if pids.get(worker, process_id) == process_id:
                # Until it is replaced, what it had answered before may still come in.
                self._killed[worker] = (since, process_id, self._loader.stats.workers[worker].clips)
            elif self._loader.stats.workers[worker].clips > clips:
                self.seconds_to_work.append(now - since)
                del self._killed[worker]


def make_videos(folder: Path, num_videos: int) -> list[Path]:
    """Write noise of 300 frames each, in keyframe intervals of 50."""
    paths = []
    for number in range(num_videos):
        pixels = np.random.default_rng(number)
        path = folder / f"{number}.mp4"
        with VideoWriter(path, size=SIZE, rate=Fraction(25), keyframe_interval=50) as writer:
            for _ in range(300):
                writer.write(pixels.integers(0, 256, SIZE, dtype=np.uint8))
        paths.append(path)
    return paths


def hashes(loader: ClipLoader, epoch: int) -> Iterator[str]:
    """Yield what tells each batch from all others: its samples, in order, and all their bytes."""
    for batch in loader.epoch(epoch):
        digest = hashlib.sha256(repr((batch.seeds.tolist(), batch.centers.tolist())).encode())
        digest.update(batch.frames.numpy().tobytes())
        yield digest.hexdigest()


def runs(process_id: int) -> bool:
    """Whether a process is there, one that has ended and was not collected included."""
    return Path(f"/proc/{process_id}").exists()


def shared_files() -> set[str]:
    """Return the files of shared memory."""
    folder = Path("/dev/shm")
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def memory_mb() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> int:
    """Run the soak and show the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--hangs", type=int, default=100)
    parser.add_argument("--every-seconds", type=float, default=0.6, help="mean time between two of them")
    parser.add_argument("--timeout-seconds", type=float, default=2.0, help="of the loader")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clips", type=int, default=600, help="clips an epoch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    # Each replacement is a warning.
    logging.getLogger("bvas.loading").setLevel(logging.ERROR)

    # Here it is never the fault of the clips that a worker was reading when it was hit.
    dispatch.MAX_STRIKES = args.kills + args.hangs + 1
    before = shared_files()
    with tempfile.TemporaryDirectory() as folder:
        paths = make_videos(Path(folder), 4)
        videos = [label_video(path, [], LabelSet(("PASS",)), 25) for path in paths]
        clips = TrainingClips(videos, ClipConfig(), sampling=SamplingConfig(clips_per_epoch=args.clips))
        with ClipLoader(clips, 4, size=SIZE, workers={}, seed=args.seed) as quiet:
            expected = [list(hashes(quiet, epoch)) for epoch in range(EPOCHS)]

        seen: set[int] = set()
        wrong = []
        memory: list[float] = []
        started = time.monotonic()
        with ClipLoader(
            clips,
            4,
            size=SIZE,
            workers={"pyav": args.workers},
            seed=args.seed,
            loading=LoadingConfig(timeout_seconds=args.timeout_seconds),
        ) as loader:
            disturber = Disturber(
                loader, kills=args.kills, hangs=args.hangs, every_seconds=args.every_seconds, seed=args.seed
            )
            num_epochs = num_batches = 0
            try:
                while not disturber.is_done:
                    got = []
                    for digest in hashes(loader, num_epochs % EPOCHS):
                        got.append(digest)
                        seen.update(loader.process_ids.values())
                    if got != expected[num_epochs % EPOCHS]:
                        wrong.append(num_epochs)
                    num_epochs += 1
                    num_batches += len(got)
                    memory.append(memory_mb())
            finally:
                disturber.close()
            stats = loader.stats
        seconds = time.monotonic() - started
        left = [process_id for process_id in seen if runs(process_id)]

    # The first epochs fill caches of their own.
    settled = memory[min(5, len(memory) - 1) :]
    figures = {
        "kills": disturber.sent["kills"],
        "hangs": disturber.sent["hangs"],
        "restarts": stats.restarts,
        "epochs": num_epochs,
        "batches": num_batches,
        "clips": stats.clips,
        "epochs_with_a_difference": len(wrong),
        "processes_seen": len(seen),
        "processes_left": len(left),
        "shared_memory_files_left": sorted(shared_files() - before),
        "memory_mb_early": round(settled[0], 1),
        "memory_mb_late": round(settled[-1], 1),
        "seconds": round(seconds, 1),
        "replacement_seconds_median": round(statistics.median(disturber.seconds_to_work or [0.0]), 2),
        "replacement_seconds_longest": round(max(disturber.seconds_to_work, default=0.0), 2),
        "replacements_timed": len(disturber.seconds_to_work),
    }
    for name, value in figures.items():
        print(f"{name:28} {value}")
    if args.json:
        settings = {name: value for name, value in vars(args).items() if name != "json"}
        content = {
            "question": (__doc__ or "").splitlines()[0],
            "date": time.strftime("%Y-%m-%d"),
            "machine": machine_facts(),
            "settings": settings,
            "figures": figures,
        }
        write_json(args.json, content)
    grown = settled[-1] - settled[0]
    sound = not wrong and not left and not figures["shared_memory_files_left"] and grown < 100.0
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
