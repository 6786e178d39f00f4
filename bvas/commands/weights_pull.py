"""Pull an experiment from the Hugging Face Hub into the runs folder.

Weights (safetensors) and settings (JSON) are fetched, never code. Their hashes are checked, and kept in hub.json beside
them. `--experiment hf:OWNER/NAME@REVISION` of other verbs does the same, once.
"""

import argparse

from bvas.commands import options
from bvas.errors import ConfigError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas weights pull`."""
    options.add_hub_address(parser, "branch, tag or commit; default: main")
    parser.add_argument("--name", help="name of the experiment (default: hf--OWNER--NAME@COMMIT)")
    options.add_folders(parser, data=False)


def run(args: argparse.Namespace) -> None:
    """Pull, and print the name."""
    from bvas.experiment.experiment import check_new_name, load_experiment
    from bvas.experiment.hub_pull import pull, pulled, resolved
    from bvas.system.hub import parse_address

    if args.name is None:
        name = pulled(args.address, args.runs)
    else:
        name = args.name
        check_new_name(name)
        if (args.runs / name).exists():
            raise ConfigError(f"{args.runs / name} exists already; choose another --name, or remove it first")
        pull(resolved(parse_address(args.address)), args.runs, name)
    experiment = load_experiment(name, args.runs)
    print(f"experiment {name} of kind {experiment.kind} in {args.runs / name}")
