"""Choice of a classifier on the command line: a published network, an experiment, or an exported model."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.recording_run import newest_experiment
from bvas.errors import ConfigError
from bvas.models.video.published import VIDEO_MODELS

if TYPE_CHECKING:
    from bvas.inference.classifier import VideoClassifier


def add_classifier(parser: argparse.ArgumentParser) -> options.Options:
    """Add --model, --experiment, --weights and --folds; return the group of those that exclude each other."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--model",
        metavar="NAME|DIR",
        help=f"a published network ({', '.join(VIDEO_MODELS)}), or a folder that 'bvas weights export' wrote",
    )
    options.add_experiment_option(which, "trained experiment of kind clip (default: the newest one)")
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="weights of a published --model (default: download them)"
    )
    options.add_folds(parser, "folds whose probabilities are averaged (default: all trained ones)")
    return which


def check_classifier(args: argparse.Namespace) -> None:
    """Refuse options that do not go together.

    Raises:
        ConfigError: names them.
    """
    is_published = args.model in VIDEO_MODELS
    if args.weights is not None and not is_published:
        raise ConfigError(f"--weights {args.weights} needs a published --model: {', '.join(VIDEO_MODELS)}")
    if args.model is not None and args.folds != "all":
        raise ConfigError("--folds goes with --experiment, not with --model")
    if args.model is not None and not is_published and not Path(args.model).is_dir():
        raise ConfigError(
            f"--model {args.model!r} is neither a published network ({', '.join(VIDEO_MODELS)}) nor a folder that "
            "'bvas weights export' wrote"
        )


def chosen_classifier(args: argparse.Namespace, verb: str) -> "VideoClassifier":
    """Return the networks that --model or --experiment names; by default those of the newest experiment.

    Raises:
        ConfigError: the experiment is of another kind; `verb` is named as what takes kind clip.
        CheckpointError: no model was found.
    """
    from bvas.experiment.checkpoint import trained_among
    from bvas.experiment.experiment import load_experiment
    from bvas.inference.classifier import load_classifier, published_classifier
    from bvas.system.extras import need_train
    from bvas.tasks.kind_choice import check_kind

    if args.model is not None and args.model not in VIDEO_MODELS:
        from bvas.onnx.classifier import load_onnx_classifier

        if args.precision not in ("auto", "float32"):
            raise ConfigError(
                f"--precision {args.precision} does not go with exports, which compute in float32"
            )
        return load_onnx_classifier(Path(args.model), device=args.device)
    need_train()
    if args.model is not None:
        return published_classifier(args.model, args.weights, device=args.device, precision=args.precision)
    experiment = load_experiment(args.experiment or newest_experiment(args.runs, "clip"), args.runs)
    check_kind(experiment, "clip", verb)
    return load_classifier(
        experiment,
        args.runs,
        folds=trained_among(experiment, args.runs, args.folds),
        device=args.device,
        precision=args.precision,
    )
