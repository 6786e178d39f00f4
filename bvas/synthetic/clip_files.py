"""Files of action clips, in SpaceJam's layout, and one `dataset.json` with their groups.

    OUT/synthetic_clips.json             the config
    OUT/dataset.json                     version 2: samples, groups, shares of the splits
    OUT/annotation_dict.json             class number of each ID
    OUT/labels_dict.json                 name of each class number
    OUT/examples/0000000.mp4             a clip
    OUT/examples/0000000.npy             its joints, float32 [F, 13, 2]
    ...

A clip that has its name is complete, and so are its joints.
"""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.data.dataset_json import DATASET_NAME, FORMAT_2
from bvas.synthetic.clip_config import LABELS, ClipSetConfig
from bvas.synthetic.clips import ClipMatch, film_clips
from bvas.synthetic.render import Renderer
from bvas.synthetic.writing_jobs import check_jobs, open_root, run_writers
from bvas.system.atomic_files import write_bytes, write_json
from bvas.system.jobs.job import Job, MakeExecutor, Worker
from bvas.video.encode.video_writer import VideoWriter

CONFIG_NAME = "synthetic_clips.json"
EXAMPLES = "examples"
_ANNOTATIONS_NAME, _LABELS_NAME = "annotation_dict.json", "labels_dict.json"
_SHARES = {"train": 0.7, "valid": 0.2, "test": 0.1}
_CODING_QUALITY = 23


def make_clips(
    out: Path | str,
    config: ClipSetConfig,
    *,
    progress: Callable[[int, int], None] | None = None,
    jobs: int | None = None,
    make_executor: MakeExecutor | None = None,
) -> Path:
    """Make the clips that do not exist yet, and return the `dataset.json` of all.

    Args:
        out: The data root; made where it is missing.
        config: The clips.
        progress: Called in this process with the number of finished clips, and of all.
        jobs: Processes at a time; None is one for each CPU. Any number gives the same bytes.
        make_executor: Makes an executor of other machines, in place of processes; `out` must be absolute.

    Raises:
        ConfigError: `jobs` is below 1.
        DataError: `out` holds other data, or cannot be written, or the disk is full.
        WorkerError: a process died.

    After an exception, Ctrl-C included, complete clips remain, and the next call resumes.
    """
    check_jobs(jobs)
    root = Path(out)
    open_root(root, config, config_name=CONFIG_NAME, folder=EXAMPLES)
    missing = {
        match: [number for number in config.clips_of(match) if not _clip_path(root, number).exists()]
        for match in range(config.matches)
    }
    tasks = [
        Job(match_name(match), write_clips, (config, match, numbers, root))
        for match, numbers in missing.items()
        if numbers
    ]
    num_written = dict.fromkeys((job.name for job in tasks), 0)
    num_there = config.clips - sum(map(len, missing.values()))

    def watch(job: Job, done: int, total: int, note: str) -> None:
        num_written[job.name] = done
        if progress is not None:
            progress(num_there + sum(num_written.values()), config.clips)

    run_writers(tasks, jobs, make_executor, watch=watch)
    labels = config.labels()
    numbers = {_id(number): LABELS.index(label) for number, label in enumerate(labels)}
    write_json(root / _ANNOTATIONS_NAME, numbers)
    write_json(root / _LABELS_NAME, {str(number): label for number, label in enumerate(LABELS)})
    write_json(root / DATASET_NAME, _dataset(config))
    return root / DATASET_NAME


def write_clips(config: ClipSetConfig, match: int, numbers: list[int], root: Path, worker: Worker) -> None:
    """Write clips of a match, and their joints.

    Args:
        config: The clips.
        match: From 0.
        numbers: Clips of this match.
        root: The data root.
        worker: Takes the number of clips written so far.

    Raises:
        DataError: the disk is full or the folder not writable; nothing of the clip remains.
    """
    filmed = film_clips(config, match)
    renderer, first = filmed.renderer(), config.clips_of(match).start
    for done, number in enumerate(numbers, start=1):
        path = _clip_path(root, number)
        write_bytes(path.with_suffix(".npy"), _npy(filmed.joints(number - first)))
        _write_video(config, filmed, renderer, number - first, path)
        worker.progress(done, len(numbers))


def _write_video(config: ClipSetConfig, filmed: ClipMatch, renderer: Renderer, clip: int, path: Path) -> None:
    frames = filmed.frames(clip)
    ends = frames.start, frames.stop
    pictures = renderer.color_frames(*ends) if config.color else ((luma,) for luma in renderer.frames(*ends))
    with VideoWriter(
        path,
        size=config.size,
        rate=config.rate,
        codec=config.codec,
        keyframe_interval=config.keyframe_interval,
        crf=_CODING_QUALITY,
    ) as writer:
        for planes in pictures:
            writer.write(*planes)


def _npy(values: NDArray[np.float32]) -> bytes:
    file = BytesIO()
    np.save(file, values)
    return file.getvalue()


def match_name(match: int) -> str:
    """Return the group of the clips of a match, from 0."""
    return f"match_{match:02d}"


def _id(number: int) -> str:
    return f"{number:07d}"


def _clip_path(root: Path, number: int) -> Path:
    return root / EXAMPLES / f"{_id(number)}.mp4"


def _dataset(config: ClipSetConfig) -> dict[str, object]:
    labels = config.labels()
    samples = [
        {
            "video": f"{EXAMPLES}/{_id(number)}.mp4",
            "label": labels[number],
            "name": _id(number),
            "group": match_name(match),
        }
        for match in range(config.matches)
        for number in config.clips_of(match)
    ]
    return {
        "format": FORMAT_2,
        "labels": list(LABELS),
        "samples": samples,
        "splits": _SHARES,
        "seed": config.seed,
    }
