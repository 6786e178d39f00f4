"""Find a learning rate: train a few steps with rising rates, and draw the loss over the rate.

The suggestion is the rate in the middle of the descent of the smoothed loss. No weights are kept.
"""

import argparse
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.commands.option_values import parse_workers

if TYPE_CHECKING:
    from bvas.training.rate_finder import RateCurve


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas experiment rate`."""
    options.add_experiment(parser)
    options.add_fold(parser)
    parser.add_argument("--steps", type=int, default=100, metavar="N", help="training steps (default: 100)")
    parser.add_argument("--lowest", type=float, default=1e-7, metavar="R", help="first rate (default: 1e-7)")
    parser.add_argument("--highest", type=float, default=1.0, metavar="R", help="last rate (default: 1)")
    options.add_out(parser, "default: RUNS/NAME/rate")
    options.add_folders(parser)
    options.add_workers(parser)


def run(args: argparse.Namespace) -> None:
    """Search, write the curve and its picture, and print the suggestion."""
    from bvas.data.matches import find_matches, folds_of
    from bvas.experiment.experiment import load_experiment
    from bvas.report.rate_plot import rate_png
    from bvas.system.atomic_files import check_writable, write_bytes, write_json
    from bvas.system.devices import choose_device, use_device
    from bvas.training.rate_finder import find_rate, rising_rates

    rates = rising_rates(args.lowest, args.highest, args.steps)
    workers = parse_workers(args.workers)
    device = choose_device(args.device)
    experiment = load_experiment(args.experiment, args.runs)
    out = args.out or args.runs / experiment.name / "rate"
    check_writable(out)
    matches = find_matches(experiment.task, args.data)
    fold = args.fold if args.fold is not None else min(folds_of(matches), default=0)
    use_device(device)
    with progress_bar(f"{experiment.name} rate", "step", quiet=args.quiet) as progress:
        curve = find_rate(
            experiment,
            fold,
            matches,
            rates,
            runs=args.runs,
            device=device,
            workers=workers,
            progress=progress,
        )
    path = out / f"fold_{fold}.png"
    configured = experiment.train.learning_rate
    heading = f"Learning rate of {experiment.name}, fold {fold} held out"
    write_bytes(path, rate_png(curve, heading=heading, configured=configured))
    write_json(
        path.with_suffix(".json"),
        {
            "experiment": experiment.name,
            "fold": fold,
            "batch_size": experiment.train.batch_size,
            "suggestion": curve.suggestion,
            "is_diverged": curve.is_diverged,
            "rates": curve.rates.tolist(),
            "losses": [loss if loss < float("inf") else None for loss in curve.losses.tolist()],
            "smoothed": curve.smoothed.tolist(),
        },
    )
    print(*rate_lines(curve, configured), f"curve: {path}", sep="\n")


def rate_lines(curve: "RateCurve", configured: float) -> list[str]:
    """Return the result as lines for people."""
    end = f"the loss diverged at {curve.rates[-1]:.1e}" if curve.is_diverged else "the loss did not diverge"
    first = f"{len(curve.rates)} steps with rates from {curve.rates[0]:.1e} to {curve.rates[-1]:.1e}; {end}"
    if curve.suggestion is None:
        return [
            first,
            "no suggestion: the loss does not fall by clearly more than its noise; take more --steps or other rates, "
            "or look whether the model learns at all",
        ]
    lowest, rate = float(curve.smoothed[curve.lowest]), float(curve.rates[curve.lowest])
    return [
        first,
        f"the smoothed loss falls from {curve.start:.4f} to {lowest:.4f}, at {rate:.1e}",
        f"suggested learning_rate: {curve.suggestion:.1e}, the middle of the descent; a tenth of the rate at the "
        f"minimum: {rate / 10:.1e}; the config's: {configured:.1e}",
    ]
