"""Make a league of synthetic matches: folders, videos and label files as SoccerNet's 2023 data has them.

    OUT/synthetic_league.json                       the config that made it
    OUT/spotting-ball-2023/england_efl/2019-2020/
        2019-10-01 - Synthetic Albion - Synthetic Borough/
            1_224p.mkv  2_224p.mkv  Labels-ball.json  (challenge matches have no label file)

A match is built in `OUT/.synthetic.part`, away from where matches are looked for, and moved to its place
when it is complete.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

from bvas.devices import num_cpus
from bvas.errors import ConfigError, DataError
from bvas.files import read_json, write_json
from bvas.synthetic.config import SyntheticConfig
from bvas.synthetic.events import PlayEvent
from bvas.synthetic.half import HalfTask
from bvas.synthetic.labels import label_file
from bvas.synthetic.workers import write_halves

LEAGUE_FOLDER = PurePosixPath("spotting-ball-2023/england_efl/2019-2020")
"""Where the matches lie under the data root."""
LABELS_NAME = "Labels-ball.json"
# With two labels, every ball that leaves the foot for a teammate is a pass; the 12 labels of 2024 tell them apart.
LABELS_2023 = {
    "PASS": "PASS",
    "HIGH PASS": "PASS",
    "CROSS": "PASS",
    "FREE KICK": "PASS",
    "DRIVE": "DRIVE",
}
"""What the label files of 2023 know."""
_CONFIG_NAME = "synthetic_league.json"
_BUILDING_NAME = ".synthetic.part"
_FIRST_DAY = date(2019, 10, 1)
_TOWNS = (
    *("Albion", "Borough", "City", "Dynamo", "Eagles", "Forest", "Gunners", "Harriers", "Invicta"),
    *("Jets", "Knights", "Lions", "Magpies", "North End", "Orient", "Park Rangers", "Quarry", "Rovers"),
    *("Stanley", "Town", "United", "Villa", "Wanderers", "Xpress", "Yellows", "Zebras"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class League:
    """What was made."""

    root: Path
    """The data root, OUT."""
    matches: tuple[Path, ...]
    """Folders of the labeled matches, in match order."""
    challenge_matches: tuple[Path, ...]
    """Folders of the matches without labels, in match order."""


def match_name(number: int) -> str:
    """Return the folder name of match `number`, from 0; names sort in the order of their numbers."""
    towns = len(_TOWNS)
    home = (2 * number) % towns
    # The second round of the calendar pairs the teams anew.
    away = (home + 1 + 2 * (2 * number // towns)) % towns
    day = _FIRST_DAY + timedelta(days=number)
    return f"{day.isoformat()} - Synthetic {_TOWNS[home]} - Synthetic {_TOWNS[away]}"


def make_league(
    out: Path | str,
    config: SyntheticConfig,
    *,
    progress: Callable[[int], None] | None = None,
    jobs: int | None = None,
) -> League:
    """Make the matches that are not there yet, and return the folders of all.

    Args:
        out: The data root; made where it is missing.
        config: What to make.
        progress: Called in this process with the number of frames done so far, of `config.num_frames`.
        jobs: Processes at a time; None is one for each CPU. Any number gives the same bytes.

    Raises:
        ConfigError: `jobs` is below 1.
        DataError: `out` holds a league of another config, or cannot be written, or the disk is full.
        WorkerError: a process died.

    After an exception, Ctrl-C included, complete matches stay, nothing half-made does, and no
    process runs any more; the next call goes on.
    """
    if jobs is not None and jobs < 1:
        raise ConfigError(f"jobs must be at least 1, got {jobs}")
    root = Path(out)
    folder = root / LEAGUE_FOLDER
    names = [match_name(number) for number in range(config.num_matches)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_config(root, folder, config)
    except OSError as error:
        raise DataError(f"cannot write {root}: {error.strerror}; choose a folder that is writable") from error
    missing = [number for number, name in enumerate(names) if not (folder / name).is_dir()]
    count = _Counter(progress)
    count(2 * config.frames_per_half * (len(names) - len(missing)))
    _make_matches(root, config, missing, count, _worker_count(jobs, 2 * len(missing)))
    folders = tuple(folder / name for name in names)
    return League(root=root, matches=folders[: config.matches], challenge_matches=folders[config.matches :])


def _make_matches(
    root: Path, config: SyntheticConfig, numbers: list[int], count: "_Counter", jobs: int
) -> None:
    folder, workshop = root / LEAGUE_FOLDER, root / _BUILDING_NAME
    building = {number: workshop / match_name(number) for number in numbers}
    tasks = [
        HalfTask(
            config=config,
            match_number=number,
            half=half,
            path=place / f"{half}_{config.video_stem}.mkv",
        )
        for number, place in building.items()
        for half in (1, 2)
    ]
    events: dict[tuple[int, int], tuple[PlayEvent, ...]] = {}

    def finished(rank: int, half_events: tuple[PlayEvent, ...]) -> None:
        number = tasks[rank].match_number
        events[number, tasks[rank].half] = half_events
        if all((number, half) in events for half in (1, 2)):
            halves = [events[number, half] for half in (1, 2)]
            _finish_match(building[number], folder / match_name(number), config, number, halves)

    try:
        shutil.rmtree(workshop, ignore_errors=True)  # left by a run that was killed
        for place in building.values():
            place.mkdir(parents=True)
        write_halves(tasks, jobs=jobs, progress=count, finished=finished)
    except OSError as error:
        raise DataError(
            f"cannot write {folder}: {error.strerror}; make room there, or choose a folder on another disk"
        ) from error
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _finish_match(
    place: Path, target: Path, config: SyntheticConfig, number: int, halves: list[tuple[PlayEvent, ...]]
) -> None:
    if number < config.matches:
        url = str(PurePosixPath(*LEAGUE_FOLDER.parts[1:]) / target.name)
        write_json(place / LABELS_NAME, label_file(url, halves, labels=LABELS_2023, rate=config.rate))
    place.replace(target)


def _check_config(root: Path, folder: Path, config: SyntheticConfig) -> None:
    """Write the config beside the league, or see that it is the one which is there."""
    path = root / _CONFIG_NAME
    ours = _plain(asdict(config))
    if not path.exists():
        if any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise DataError(
                f"{folder} holds matches of another origin; choose another folder for synthetic ones"
            )
        write_json(path, ours)
        return
    theirs = read_json(path)
    if theirs != ours:
        differing = sorted(
            name for name in ours if not isinstance(theirs, dict) or theirs.get(name) != ours[name]
        )
        raise DataError(
            f"{root} holds a synthetic league of another config (other: {', '.join(differing)}); "
            "choose another folder, or delete that one"
        )


def _plain(value: Any) -> Any:
    """Return what JSON gives back for a config's values."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, Fraction) else value


def _worker_count(jobs: int | None, num_tasks: int) -> int:
    return max(1, min(num_cpus() if jobs is None else jobs, num_tasks))


class _Counter:
    """Adds up the frames that were done, and passes the sum on."""

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self._progress = progress
        self._done = 0

    def __call__(self, frames: int) -> None:
        self._done += frames
        if self._progress is not None and frames:
            self._progress(self._done)
