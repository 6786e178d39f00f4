"""League of synthetic matches: folders, videos and label files in SoccerNet's form.

    OUT/synthetic_league.json                       its config
    OUT/spotting-ball-2023/england_efl/2019-2020/
        2019-10-01 - Synthetic Albion - Synthetic Borough/
            1_224p.mkv  2_224p.mkv  Labels-ball.json  (challenge matches have no label file)

`league_files.py` has the folders of the other tasks; one data root takes a league of each. A match is built
in `OUT/.synthetic_league.part`, outside the folders of matches, and moved to its place when it is complete.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from bvas.errors import ConfigError, DataError
from bvas.synthetic.clip_config import ClipSetConfig
from bvas.synthetic.config import SyntheticConfig
from bvas.synthetic.half_video import write_half
from bvas.synthetic.league_files import Layout, label_file, layout_of
from bvas.synthetic.play_record import PlayEvent
from bvas.synthetic.presence import PresenceConfig
from bvas.system.atomic_files import write_json
from bvas.system.cpu_cores import free_cores
from bvas.system.jobs.in_process import InProcessExecutor
from bvas.system.jobs.job import Ended, Executor, Job, MakeExecutor
from bvas.system.jobs.processes import ProcessExecutor
from bvas.system.jobs.runner import TRIES, run_jobs
from bvas.system.text_files import read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class League:
    """Folders of a league."""

    root: Path
    """The data root, OUT."""
    matches: tuple[Path, ...]
    """Folders of the labeled matches, in match order."""
    challenge_matches: tuple[Path, ...]
    """Folders of the matches without labels, in match order."""


def make_league(
    out: Path | str,
    config: SyntheticConfig,
    *,
    progress: Callable[[int], None] | None = None,
    jobs: int | None = None,
    make_executor: MakeExecutor | None = None,
) -> League:
    """Make the matches that do not exist yet, and return the folders of all.

    Args:
        out: The data root; made where it is missing.
        config: The league.
        progress: Called in this process with the number of finished frames, of `config.num_frames`.
        jobs: Processes at a time; None is one for each CPU. Any number gives the same bytes.
        make_executor: Makes an executor of other machines, in place of processes; `out` must be absolute.

    Raises:
        ConfigError: `jobs` is below 1.
        DataError: `out` holds a league of another config, or cannot be written, or the disk is full.
        WorkerError: a process died.

    After an exception, Ctrl-C included, complete matches remain, unfinished ones are removed, and no process
    remains. The next call resumes.
    """
    if jobs is not None and jobs < 1:
        raise ConfigError(f"jobs must be at least 1, got {jobs}")
    root, layout = Path(out), layout_of(config.task)
    folder = root / layout.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_used = any(not entry.name.startswith(".") for entry in folder.iterdir())
        check_config(root / layout.config_name, config, is_used=is_used)
    except OSError as error:
        raise DataError(f"cannot write {root}: {error.strerror}; choose a folder that is writable") from error
    found = {number: layout.find_match(root, number) for number in range(config.num_matches)}
    places = {number: place for number, place in found.items() if place is not None}
    missing = [number for number in found if number not in places]
    done = 0

    def count(frames: int) -> None:
        nonlocal done
        done += frames
        if progress is not None and frames:
            progress(done)

    count(2 * config.frames_per_half * len(places))
    workers = max(1, min(free_cores() if jobs is None else jobs, 2 * len(missing)))
    places |= _make_matches(root, config, missing, count, workers, make_executor)
    folders = tuple(places[number] for number in range(config.num_matches))
    return League(root=root, matches=folders[: config.matches], challenge_matches=folders[config.matches :])


def _make_matches(
    root: Path,
    config: SyntheticConfig,
    numbers: list[int],
    count: Callable[[int], None],
    workers: int,
    make_executor: MakeExecutor | None,
) -> dict[int, Path]:
    layout = layout_of(config.task)
    folder, workshop = root / layout.folder, root / f".{Path(layout.config_name).stem}.part"
    building = {number: workshop / str(number) for number in numbers}
    made: dict[int, Path] = {}
    jobs = [
        Job(
            f"match {number} half {half}",
            write_half,
            (config, number, half, place / f"{half}_{config.size[0]}p.mkv"),
        )
        for number, place in building.items()
        for half in (1, 2)
    ]
    num_written = {job.name: 0 for job in jobs}
    events: dict[tuple[int, int], tuple[PlayEvent, ...]] = {}

    def watch(job: Job, done: int, total: int, note: str) -> None:
        count(done - num_written[job.name])
        num_written[job.name] = done

    def settle(ended: Ended) -> None:
        _, number, half, path = ended.job.arguments
        if ended.error is not None:
            ended.error.add_note(f"while writing {path.name}")
            raise ended.error
        events[number, half] = ended.value
        if all((number, half) in events for half in (1, 2)):
            halves = [events[number, half] for half in (1, 2)]
            made[number] = folder / layout.match_name(number, _score(halves))
            if number < config.matches:
                _write_labels(building[number], made[number].name, layout, config, halves)
            building[number].replace(made[number])

    try:
        shutil.rmtree(workshop, ignore_errors=True)  # left by a run that was killed
        for place in building.values():
            place.mkdir(parents=True)
        if jobs:
            executor: Executor = (
                make_executor()
                if make_executor is not None
                else InProcessExecutor()
                if workers == 1
                else ProcessExecutor([""] * workers, remedy="use fewer --jobs")
            )
            tries = 1 if make_executor is None else TRIES
            run_jobs(jobs, executor, on_end=settle, watch=watch, tries=tries)
        return made
    except OSError as error:
        raise DataError(
            f"cannot write {folder}: {error.strerror}; make room there, or choose a folder on another disk"
        ) from error
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _score(halves: list[tuple[PlayEvent, ...]]) -> tuple[int, int]:
    goals = [event.team for events in halves for event in events if event.label in ("GOAL", "Goal")]
    return goals.count("home"), goals.count("away")


def _write_labels(
    place: Path, name: str, layout: Layout, config: SyntheticConfig, halves: list[tuple[PlayEvent, ...]]
) -> None:
    url = str(PurePosixPath(*layout.folder.parts[1:]) / name)
    if config.broadcast and config.task != "action":
        # Label files of ball spotting have visible events only; those of Action Spotting have "not shown" ones.
        halves = [tuple(event for event in events if event.visible) for events in halves]
    content = label_file(url, halves, labels=layout.labels, rate=config.rate)
    write_json(place / layout.label_file, content)


def check_config(
    path: Path, config: SyntheticConfig | PresenceConfig | ClipSetConfig, *, is_used: bool
) -> None:
    """Write the config beside what is made by it, or compare it with the one that is there.

    Args:
        path: Its file in the data root.
        config: The config.
        is_used: Whether there is data already, so that a config must be there.

    Raises:
        DataError: the data there has another config, or none.
    """
    ours = json.loads(json.dumps(asdict(config), default=str))
    if not path.exists():
        if is_used:
            raise DataError(
                f"{path.parent} holds data of another origin; choose another folder for synthetic data"
            )
        write_json(path, ours)
        return
    theirs = read_json(path)
    if theirs != ours:
        # A field on one side only is that of another version, whose pictures differ.
        theirs = theirs if isinstance(theirs, dict) else {}
        names = {*ours, *theirs}
        differing = sorted(name for name in names if theirs.get(name) != ours.get(name))
        raise DataError(
            f"{path.parent} holds synthetic data of another config (other: {', '.join(differing)}); "
            "choose another folder, or delete that one"
        )
