"""Make copies of videos with short keyframe intervals, so that random clips cost less to read.

Frame numbers and times are unchanged; this is checked before a copy takes its name. Copies are upright progressive
8-bit 4:2:0 in mp4, without sound. Of a data root with a dataset.json all videos are copied, into a data root with the
same names, labels, groups and splits; a run that was interrupted is resumed.
"""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options, ray_options
from bvas.commands.console import partial_code
from bvas.commands.option_values import parse_size
from bvas.values.plural import count_text
from bvas.values.units import bytes_text

if TYPE_CHECKING:
    from bvas.system.jobs.job import Worker
    from bvas.video.encode.prepared_copy import Copy, CopyPlan

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas video prepare`."""
    parser.add_argument(
        "videos", nargs="+", type=Path, metavar="VIDEO", help="any file that FFmpeg reads, or one data root"
    )
    options.add_out(
        parser, "folder of the copies, <name>.mp4 of each video; or the data root to make", required=True
    )
    options.add_coding(parser, keyframe_interval=12)
    parser.add_argument(
        "--size",
        type=parse_size,
        metavar="HxW",
        help="fit the pictures into this size, aspect kept (default: their own)",
    )
    options.add_crf(parser)
    parser.add_argument("--force", action="store_true", help="replace copies that exist")
    options.add_reading(parser, "; of a data root: of the copies, which keep only the frames that it needs")
    options.add_no_cache(parser)
    ray_options.add_ray(parser, gpus=False)


def run(args: argparse.Namespace) -> int:
    """Plan all copies, log cost and gain, then make them."""
    from bvas.commands.job_bars import JobBars
    from bvas.commands.prepare_root import prepare_root
    from bvas.data.dataset_json import DATASET_NAME
    from bvas.errors import ConfigError, DecodeError
    from bvas.system.atomic_files import check_writable
    from bvas.system.jobs.in_process import InProcessExecutor
    from bvas.system.jobs.job import Ended, Job
    from bvas.system.jobs.runner import TRIES, run_jobs
    from bvas.video.encode.prepared_copy import check_room, copy_targets, plan_copy

    make_executor = ray_options.ray_maker(args, args.out) or InProcessExecutor
    roots = [path for path in args.videos if (path / DATASET_NAME).is_file()]
    if roots and len(args.videos) > 1:
        raise ConfigError(f"{roots[0]} is a data root; prepare it alone, each root into its own --out folder")
    if roots:
        return prepare_root(args, roots[0], make_executor)
    targets = copy_targets(args.videos, args.out, replace=args.force)
    check_writable(args.out, *(f"{target.name}.part" for target in targets))
    plans = [
        plan_copy(
            video,
            target,
            keyframe_interval=args.keyframe_interval,
            size=args.size,
            codec=args.codec,
            crf=args.crf,
            reading=options.reading_of(args),
            cache=not args.no_cache,
        )
        for video, target in zip(args.videos, targets, strict=True)
    ]
    for plan in plans:
        logger.info("%s", plan_text(plan))
    num_bytes = sum(plan.bytes_expected for plan in plans)
    if len(plans) > 1:
        logger.info("all together: about %s", bytes_text(num_bytes))
    check_room(num_bytes, args.out)
    num_failed = 0
    with JobBars("", "frame", quiet=args.quiet) as bars:

        def settle(ended: Ended) -> None:
            nonlocal num_failed
            bars.end(ended.job)
            if isinstance(ended.error, DecodeError):
                # The next file may be intact.
                num_failed += 1
                logger.error("%s", ended.error)
            elif ended.error is not None:
                raise ended.error
            else:
                (planned,) = ended.job.arguments
                logger.info("%s", copy_text(planned, ended.value))

        jobs = [Job(plan.target.name, copy_video, (plan,)) for plan in plans]
        run_jobs(jobs, make_executor(), on_end=settle, watch=bars.watch, tries=TRIES)
    return partial_code(num_failed, len(plans))


def copy_video(plan: "CopyPlan", worker: "Worker") -> "Copy":
    """Make a copy; the call of a job."""
    from bvas.video.encode.prepared_copy import make_copy

    return make_copy(plan, progress=worker.progress)


def plan_text(plan: "CopyPlan") -> str:
    """Return a planned copy, with cost and gain, as lines for people."""
    info, coding = plan.info, plan.coding
    height, width = coding.size
    gain = plan.frames_per_clip_before / plan.frames_per_clip_after
    lines = [
        f"{info.path} -> {plan.target}",
        f"  {count_text(info.num_frames, 'frame')}, {info.height}x{info.width} -> {height}x{width}, {coding.codec}, "
        f"a keyframe every {info.keyframe_intervals.median} -> {coding.keyframe_interval}",
        f"  disk: {bytes_text(plan.bytes_before)} -> about {bytes_text(plan.bytes_expected)}",
        "  frames decoded for a random clip of 15 (step 2): "
        f"{plan.frames_per_clip_before:.1f} -> {plan.frames_per_clip_after:.1f}, {gain:.1f} times fewer",
    ]
    if plan.fit.size == plan.fit.source != coding.size:
        lines.append("  an odd side is made even: its last row or column is repeated")
    if gain < 1.1:
        lines.append("  the video is about as fast to read as the copy will be")
    return "\n".join(lines)


def copy_text(plan: "CopyPlan", copy: "Copy") -> str:
    """Return a finished copy as a line for people."""
    text = (
        f"{plan.target}: {count_text(plan.info.num_frames, 'frame')} at the times of the original; "
        f"{bytes_text(plan.bytes_before)} -> {bytes_text(copy.num_bytes)}, "
        f"{plan.frames_per_clip_before:.1f} -> {copy.frames_per_clip:.1f} frames decoded for a random clip"
    )
    if copy.num_damaged:
        text += f"; {count_text(copy.num_damaged, 'frame')} after a decoding error in the original may be wrong in both"
    return text
