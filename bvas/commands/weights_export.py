"""Give trained weights to other programs: bvas weights export NAME --to onnx."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from bvas.commands.console import OK, add_folders, add_postprocessing, run_command

logger = logging.getLogger(__name__)


def build_parser(prog: str | None) -> argparse.ArgumentParser:
    """Return the command's parser."""
    parser = argparse.ArgumentParser(
        prog=prog or "bvas weights export",
        description="Write a trained or imported experiment as two ONNX files, the 2D part and the 3D part with the "
        "head, and a model card. 'bvas spot VIDEO --model DIR' runs them without PyTorch.",
    )
    parser.add_argument("name", metavar="NAME", help="trained or imported experiment")
    parser.add_argument("--to", choices=["onnx"], default="onnx", help="format (default: onnx)")
    parser.add_argument(
        "--folds",
        default="all",
        help="folds whose scores the files average, e.g. 0,3 (default: all trained ones)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=None,
        metavar="DIR",
        help="default: onnx in the experiment's folder of runs",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an export in --out")
    add_postprocessing(parser)
    add_folders(parser, data=False)
    return parser


def run(args: argparse.Namespace) -> int:
    """Export, and say how to go on."""
    from bvas.experiment.experiment import load_experiment
    from bvas.inference.spotter import trained_among
    from bvas.onnx.export import export_onnx
    from bvas.results.tuned_peaks import with_postprocessing

    experiment = with_postprocessing(load_experiment(args.name, args.runs), args.postprocessing)
    folds = trained_among(experiment, args.runs, args.folds)
    out = args.out or args.runs / experiment.name / "onnx"
    export_onnx(experiment, args.runs, folds, out, overwrite=args.overwrite)
    logger.info("fold%s %s in %s", "s" if len(folds) > 1 else "", ", ".join(map(str, folds)), out)
    logger.info("now: bvas spot VIDEO --model %s", out)
    return OK


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(build_parser(prog), run, argv)
