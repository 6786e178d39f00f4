"""Train, predict and score experiments: stages that build on each other, or configs whose settings are compared.

Of kind clip with a test split the score is that of the validation split: a search does not look at the test split.
Finished work is skipped, interrupted work is resumed. The table is also written to RUNS/experiment_run.json.
"""

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.option_values import parse_workers
from bvas.errors import ConfigError
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.evaluation.chain import Stage, StageScore

logger = logging.getLogger(__name__)

_FIGURES = {"spot": "official mAP@1", "interval": "mAP at tIoU 0.5:0.95", "clip": "macro F1"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas experiment run`."""
    parser.add_argument("experiments", metavar="A,B,C", help="config names, in the order of the stages")
    parser.add_argument(
        "--seeds",
        metavar="0,1",
        help="random seeds of all stages; seeds other than the configs' use RUNS/seed_S (default: the configs')",
    )
    options.add_training(parser)
    options.add_overwrite(parser, "train all stages again")
    options.add_folders(parser)
    options.add_workers(parser)


def run(args: argparse.Namespace) -> None:
    """Run the stages for each seed, print the table, and write it."""
    from bvas.commands.experiment_stages import Machine, run_stage
    from bvas.data.matches import find_matches
    from bvas.data.siblings.samples import samples_of
    from bvas.evaluation.chain import Stage, chain_json, check_order, runs_of_seed
    from bvas.experiment.experiment import load_experiment
    from bvas.system.atomic_files import write_json
    from bvas.system.devices import choose_device
    from bvas.training.sibling_check import check_siblings

    if args.jobs < 1:
        raise ConfigError(f"--jobs must be at least 1, got {args.jobs}")
    machine = Machine(
        device=choose_device(args.device),
        workers=parse_workers(args.workers),
        jobs=args.jobs,
        on_error=args.on_error,
        overwrite=args.overwrite,
        quiet=args.quiet,
    )
    stages, facts = [], {}
    for name in args.experiments.split(","):
        experiment = load_experiment(name, args.runs)
        matches = tuple(find_matches(experiment.task, args.data))
        samples = samples_of(matches, experiment.task)
        facts[experiment.name] = check_siblings(samples, args.data, allow=args.allow_siblings)
        stages.append(Stage(experiment, matches))
    seeds = _parse_seeds(args.seeds, stages[0].experiment.seed)
    folders = {seed: runs_of_seed(stages, args.runs, seed) for seed in seeds}
    for folder in folders.values():
        check_order(stages, folder)
    scores = []
    for seed, folder in folders.items():
        for place, stage in enumerate(stages, start=1):
            logger.info("seed %d, stage %d of %d: %s", seed, place, len(stages), stage.name)
            scores.append(run_stage(stage.with_seed(seed), folder, machine, facts[stage.name]))
    write_json(args.runs / "experiment_run.json", chain_json(stages, scores))
    print(*chain_lines(stages, scores), sep="\n")


def _parse_seeds(text: str | None, own: int) -> list[int]:
    if text is None:
        return [own]
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(f"seeds must be numbers like 0,1, got {text!r}")
    return list(dict.fromkeys(int(part) for part in parts))


def chain_lines(stages: "Sequence[Stage]", scores: "Sequence[StageScore]") -> list[str]:
    """Return the scores as lines for people."""
    from bvas.evaluation.chain import gains, summarize
    from bvas.experiment.differences import differing_settings

    kinds = {stage.experiment.kind for stage in stages}
    figure = " / ".join(text for kind, text in _FIGURES.items() if kind in kinds)
    width = max(len(figure), *(len(stage.name) for stage in stages)) + 2
    lines = [f"{figure:<{width}}{'seed':>5}{'pooled':>9}  by fold"]
    for stage in stages:
        for score in scores:
            if score.stage == stage.name:
                folds = "  ".join(f"{fold}: {value:.4f}" for fold, value in score.folds.items())
                lines.append(f"{score.stage:<{width}}{score.seed:>5}{score.pooled:>9.4f}  {folds}")
    settings = differing_settings([stage.experiment for stage in stages])
    lines += [f"  {name}: {', '.join(texts)}" for name, texts in settings.items() if texts]
    lines.append("mean and standard deviation over folds and seeds:")
    for summary in summarize(scores):
        spread = "no spread" if summary.spread is None else f"+- {summary.spread:.4f}"
        lines.append(
            f"  {summary.stage:<{width}}{summary.mean:.4f} {spread}  ({count_text(summary.num_values, 'value')})"
        )
    for gain in gains(stages, scores):
        if gain.spread is None or gain.paired_spread is None:
            verdict = "one fold and seed give no spread to compare with"
        else:
            word = "more" if gain.is_above else "not more"
            verdict = f"{word} than the spread {gain.spread:.4f}; differences +- {gain.paired_spread:.4f}"
        lines.append(f"{gain.stage} over {gain.base}: {gain.mean:+.4f}, {verdict}")
    return lines
