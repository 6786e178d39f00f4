"""Upload a trained or imported experiment to the Hugging Face Hub.

Weights (safetensors), settings (JSON), tuned rules and a model card are uploaded as one commit; code, logs and the
state of the optimizer are not. The token is that of HF_TOKEN or of 'hf auth login'.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from bvas.commands import options


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas weights push`."""
    options.add_experiment(parser, "trained or imported experiment")
    options.add_hub_address(parser, "branch, made where it is missing; default: main")
    options.add_folds(parser, "folds to upload (default: all trained ones)")
    parser.add_argument("--private", action="store_true", help="a new repository is private")
    options.add_folders(parser, data=False)


def run(args: argparse.Namespace) -> None:
    """Upload, and print the address that means these files forever."""
    from bvas.experiment.checkpoint import FILE_NAME, fold_folder, load_checkpoint, trained_among
    from bvas.experiment.experiment import load_experiment
    from bvas.experiment.hub_push import files_to_push, push
    from bvas.onnx.model_card import weights_card
    from bvas.system.hub import import_hub, parse_address

    address = parse_address(args.address)
    import_hub()
    experiment = load_experiment(args.experiment, args.runs)
    folds = trained_among(experiment, args.runs, args.folds)
    run = args.runs / experiment.name
    checkpoints = {
        fold: load_checkpoint(fold_folder(args.runs, experiment.name, fold) / FILE_NAME) for fold in folds
    }
    with TemporaryDirectory() as scratch:
        files = files_to_push(experiment, checkpoints, run, Path(scratch))
        card = weights_card(experiment, checkpoints, files, run, address.repository)
        commit = push(address, files, card, private=args.private)
    print(f"{len(files)} files and a model card uploaded; add the license to the card before others use it")
    print(f"now: --experiment hf:{address.repository}@{commit}")
