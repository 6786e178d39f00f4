"""Files of presence recordings: videos as a phone stores them, and one `dataset.json` with their ranges.

    OUT/synthetic_presence.json          the config
    OUT/dataset.json                     version 2: ranges, groups and splits
    OUT/recordings/00_plain.mp4  01_rotated.mp4 ...

A recording that has its name is complete.
"""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from bvas.data.dataset_json import DATASET_NAME, FORMAT_2
from bvas.synthetic.presence import LABEL, PresenceConfig, film
from bvas.synthetic.tone import SAMPLE_RATE, tone_of
from bvas.synthetic.writing_jobs import check_jobs, open_root, run_writers
from bvas.system.atomic_files import write_json
from bvas.system.jobs.job import Job, MakeExecutor, Worker
from bvas.values.arrays import Ints
from bvas.video.encode.video_writer import VideoWriter

CONFIG_NAME = "synthetic_presence.json"
_FOLDER = "recordings"
_CODING_QUALITY = 20


def make_recordings(
    out: Path | str,
    config: PresenceConfig,
    *,
    progress: Callable[[int, int], None] | None = None,
    jobs: int | None = None,
    make_executor: MakeExecutor | None = None,
) -> Path:
    """Make the recordings that do not exist yet, and return the `dataset.json` of all.

    Args:
        out: The data root; made where it is missing.
        config: The recordings.
        progress: Called in this process with the number of finished recordings, and of all.
        jobs: Processes at a time; None is one for each CPU. Any number gives the same bytes.
        make_executor: Makes an executor of other machines, in place of processes; `out` must be absolute.

    Raises:
        ConfigError: `jobs` is below 1.
        DataError: `out` holds other data, or cannot be written, or the disk is full.
        WorkerError: a process died.

    After an exception, Ctrl-C included, complete recordings remain, and the next call resumes.
    """
    check_jobs(jobs)
    root = Path(out)
    open_root(root, config, config_name=CONFIG_NAME, folder=_FOLDER)
    paths = [root / _FOLDER / _name(config, number) for number in range(config.recordings)]
    tasks = [
        Job(path.name, write_recording, (config, number, path))
        for number, path in enumerate(paths)
        if not path.exists()
    ]
    done = len(paths) - len(tasks)

    def count(job: Job) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, len(paths))

    run_writers(tasks, jobs, make_executor, on_end=count)
    write_json(root / DATASET_NAME, _dataset(config))
    return root / DATASET_NAME


def write_recording(config: PresenceConfig, number: int, path: Path, worker: Worker) -> None:
    """Write the video of recording `number`.

    Raises:
        DataError: the disk is full or the folder not writable; nothing of the video remains.
    """
    recording = film(config, number)
    rotation = recording.rotation
    renderer = recording.renderer()
    height, width = config.size
    with _PhoneFile(
        path,
        size=(width, height) if rotation in (90, 270) else config.size,
        rate=config.rate,
        codec=config.codec,
        keyframe_interval=config.keyframe_interval,
        crf=_CODING_QUALITY,
        sound_rate=SAMPLE_RATE if config.sound else None,
    ) as writer:
        writer.set_tags(rotation, recording.ticks, recording.time_base)
        pictures = renderer.color_frames() if config.color else ((luma,) for luma in renderer.frames())
        seconds = recording.ticks * float(recording.time_base)
        second = 0
        for planes, moment in zip(pictures, seconds, strict=False):
            writer.write(*(np.rot90(plane, -rotation // 90) for plane in planes))
            if config.sound and moment >= second:
                writer.write_sound(tone_of(second)[: round((seconds[-1] - second) * SAMPLE_RATE)])
                second += 1
    worker.progress(renderer.num_frames, renderer.num_frames)


class _PhoneFile(VideoWriter):
    """A video file whose pictures have times and a rotation tag."""

    def set_tags(self, rotation: int, ticks: Ints, time_base: Fraction) -> None:
        """Set the tag that turns the pictures, in degrees counterclockwise, and the times of the pictures, [L + 1]."""
        self._ticks = ticks.tolist()
        context = self._stream.codec_context
        context.time_base = time_base
        # MP4 keeps the distances of decoding times for durations: in another order the last one would be wrong.
        context.max_b_frames = 0
        if rotation:
            self._stream.set_display_rotation(rotation)

    def encode(self, picture: Any) -> None:
        start, end = self._ticks[self.num_frames : self.num_frames + 2]
        picture.pts, picture.duration = start, end - start
        super().encode(picture)


def _name(config: PresenceConfig, number: int) -> str:
    return f"{number:02d}_{config.variant(number)}.mp4"


def _dataset(config: PresenceConfig) -> dict[str, object]:
    matches = []
    for number in range(config.recordings):
        name = Path(_name(config, number)).stem
        ranges = [
            {"label": LABEL, "from_frame": start, "to_frame": stop}
            for start, stop in film(config, number).stretches
        ]
        matches.append(
            {
                "name": name,
                "group": name,
                "split": config.split(number),
                "videos": [f"{_FOLDER}/{name}.mp4"],
                "annotations": ranges,
            }
        )
    return {"format": FORMAT_2, "labels": [LABEL], "matches": matches}
