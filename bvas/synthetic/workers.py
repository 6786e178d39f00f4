"""Parallel writing of halves."""

from collections.abc import Callable, Sequence

from bvas.synthetic.half_video import HalfTask, write_half
from bvas.synthetic.play_record import PlayEvent
from bvas.system.jobs.in_process import InProcessExecutor
from bvas.system.jobs.job import Ended, Job, Worker
from bvas.system.jobs.processes import ProcessExecutor
from bvas.system.jobs.runner import run_jobs

Finished = Callable[[int, tuple[PlayEvent, ...]], None]


def write_halves(
    tasks: Sequence[HalfTask], *, jobs: int, progress: Callable[[int], None], finished: Finished
) -> None:
    """Write the videos of `tasks`, `jobs` at a time.

    Args:
        tasks: The videos, in the order of their start.
        jobs: Processes at a time; 1 writes all of them in this process.
        progress: Called with the number of frames written since the last call.
        finished: Called with the rank of a task and its events when its video is complete.

    Raises:
        DataError: the disk is full or a folder is not writable.
        WorkerError: a process died.

    After an exception, Ctrl-C included, no process remains; the caller removes unfinished files.
    """
    ranks = {f"match {task.match_number} half {task.half}": rank for rank, task in enumerate(tasks)}
    num_written = dict.fromkeys(ranks, 0)

    def count(job: Job, done: int, total: int, note: str) -> None:
        progress(done - num_written[job.name])
        num_written[job.name] = done

    def settle(ended: Ended) -> None:
        rank = ranks[ended.job.name]
        if ended.error is not None:
            ended.error.add_note(f"while writing {tasks[rank].path.name}")
            raise ended.error
        finished(rank, ended.value)

    run_jobs(
        [Job(name, _write, (tasks[rank],)) for name, rank in ranks.items()],
        InProcessExecutor() if jobs == 1 else ProcessExecutor([""] * jobs, remedy="use fewer --jobs"),
        on_end=settle,
        watch=count,
    )


def _write(task: HalfTask, worker: Worker) -> tuple[PlayEvent, ...]:
    total = task.config.frames_per_half
    num_written = 0

    def report(num_frames: int) -> None:
        nonlocal num_written
        num_written += num_frames
        worker.progress(num_written, total)

    return write_half(task, report)
