"""How long is an epoch of clips from the original files, and from a data root of prepared copies?

    python benchmarks/bench_prepared_clips.py --json benchmarks/results/prepared_clips--NAME.json
    python benchmarks/bench_prepared_clips.py --tiny                 # seconds: does everything run?

The originals are files as of Kinetics: 10 s at 25 frames a second, 256 high, a keyframe every 250 frames, a class each.
`bvas video prepare ROOT --size HxW` makes a second data root of them, whose cost is measured too. A round is one epoch
of each case: one random clip of 16 frames, every second one, of each file, as RGB planes, by our loader. Both cases
deliver frames of one size, scaled from the file's size by the workers. Indexes of the files are cached before.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from itertools import count
from multiprocessing import get_context
from pathlib import Path

from harness import interleave, measure, rows, show, write_as_measured, write_results
from videos import kept_video

from bvas.cli import main as bvas
from bvas.data.dataset_json import FORMAT_2
from bvas.data.matches import find_matches, match_halves
from bvas.data.spotting_task import dataset_task
from bvas.experiment.class_config import ClassConfig
from bvas.loading.class_clips import ClassTrainingClips
from bvas.loading.labelled_video import LabelledVideo, label_video
from bvas.loading.loader import ClipLoader
from bvas.system.atomic_files import write_json
from bvas.system.cpu_cores import num_cpus
from bvas.values.annotations import Interval
from bvas.values.clip_config import ClipConfig
from bvas.values.input_format import InputFormat
from bvas.video.index.video_index import build_index

LABELS = ("A", "B")
RATE = 25
KEYFRAME_INTERVAL = 250
ORIGINAL, PREPARED = "originals", "prepared copies"


def make_root(folder: Path, *, num_clips: int, num_frames: int, size: tuple[int, int]) -> Path:
    """Write a data root of clips with a class each; files that the folder holds are not made again."""
    with ProcessPoolExecutor(num_cpus(), mp_context=get_context("spawn")) as pool:
        made = [
            pool.submit(
                kept_video,
                folder / "videos",
                size=size,
                num_frames=num_frames,
                keyframe_interval=KEYFRAME_INTERVAL,
                seed=number,
            )
            for number in range(num_clips)
        ]
        paths = [one.result() for one in made]
    samples = [
        {"video": path.relative_to(folder).as_posix(), "label": LABELS[number % len(LABELS)]}
        for number, path in enumerate(paths)
    ]
    write_json(folder / "dataset.json", {"format": FORMAT_2, "labels": list(LABELS), "samples": samples})
    return folder


def labelled_clips(root: Path, form: InputFormat) -> list[LabelledVideo]:
    """Return the clips of a data root, indexed."""
    task = dataset_task(LABELS)
    found = []
    for match in find_matches(task, root):
        (half,) = match_halves(match, task.resolution)
        label = match.listed.annotations.items[0].label  # type: ignore[union-attr]
        whole = Interval(label, 0.0, build_index(half.path)[0].duration_seconds)
        found.append(label_video(half.path, (), task.labels, RATE, ranges=[whole], form=form))
    return found


def epochs_of(loader: ClipLoader) -> Callable[[], None]:
    """Return what loads one epoch after the other."""
    numbers = count()

    def run() -> None:
        for _ in loader.epoch(next(numbers)):
            pass

    return run


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--frames", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=num_cpus())
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--videos", type=Path, help="folder that keeps the originals")
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args()
    if args.tiny:
        args.clips, args.frames, args.rounds, args.workers = 4, 30, 2, 0
    write_as_measured(args.json, __doc__ or "")
    original_size, prepared_size, size = (256, 340), (128, 170), (112, 112)
    form = InputFormat(size=size, channels="rgb", fit="crop", resize=prepared_size)
    clip = ClipConfig(num_frames=16, frame_step=2, stack_size=1)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        os.environ.setdefault("BVAS_HOME", f"{folder}/home")
        root = make_root(
            args.videos or Path(folder) / "originals",
            num_clips=args.clips,
            num_frames=args.frames,
            size=original_size,
        )
        out = Path(folder) / "prepared"
        text = "x".join(map(str, prepared_size))
        command = ["video", "prepare", str(root), "--out", str(out), "--size", text, "--quiet"]
        cost, code = measure(lambda: bvas(command))
        if code:
            raise SystemExit(f"{' '.join(command)} ended with {code}")
        cases = {}
        for name, place in ((ORIGINAL, root), (PREPARED, out)):
            clips = ClassTrainingClips(labelled_clips(place, form), clip, ClassConfig(balance=False), LABELS)
            loader = ClipLoader(clips, 8, size=form, workers={"pyav": args.workers} if args.workers else {})
            cases[name] = epochs_of(stack.enter_context(loader))
        costs = interleave(cases, num_rounds=args.rounds)
        num_bytes = {
            name: sum(path.stat().st_size for path in place.rglob("*.mp4"))
            for name, place in ((ORIGINAL, root), (PREPARED, out))
        }
    table = rows(costs, base=ORIGINAL, num_units=args.clips, unit="clip")
    for row in table:
        row["bytes_per_clip"] = num_bytes[row["case"]] / args.clips
    show(table, base=ORIGINAL, unit="clip")
    per_clip = cost.wall_seconds / args.clips
    print(
        f"preparing: {per_clip:.3f} s a clip; bytes a clip: {[round(row['bytes_per_clip']) for row in table]}"
    )
    if args.json:
        write_results(
            args.json,
            question=(__doc__ or "").splitlines()[0],
            settings={
                "clips": args.clips,
                "frames": args.frames,
                "rate": RATE,
                "original_size": original_size,
                "prepared_size": prepared_size,
                "size": size,
                "keyframe_interval": KEYFRAME_INTERVAL,
                "workers": args.workers,
                "preparing_wall_seconds_per_clip": per_clip,
                "preparing_cpu_seconds_per_clip": cost.cpu_seconds / args.clips,
            },
            table=table,
        )


if __name__ == "__main__":
    main()
