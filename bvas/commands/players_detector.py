"""Train a small detector on videos with the true boxes of their players.

It suits the pictures that it was trained on: one camera, one kind of match. `bvas players --detector FILE` takes it.
"""

import argparse
import logging
from pathlib import Path

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.errors import ConfigError, DataError
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)

_SUFFIX = ".safetensors"
_LOW_F1 = 0.7


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas players detector`."""
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO", help="any file that FFmpeg reads")
    parser.add_argument(
        "--boxes",
        type=Path,
        nargs="+",
        metavar="GT",
        help="true boxes of each video, MOT text, in the same order (default: <video's name>_gt.txt, gt.txt or "
        "gt/gt.txt beside it, 1_gt.txt for 1_224p.mkv)",
    )
    options.add_out(parser, f"the detector, a {_SUFFIX} file", metavar="FILE", required=True)
    parser.add_argument(
        "--height",
        type=int,
        default=224,
        metavar="H",
        help="rows that pictures are scaled to, a multiple of 8; players should be 20 to 60 high there (default: 224)",
    )
    parser.add_argument("--steps", type=int, default=300, metavar="N", help="training steps (default: 300)")
    parser.add_argument(
        "--frames", type=int, default=300, metavar="N", help="frames of all videos, at most (default: 300)"
    )
    options.add_seed(parser, "random seed (default: 0)", default=0)
    options.add_device(parser)
    options.add_overwrite(parser, "replace a file that is there")


def run(args: argparse.Namespace) -> None:
    """Read the frames, train and write the detector."""
    from bvas.detection.labelled_frames import read_labelled_frames, truth_beside
    from bvas.detection.tiny_detector import TinyConfig, save_tiny_detector
    from bvas.detection.tiny_training import TinyTrainingConfig, train_tiny_detector
    from bvas.system.atomic_files import check_writable

    _check(args)
    check_writable(args.out.parent)
    truths = args.boxes or [truth_beside(video) for video in args.videos]
    config = TinyConfig(height=args.height)
    training = TinyTrainingConfig(steps=args.steps, seed=args.seed)
    most = max(args.frames // len(args.videos), 1)
    videos = []
    for video, truth in zip(args.videos, truths, strict=True):
        with progress_bar(video.name, "frame", quiet=args.quiet) as progress:
            videos.append(read_labelled_frames(video, truth, config, most=most, progress=progress))
    with progress_bar("train", "step", quiet=args.quiet) as progress:
        found = train_tiny_detector(videos, config, training, device=args.device, progress=progress)
    save_tiny_detector(args.out, found.network, found.config)
    logger.info(
        "%s: F1 %.3f at IoU 0.5 on held-out frames, with the threshold %g; trained on %s of %s",
        args.out,
        found.f1,
        found.config.threshold,
        count_text(sum(map(len, videos)), "frame"),
        count_text(len(videos), "video"),
    )
    if found.f1 < _LOW_F1:
        logger.warning(
            "F1 is low; give more steps (--steps), more videos, or more rows for small players (--height)"
        )


def _check(args: argparse.Namespace) -> None:
    if args.out.suffix != _SUFFIX:
        raise ConfigError(f"--out {args.out} must end in {_SUFFIX}: detectors are told by it")
    if args.out.exists() and not args.overwrite:
        raise ConfigError(f"{args.out} is there; name another file, or replace it with --overwrite")
    if args.boxes and len(args.boxes) != len(args.videos):
        raise ConfigError(
            f"{count_text(len(args.videos), 'video')} and {count_text(len(args.boxes), 'file')} of boxes; give one of "
            "--boxes for each video, in the same order"
        )
    if args.frames < 1:
        raise ConfigError(f"--frames must be at least 1, got {args.frames}")
    for path in (*args.videos, *(args.boxes or ())):
        if not path.exists():
            raise DataError(f"no file {path}")
