"""Verb `bvas weights export`: write a trained model as ONNX files."""

import argparse
import logging

from bvas.commands.console import OK
from bvas.commands.options import (
    add_experiment,
    add_folders,
    add_folds,
    add_out,
    add_overwrite,
    add_postprocessing,
)

logger = logging.getLogger(__name__)


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the command's parser."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Write a trained or imported experiment as two ONNX files, the 2D part and the 3D part with the "
        "head, and a model card. 'bvas spot VIDEO --model DIR' runs them without PyTorch.",
    )
    add_experiment(parser, "trained or imported experiment")
    parser.add_argument("--to", choices=["onnx"], default="onnx", help="format (default: onnx)")
    add_folds(parser, "folds whose scores the files average (default: all trained ones)")
    add_out(parser, "default: onnx in the experiment's folder of runs")
    add_overwrite(parser, "replace an export in --out")
    add_postprocessing(parser)
    add_folders(parser, data=False)
    return parser


def run(args: argparse.Namespace) -> int:
    """Export, and log the next command."""
    from bvas.experiment.checkpoint import trained_among
    from bvas.experiment.experiment import load_experiment
    from bvas.onnx.export import export_onnx
    from bvas.results.tuned_peaks import with_postprocessing

    experiment = with_postprocessing(load_experiment(args.experiment, args.runs), args.postprocessing)
    folds = trained_among(experiment, args.runs, args.folds)
    out = args.out or args.runs / experiment.name / "onnx"
    export_onnx(experiment, args.runs, folds, out, overwrite=args.overwrite)
    logger.info("fold%s %s in %s", "s" if len(folds) > 1 else "", ", ".join(map(str, folds)), out)
    logger.info("now: bvas spot VIDEO --model %s", out)
    return OK
