"""Prediction of many matches on one or several devices."""

from collections.abc import Sequence
from pathlib import Path

from bvas.data.matches import Match
from bvas.errors import BvasError, ConfigError
from bvas.experiment.experiment import Experiment
from bvas.predicting.assignments import Assignment, held_out
from bvas.predicting.finished import is_finished
from bvas.predicting.schedule import Schedule
from bvas.predicting.settings import Weights, Work
from bvas.results.store import predictions_root
from bvas.system.devices import choose_device
from bvas.system.jobs.in_process import InProcessExecutor
from bvas.system.jobs.job import Executor, MakeExecutor
from bvas.system.jobs.processes import ProcessExecutor
from bvas.system.jobs.runner import TRIES, run_jobs
from bvas.values.progress import Progress


def predict_matches(
    assignments: Sequence[Assignment],
    work: Work,
    progress: Progress | None,
    *,
    devices: str | Sequence[str] = "auto",
    make_executor: MakeExecutor | None = None,
) -> Schedule:
    """Predict the matches that have no finished results; return the outcome of each.

    A failed match stops no other. All workers compute segments of the same video, then of the next one.

    Args:
        assignments: The matches.
        work: Settings of the prediction.
        progress: Receives the frames; None logs a line each minute instead.
        devices: A device, in this process; or several, each in a process: all CUDA or all CPU, repeats allowed.
        make_executor: Makes an executor of other machines; `devices` is then the kind of their devices, and all paths
            must be absolute.

    Raises:
        ConfigError: the devices are of several kinds.
        BvasError: weights, settings or a full disk, which all matches would fail with; or no worker is left.
    """
    names = list(devices)
    if isinstance(devices, str):
        names = [devices if make_executor is not None else str(choose_device(devices))]
    if len({name.partition(":")[0] for name in names}) > 1:
        raise ConfigError(
            f"devices must be all CUDA or all CPU, as a video has rows of one precision; got {', '.join(names)}"
        )
    weights = Weights(work)
    left = [
        assignment
        for assignment in assignments
        if not is_finished(assignment, work, weights, by_content=False)
    ]
    executor: Executor = (
        make_executor()
        if make_executor is not None and left
        else InProcessExecutor(names[0])
        if isinstance(devices, str)
        else ProcessExecutor(names, remedy="use fewer --devices")
    )
    schedule = Schedule(
        # Those of the same models together, which are then loaded once.
        sorted(left, key=lambda assignment: assignment.folds),
        work,
        weights,
        num_workers=executor.num_workers,
        device=names[0],
        progress=progress,
        num_finished=len(assignments) - len(left),
    )
    try:
        run_jobs(schedule.jobs(), executor, on_end=schedule.settle, watch=schedule.watch, tries=TRIES)
    finally:
        schedule.close()
    return schedule


def predict_held_out(
    experiment: Experiment,
    matches: Sequence[Match],
    folds: Sequence[int],
    runs: Path,
    progress: Progress | None,
    *,
    devices: str | Sequence[str] = "auto",
) -> None:
    """Predict the matches of some folds, each with the model that has not seen it.

    Args:
        experiment: The experiment.
        matches: Matches of the data; those of other folds are ignored.
        folds: Trained folds.
        runs: The runs folder.
        progress: As `predict_matches` takes it, as are the devices.

    Raises:
        BvasError: a match failed; the others are done.
    """
    assignments = held_out(matches, folds, predictions_root(runs, experiment.name))
    work = Work(experiment=experiment, runs=runs)
    failures = predict_matches(assignments, work, progress, devices=devices).failures
    if failures:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in failures.items())
        raise BvasError(f"{len(failures)} of {len(assignments)} matches failed: {reasons}")
