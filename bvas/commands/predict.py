"""Predict the held-out matches or samples of each fold, the challenge, or what a manifest lists.

Held-out matches are predicted with their fold's model, the challenge with all folds. Finished matches are skipped, and
an interrupted one is resumed. A failed match stops no other: it is listed in failed.jsonl beside the results, and the
exit code is 3, or 2 if all failed.
"""

import argparse
import logging
import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options, ray_options
from bvas.commands.class_samples import predict_class_samples
from bvas.commands.console import OK, partial_code, progress_bar
from bvas.errors import ConfigError, DataError
from bvas.system.job_arrays import share_of_job

if TYPE_CHECKING:
    from bvas.experiment.experiment import Experiment
    from bvas.predicting.assignments import Assignment
    from bvas.predicting.schedule import Schedule

logger = logging.getLogger(__name__)

_MOST_NAMED = 3


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas predict`."""
    options.add_experiment_option(parser, required=True)
    options.add_folds(parser, "folds whose models predict (default: all trained ones)")
    what = parser.add_mutually_exclusive_group()
    options.add_challenge(what, "predict the challenge matches with the mean of the folds' curves")
    what.add_argument(
        "--manifest",
        type=Path,
        metavar="FILE",
        help="predict what a text file lists, one match of the data root, video file or its address (https, s3, gs, "
        "az) per line: labelled matches by the model that has not seen them, all others with the mean of the folds' "
        "curves",
    )
    parser.add_argument(
        "--shard",
        type=parse_shard,
        default=(1, 1),
        metavar="I/N",
        help="predict the I-th of N shares (from 1/N to N/N) of the matches; together the shares are all matches; "
        "auto: the share of this job in Slurm, auto/N: of this pod in an Indexed Job of Kubernetes",
    )
    options.add_inference(parser)
    options.add_overwrite(parser, "predict finished matches again")
    parser.add_argument(
        "--save-seconds",
        type=float,
        default=20.0,
        metavar="S",
        help="seconds between two saves of an unfinished segment: the most work that a kill costs (default: 20)",
    )
    options.add_postprocessing(parser)
    options.add_scratch(parser)
    options.add_folders(parser)
    options.add_backend(parser)
    parser.add_argument(
        "--devices",
        metavar="LIST",
        help="several workers, each in a process, that share the segments of every video: 0,1 (CUDA devices), all, or "
        "cpu,cpu; a process that is killed is replaced, and its segments are resumed",
    )
    ray_options.add_ray(parser, gpus=True)


def parse_shard(text: str) -> tuple[int, int]:
    """Return (I, N) of a text like 2/8 or auto; for argparse."""
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is not None and 1 <= int(match[1]) <= int(match[2]):
        return int(match[1]), int(match[2])
    auto = re.fullmatch(r"auto(?:/([1-9]\d*))?", text)
    if auto is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a share; write I/N with I from 1 to N, e.g. 2/8, or auto in a job of Slurm or Kubernetes"
        )
    try:
        return share_of_job(os.environ, None if auto[1] is None else int(auto[1]))
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def run(args: argparse.Namespace) -> int:
    """Predict, and write score curves and a results file for each match."""
    import torch

    from bvas.experiment.experiment import load_experiment
    from bvas.inference.video_remarks import log_shared
    from bvas.predicting.assignments import share_of
    from bvas.predicting.many_matches import predict_matches
    from bvas.predicting.settings import Work
    from bvas.results.store import predictions_root
    from bvas.results.tuned_peaks import with_postprocessing
    from bvas.system.atomic_files import check_writable
    from bvas.system.shared_folder import proved_locks

    if args.save_seconds < 0:
        raise ConfigError(f"--save-seconds must not be negative, got {args.save_seconds:g}")
    if args.stride < 1:
        raise ConfigError(f"--stride must be at least 1, got {args.stride}")
    if args.devices is not None and args.device != "auto":
        raise ConfigError("--device names one device and --devices several; give one of them")
    make_executor = ray_options.ray_maker(args, args.runs, "device", "devices")
    if make_executor is not None:
        devices: str | list[str] = ray_options.ray_device(args)
        if devices == "cuda" and args.precision == "auto" and not torch.cuda.is_available():
            raise ConfigError(
                "--precision auto asks the GPU of this machine, which has none; name it, e.g. --precision bfloat16"
            )
    else:
        devices = args.device if args.devices is None else parse_devices(args.devices)
    experiment = with_postprocessing(load_experiment(args.experiment, args.runs), args.postprocessing)
    if experiment.kind == "clip":
        return predict_class_samples(args, experiment)
    everything = _assignments(args, experiment)
    share = share_of(everything, args.shard)
    if args.shard[1] > 1:
        logger.info("share %d of %d: %d of %d matches", *args.shard, len(share), len(everything))
    if make_executor is not None and any(assignment.is_remote for assignment in share):
        if args.scratch is None:
            raise ConfigError(
                "the workers of --ray read the copies of remote videos; give --scratch DIR in a folder that all "
                "machines share"
            )
        make_executor = partial(make_executor, folders=[args.runs, args.scratch])
    work = Work(
        experiment=experiment,
        runs=args.runs,
        backend=args.backend,
        strict=args.strict,
        save_seconds=args.save_seconds,
        overwrite=args.overwrite,
        precision=args.precision,
        stride=args.stride,
        share_repeats=not args.compute_repeats,
        engine=args.engine,
        scratch=args.scratch,
    )
    outs = sorted({assignment.out for assignment in share})
    with (
        proved_locks(predictions_root(args.runs, experiment.name)),
        progress_bar(experiment.name, "frame", quiet=args.quiet) as bar,
    ):
        for out in outs:
            check_writable(out)
        shown = bar if sys.stderr.isatty() else None
        done = predict_matches(share, work, shown, devices=devices, make_executor=make_executor)
    log_shared(experiment.name, done.num_shared, done.num_rows)
    return _conclude(done, len(share), outs)


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


def parse_devices(text: str) -> list[str]:
    """Return the devices of a list like `0,1`, `cpu,cpu` or `all`.

    Raises:
        ConfigError: one is unknown or not on this machine, or the machine has none.
    """
    import torch

    from bvas.system.devices import choose_device

    if text == "all":
        devices = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
        if not devices:
            raise ConfigError("--devices all: this machine has no CUDA device; use --devices cpu")
        return devices
    names = [name.strip() for name in text.split(",")]
    return [str(choose_device(f"cuda:{name}" if name.isdecimal() else name)) for name in names]


def _conclude(done: "Schedule", num_matches: int, outs: Sequence[Path]) -> int:
    from bvas.predicting.failures import FAILED_NAME

    logger.info(
        "matches: %d predicted, %d finished before, %d failed; predictions are in %s",
        *(done.counts["made"], done.counts["finished"], done.counts["failed"]),
        ", ".join(map(str, outs)),
    )
    if not done.failures:
        return OK
    names = list(done.failures)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    logger.error(
        "%d of %d matches failed (%s%s), see %s",
        *(len(names), num_matches, ", ".join(names[:_MOST_NAMED]), more),
        ", ".join(str(out / FAILED_NAME) for out in outs),
    )
    return partial_code(len(names), num_matches)
