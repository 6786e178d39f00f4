"""Draw the first training clips of a run, with targets and augmentation.

The counts of the drawn clips are printed.
"""

import argparse
import logging

from bvas.commands import options

logger = logging.getLogger(__name__)

MOST_CLIPS = 64
"""A sheet of more is taller than viewers show."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas experiment preview`."""
    options.add_experiment(parser)
    options.add_fold(parser)
    options.add_seed(parser, "default: the seed of the experiment")
    parser.add_argument("--clips", type=int, default=8, metavar="N", help="clips to draw (default: 8)")
    options.add_out(parser, "default: RUNS/NAME/preview")
    options.add_folders(parser)


def run(args: argparse.Namespace) -> None:
    """Write the sheet."""
    from dataclasses import replace

    import torch

    from bvas.data.matches import find_matches, folds_of
    from bvas.errors import ConfigError
    from bvas.experiment.experiment import load_experiment
    from bvas.report.clip_preview import preview_clips
    from bvas.report.contact_sheet import contact_sheet, png
    from bvas.system.atomic_files import check_writable, write_bytes
    from bvas.tasks.kind_choice import kind_of
    from bvas.training.fold_data import out_of_fold_curves

    if not 1 <= args.clips <= MOST_CLIPS:
        raise ConfigError(f"--clips must lie in 1..{MOST_CLIPS}, got {args.clips}")
    if args.seed is not None and args.seed < 0:
        raise ConfigError(f"--seed must be at least 0, got {args.seed}")
    experiment = load_experiment(args.experiment, args.runs)
    if args.seed is not None:
        experiment = replace(experiment, seed=args.seed)
    out = args.out or args.runs / experiment.name / "preview"
    check_writable(out)
    matches = find_matches(experiment.task, args.data)
    fold = args.fold if args.fold is not None else min(folds_of(matches), default=0)
    kind = kind_of(experiment)
    videos, _ = kind.samples(matches, fold)
    clips = kind.training_clips(videos, out_of_fold_curves(experiment, videos, args.runs))
    summary = kind.draw_summary(clips)
    sheet = contact_sheet(
        preview_clips(clips, experiment, num_clips=args.clips, device=torch.device("cpu")),
        heading=f"{experiment.name}, fold {fold} held out, seed {experiment.seed}",
        notes=summary,
    )
    path = out / f"fold_{fold}_seed_{experiment.seed}.png"
    write_bytes(path, png(sheet))
    print(*summary, sep="\n")
    logger.info("the contact sheet is %s", path)
