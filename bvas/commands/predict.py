"""Predict matches: python -m bvas.predict --experiment NAME [--folds 0,3] [--challenge] [--manifest FILE]."""

import argparse
import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands.console import DONE_IN_PART, OK, WRONG_INPUT, progress_bar
from bvas.commands.options import (
    add_backend,
    add_challenge,
    add_device,
    add_experiment_option,
    add_folders,
    add_folds,
    add_inference,
    add_overwrite,
    add_postprocessing,
)
from bvas.errors import BvasError, ConfigError, DataError
from bvas.values.progress import Progress

if TYPE_CHECKING:
    import torch

    from bvas.commands.predict_jobs import Job
    from bvas.data.matches import Match
    from bvas.experiment.experiment import Experiment
    from bvas.predicting.assignments import Assignment
    from bvas.predicting.settings import Work

logger = logging.getLogger(__name__)

_MOST_NAMED = 3


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the command's parser."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Predict each fold's held-out matches with that fold's model, the challenge with all folds, or "
        "what a manifest lists. Finished matches are left as they are, and one that was interrupted is gone on with. "
        "A match that fails stops no other: it is listed in failed.jsonl beside the results, and the exit code is 3, "
        "or 2 if all failed.",
    )
    add_experiment_option(parser, required=True)
    add_folds(parser, "folds whose models predict (default: all trained ones)")
    what = parser.add_mutually_exclusive_group()
    add_challenge(what, "predict the challenge matches with the mean of the folds' curves")
    what.add_argument(
        "--manifest",
        type=Path,
        metavar="FILE",
        help="predict what a text file lists, a match of the data root or a video file a line: labelled matches by "
        "the model that has not seen them, all others with the mean of the folds' curves",
    )
    parser.add_argument(
        "--shard",
        type=parse_shard,
        default=(1, 1),
        metavar="I/N",
        help="predict the I-th of N shares (from 1/N to N/N) of the matches; all of them together are all matches",
    )
    add_inference(parser)
    add_overwrite(parser, "predict finished matches again")
    parser.add_argument(
        "--save-seconds",
        type=float,
        default=30.0,
        metavar="S",
        help="save an unfinished match when its last save is S seconds old (default: 30)",
    )
    add_postprocessing(parser)
    add_folders(parser)
    add_device(parser)
    add_backend(parser)
    parser.add_argument(
        "--devices",
        metavar="LIST",
        help="several at once, each in a process of its own that takes one match after the other: 0,1 (CUDA devices), "
        "all, or cpu,cpu; a process that dies costs only the match it was at",
    )
    return parser


def parse_shard(text: str) -> tuple[int, int]:
    """Return (I, N) of a text like 2/8; for argparse."""
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write I/N with I from 1 to N, e.g. 2/8")
    return int(match[1]), int(match[2])


def run(args: argparse.Namespace) -> int:
    """Predict, and write score curves and a results file for each match."""
    from bvas.experiment.experiment import load_experiment
    from bvas.predicting.assignments import share_of
    from bvas.predicting.settings import Work
    from bvas.results.tuned_peaks import with_postprocessing
    from bvas.system.atomic_files import check_writable

    if args.save_seconds < 0:
        raise ConfigError(f"--save-seconds must not be negative, got {args.save_seconds:g}")
    if args.stride < 1:
        raise ConfigError(f"--stride must be at least 1, got {args.stride}")
    if args.devices is not None and args.device != "auto":
        raise ConfigError("--device names one device and --devices several; give one of them")
    devices = None if args.devices is None else parse_devices(args.devices)
    experiment = with_postprocessing(load_experiment(args.experiment, args.runs), args.postprocessing)
    everything = _assignments(args, experiment)
    share = share_of(everything, args.shard)
    if args.shard[1] > 1:
        logger.info("share %d of %d: %d of %d matches", *args.shard, len(share), len(everything))
    work = Work(
        experiment=experiment,
        runs=args.runs,
        backend=args.backend,
        strict=args.strict,
        save_seconds=args.save_seconds,
        overwrite=args.overwrite,
        precision=args.precision,
        stride=args.stride,
    )
    for out in sorted({assignment.out for assignment in share}):
        check_writable(out)
    with progress_bar(experiment.name, "frame", quiet=args.quiet) as bar:
        shown = bar if sys.stderr.isatty() else None
        job = predict_all(share, work, shown, device=args.device, devices=devices)
    return _conclude(job, share)


def _assignments(args: argparse.Namespace, experiment: "Experiment") -> "list[Assignment]":
    from bvas.data.matches import find_matches
    from bvas.experiment.checkpoint import trained_among
    from bvas.predicting.assignments import challenge, check_folds, held_out
    from bvas.predicting.manifest import assign_manifest
    from bvas.results.store import predictions_root

    folds = trained_among(experiment, args.runs, args.folds)
    predictions = predictions_root(args.runs, experiment.name)
    if args.manifest is not None:
        return assign_manifest(
            args.manifest, lambda: find_matches(experiment.task, args.data), folds, predictions
        )
    matches = find_matches(experiment.task, args.data)
    if not args.challenge:
        check_folds(matches, folds, args.data)
        return held_out(matches, folds, predictions)
    chosen = challenge(matches, folds, predictions)
    if not chosen:
        raise DataError(f"no challenge match in {args.data / experiment.task.folder}; leave out --challenge")
    return chosen


def parse_devices(text: str) -> "list[torch.device]":
    """Return the devices of a list like `0,1`, `cpu,cpu` or `all`.

    Raises:
        ConfigError: one is unknown or not on this machine, or there is none.
    """
    import torch

    from bvas.system.devices import choose_device

    if text == "all":
        devices = [torch.device("cuda", number) for number in range(torch.cuda.device_count())]
        if not devices:
            raise ConfigError("--devices all: this machine has no CUDA device; use --devices cpu")
        return devices
    names = [name.strip() for name in text.split(",")]
    return [choose_device(f"cuda:{name}" if name.isdecimal() else name) for name in names]


def predict_all(
    assignments: "Sequence[Assignment]",
    work: "Work",
    bar: Progress | None,
    *,
    device: str = "auto",
    devices: "Sequence[torch.device] | None" = None,
) -> "Job":
    """Predict what is not finished of some matches, and return what became of each.

    Args:
        assignments: The matches.
        work: How they are predicted.
        bar: Shows frames; None: a log line each minute does.
        device: Where, in this process.
        devices: Where instead, each in a process of its own.

    Raises:
        BvasError: something that all matches would fail of: weights, settings, a full disk.
    """
    import torch

    from bvas.commands.job_progress import JobProgress
    from bvas.commands.predict_jobs import Job, run_here, run_on_devices
    from bvas.predicting.finished import is_finished
    from bvas.predicting.settings import Weights
    from bvas.system.devices import num_cpus

    weights = Weights(work)
    left = [a for a in assignments if not is_finished(a, work, weights, by_glance=True)]
    # Those of the same models together, which are then loaded once.
    left.sort(key=lambda assignment: assignment.folds)
    sizes = {str(assignment.folder): _sizes(assignment, work) for assignment in left}
    job = Job(left, JobProgress(sizes, bar), num_finished=len(assignments) - len(left))
    if devices is None:
        run_here(job, work, device)
    else:
        used = devices[: max(1, len(left))]
        num_threads = max(1, min(torch.get_num_threads(), num_cpus() // len(used)))
        run_on_devices(job, work, used, num_threads)
    return job


def predict_held_out(
    experiment: "Experiment",
    matches: "Sequence[Match]",
    folds: Sequence[int],
    runs: Path,
    bar: Progress | None,
    *,
    device: str = "auto",
    devices: Sequence[str] | None = None,
) -> None:
    """Predict the matches of some folds, each with the model that has not seen it.

    Args:
        experiment: The experiment.
        matches: Those of other folds are left out.
        folds: Folds that are trained.
        runs: The runs folder.
        bar: Shows frames; None: a log line each minute does.
        device: Where.
        devices: Where instead, each in a process of its own.

    Raises:
        BvasError: a match failed; the others are done.
    """
    import torch

    from bvas.predicting.assignments import held_out
    from bvas.predicting.settings import Work
    from bvas.results.store import predictions_root

    several = None if devices is None else [torch.device(name) for name in devices]
    assignments = held_out(matches, folds, predictions_root(runs, experiment.name))
    job = predict_all(
        assignments, Work(experiment=experiment, runs=runs), bar, device=device, devices=several
    )
    if job.failures:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in job.failures.items())
        raise BvasError(f"{len(job.failures)} of {len(assignments)} matches failed: {reasons}")


def _sizes(assignment: "Assignment", work: "Work") -> dict[int, int]:
    """Return the bytes of each video; nothing where they cannot be had, which is said when it is its turn."""

    try:
        return {half.number: half.path.stat().st_size for half in assignment.halves(work.experiment.task)}
    except (DataError, OSError):
        return {}


def _conclude(job: "Job", share: "Sequence[Assignment]") -> int:
    from bvas.predicting.failures import FAILED_NAME

    outs = sorted({assignment.out for assignment in share})
    logger.info(
        "matches: %d predicted, %d finished before, %d failed; predictions are in %s",
        *(job.counts["made"], job.counts["finished"], job.counts["failed"]),
        ", ".join(map(str, outs)),
    )
    if not job.failures:
        return OK
    names = list(job.failures)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    logger.error(
        "%d of %d matches failed (%s%s), see %s",
        *(len(names), len(share), ", ".join(names[:_MOST_NAMED]), more),
        ", ".join(str(out / FAILED_NAME) for out in outs),
    )
    return DONE_IN_PART if len(names) < len(share) else WRONG_INPUT
