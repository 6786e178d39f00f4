"""Files of the true boxes and actions of all players, beside the videos of a league.

1_224p.mkv      video of a half
1_gt.txt        boxes: frame from 1, player from 1, x, y, width, height, 1, 1, visible share
1_actions.csv   player,from_frame,to_frame,label: player as in 1_gt.txt, frames from 0, `to` exclusive
"""

from collections.abc import Callable
from pathlib import Path

from bvas.synthetic.config import SyntheticConfig
from bvas.synthetic.half_video import film_half, simulate_half
from bvas.synthetic.league import League
from bvas.synthetic.player_actions import true_actions
from bvas.synthetic.player_boxes import true_boxes
from bvas.synthetic.writing_jobs import run_writers
from bvas.system.atomic_files import write_text
from bvas.system.jobs.job import Job, MakeExecutor, Worker

ACTION_COLUMNS = ("player", "from_frame", "to_frame", "label")


def boxes_name(half: int) -> str:
    """Return the name of the file of boxes of a half."""
    return f"{half}_gt.txt"


def actions_name(half: int) -> str:
    """Return the name of the file of actions of a half."""
    return f"{half}_actions.csv"


def add_player_truth(
    league: League,
    config: SyntheticConfig,
    *,
    progress: Callable[[int, int], None] | None = None,
    jobs: int | None = None,
    make_executor: MakeExecutor | None = None,
) -> None:
    """Write the files that are missing beside the videos of a league; challenge matches get them too.

    Args:
        league: The league.
        config: Its config.
        progress: Called in this process with the number of finished halves, and of all.
        jobs: Processes at a time; None is one for each CPU. Any number gives the same bytes.
        make_executor: Makes an executor of other machines, in place of processes; the league's path must be absolute.

    Raises:
        DataError: the disk is full or a folder not writable.
        WorkerError: a process died.
    """
    halves = [
        (number, half, folder)
        for number, folder in enumerate((*league.matches, *league.challenge_matches))
        for half in (1, 2)
    ]
    tasks = [
        Job(f"match {number} half {half}", write_player_truth, (config, number, half, folder))
        for number, half, folder in halves
        if not all((folder / name(half)).exists() for name in (boxes_name, actions_name))
    ]
    done = len(halves) - len(tasks)

    def count(job: Job) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, len(halves))

    run_writers(tasks, jobs, make_executor, on_end=count)


def write_player_truth(
    config: SyntheticConfig, match_number: int, half: int, folder: Path, worker: Worker
) -> None:
    """Write the boxes and actions of a half.

    Args:
        config: The league.
        match_number: From 0, challenge matches last.
        half: 1 or 2.
        folder: Folder of the match.
        worker: Not used: a half takes seconds.

    Raises:
        DataError: the disk is full or the folder not writable.
    """
    play = simulate_half(config, match_number, half)
    staging = film_half(config, match_number, half, play)
    lines = [
        f"{found.frame + 1},{player + 1},{x:.2f},{y:.2f},{width:.2f},{height:.2f},1,1,{visible:.3f}\n"
        for found in true_boxes(staging)
        for player, (x, y, width, height), visible in zip(
            found.players.tolist(), found.boxes.tolist(), found.visible.tolist(), strict=True
        )
    ]
    write_text(folder / boxes_name(half), "".join(lines))
    rows = [
        f"{action.player + 1},{action.start},{action.stop},{action.label}\n"
        for action in true_actions(play, staging.shots)
    ]
    write_text(folder / actions_name(half), "".join([",".join(ACTION_COLUMNS) + "\n", *rows]))
