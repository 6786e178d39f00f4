"""Preparation of a whole data root by `bvas video prepare`: a copy of each video, and a dataset.json beside them."""

import argparse
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands.console import partial_code, progress_bar
from bvas.values.plural import count_text
from bvas.values.units import bytes_text

if TYPE_CHECKING:
    from bvas.system.jobs.job import MakeExecutor, Worker
    from bvas.video.encode.prepared_copy import CopyPlan

logger = logging.getLogger(__name__)

_MEASURED = 8
"""Videos that are encoded in part to estimate the size of all copies."""


def prepare_root(args: argparse.Namespace, root: Path, make_executor: "MakeExecutor") -> int:
    """Make the copies that are missing, and the data root of all.

    Raises:
        ConfigError: an option is given that is for single videos.
    """
    from bvas.data.importing.prepared_root import plan_root, write_prepared
    from bvas.errors import ConfigError, DecodeError
    from bvas.system.atomic_files import check_writable
    from bvas.system.jobs.job import Ended, Job
    from bvas.system.jobs.runner import TRIES, run_jobs

    if args.stream is not None:
        raise ConfigError(
            "--stream is for single videos; a data root is read by the best stream of each file"
        )
    plan = plan_root(root, args.out, replaced=args.force)
    check_writable(args.out, "dataset.json")
    _check_room(args, plan.targets)
    ends: dict[Path, tuple[bool, int, int] | None] = {}
    with progress_bar(f"preparing {root}", "video", quiet=args.quiet) as bar:

        def settle(ended: Ended) -> None:
            if isinstance(ended.error, DecodeError):
                # The next file may be intact.
                logger.error("%s", ended.error)
            elif ended.error is not None:
                raise ended.error
            ends[ended.job.arguments[1]] = ended.value
            bar(len(ends), len(plan.targets))

        jobs = [Job(str(video), _copy, (args, video, target)) for video, target in plan.targets.items()]
        run_jobs(jobs, make_executor(), on_end=settle, tries=TRIES)
    made = [video for video in plan.targets if ends[video] is not None]
    num_new, num_before, num_after = (
        sum(end[n] for end in ends.values() if end is not None) for n in range(3)
    )
    num_failed = len(plan.targets) - len(made)
    path = write_prepared(plan, made, in_seconds=args.rate is not None)
    logger.info(
        "%s: copies of %s, %d of them new; %s -> %s",
        *(path, count_text(len(made), "video"), num_new, bytes_text(num_before), bytes_text(num_after)),
    )
    if num_failed:
        logger.warning("%s: %s without a copy named where they lie", path, count_text(num_failed, "video"))
    logger.info("next: bvas data check %s", args.out)
    return partial_code(num_failed, len(plan.targets))


def _copy(args: argparse.Namespace, video: Path, target: Path, worker: "Worker") -> tuple[bool, int, int]:
    """Make the copy of a video if it is missing; return whether it was, and the bytes before and after."""
    from bvas.data.importing.prepared_root import is_made
    from bvas.video.encode.prepared_copy import make_copy

    plan = _plan(args, video, target, estimated=False)
    is_new = args.force or not is_made(target, plan.num_frames, plan.coding.size)
    if is_new:
        make_copy(plan)
    return is_new, plan.bytes_before, target.stat().st_size


def _plan(args: argparse.Namespace, video: Path, target: Path, *, estimated: bool) -> "CopyPlan":
    from bvas.video.container.read_options import ReadOptions
    from bvas.video.encode.prepared_copy import plan_copy

    return plan_copy(
        video,
        target,
        keyframe_interval=args.keyframe_interval,
        size=args.size,
        codec=args.codec,
        crf=args.crf,
        reading=ReadOptions(tone=args.tone),
        grid_rate=args.rate,
        cache=not args.no_cache,
        estimated=estimated,
    )


def _check_room(args: argparse.Namespace, targets: Mapping[Path, Path]) -> None:
    """Log the size that some copies let expect of all, and refuse what the disk has no room for."""
    from bvas.errors import DecodeError
    from bvas.video.encode.prepared_copy import check_room
    from bvas.video.index.frame_folder import bytes_of

    videos = list(targets)
    measured = videos[:: max(1, len(videos) // _MEASURED)][:_MEASURED]
    before = after = 0
    for video in measured:
        try:
            plan = _plan(args, video, targets[video], estimated=True)
        except DecodeError:
            # It is named when its turn comes.
            continue
        before += plan.bytes_before
        after += plan.bytes_expected
    total = sum(map(bytes_of, videos))
    expected = round(total * after / before) if before else 0
    logger.info(
        "%s of %s: about %s of copies, by %d of them",
        *(count_text(len(videos), "video"), bytes_text(total), bytes_text(expected), len(measured)),
    )
    check_room(expected, args.out)
