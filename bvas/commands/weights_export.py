"""Write a trained or imported experiment as ONNX files.

Of kind spot these are two files, the 2D part and the 3D part with the head, and a model card. 'bvas spot VIDEO
--model DIR' runs them without PyTorch. Of kind clip it is one file, for 'bvas classify VIDEO --model DIR'.
"""

import argparse
import logging
from pathlib import Path

from bvas.commands import options
from bvas.errors import ConfigError, DataError

logger = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas weights export`."""
    options.add_experiment(parser, "trained or imported experiment")
    parser.add_argument("--to", choices=["onnx"], default="onnx", help="format (default: onnx)")
    options.add_folds(parser, "folds whose scores the files average (default: all trained ones)")
    options.add_out(parser, "default: onnx in the experiment's folder of runs")
    options.add_overwrite(parser, "replace an export in --out")
    options.add_postprocessing(parser)
    parser.add_argument(
        "--int8",
        action="store_true",
        help="write the encoder of kind spot in int8; scores differ, by how much is measured and written down",
    )
    parser.add_argument(
        "--calibrate",
        nargs="+",
        type=Path,
        default=[],
        metavar="VIDEO",
        help="videos like those to be spotted: ranges for --int8 are taken from stacks of theirs",
    )
    options.add_folders(parser, data=False)


def run(args: argparse.Namespace) -> None:
    """Export, and log the next command."""
    from bvas.experiment.checkpoint import trained_among
    from bvas.experiment.experiment import load_experiment
    from bvas.onnx.export import export_onnx
    from bvas.results.tuned_peaks import with_postprocessing
    from bvas.tasks.kind_choice import check_kind

    if args.int8 != bool(args.calibrate):
        raise ConfigError("--int8 and --calibrate VIDEO go together: its ranges are taken from videos")
    missing = [path for path in args.calibrate if not path.exists()]
    if missing:
        raise DataError(f"no file {missing[0]}")
    experiment = load_experiment(args.experiment, args.runs)
    if experiment.kind != "clip":
        check_kind(experiment, "spot", "bvas weights export")
    experiment = with_postprocessing(experiment, args.postprocessing)
    folds = trained_among(experiment, args.runs, args.folds)
    out = args.out or args.runs / experiment.name / "onnx"
    export_onnx(experiment, args.runs, folds, out, overwrite=args.overwrite, int8_videos=args.calibrate)
    logger.info("fold%s %s in %s", "s" if len(folds) > 1 else "", ", ".join(map(str, folds)), out)
    verb = "classify" if experiment.kind == "clip" else "spot"
    logger.info("now: bvas %s VIDEO --model %s", verb, out)
