"""Make synthetic matches, train on all but one, predict that one, score it, and write a report.

This takes minutes on a CPU.
"""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.commands.option_values import parse_workers
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.synthetic.config import SyntheticConfig

logger = logging.getLogger(__name__)

_MATCHES = 5
_MINUTES = 5.0
# Short: else training on a CPU would spend its time on decoding frames between keyframe and clip.
_KEYFRAME_INTERVAL = 25
_HELD_OUT_FOLD = 0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas demo`."""
    options.add_out(parser, "default: ./demo", default=Path("demo"))
    options.add_seed(parser, "seed of the league (default: 0)", default=0)
    options.add_folders(parser, data=False)
    options.add_workers(parser)


def run(args: argparse.Namespace) -> None:
    """Render, train, predict, score, report."""
    from bvas.commands.evaluate import evaluation_lines
    from bvas.data.matches import find_matches
    from bvas.evaluation.experiment_scores import evaluate_predictions
    from bvas.evaluation.label_check import check_labels
    from bvas.experiment.experiment import load_experiment
    from bvas.predicting.many_matches import predict_held_out
    from bvas.report.evaluation_pictures import write_pictures
    from bvas.report.page_input import evaluation_report
    from bvas.report.report_folder import write_report_folder
    from bvas.results.store import predictions_folder
    from bvas.synthetic.league import make_league
    from bvas.system.atomic_files import write_json
    from bvas.system.devices import choose_device, use_device
    from bvas.training.fold import run_fold
    from bvas.video.encode.browser_preview import PreviewConfig

    experiment = load_experiment("demo")
    device = choose_device(args.device)
    use_device(device)
    data, runs = args.out / "data", args.runs
    config = league_config(experiment.input.size, args.seed)
    logger.info("1/4 rendering %s of %g minutes into %s", count_text(_MATCHES, "match"), config.minutes, data)
    with progress_bar("rendering", "frame", quiet=args.quiet) as progress:
        make_league(data, config, progress=lambda done: progress(done, config.num_frames))

    matches = find_matches(experiment.task, data)
    logger.info("2/4 training on %d of them", _MATCHES - 1)
    with progress_bar("training", "clip", quiet=args.quiet) as progress:
        run_fold(
            experiment,
            _HELD_OUT_FOLD,
            matches,
            runs=runs,
            device=device,
            workers=parse_workers(args.workers),
            overwrite=True,
            progress=progress,
        )

    unseen = [match for match in matches if match.fold == _HELD_OUT_FOLD]
    logger.info("3/4 predicting the match that training never saw: %s", unseen[0].folder.name)
    predictions = predictions_folder(runs, experiment.name)
    with progress_bar("predicting", "frame", quiet=args.quiet) as progress:
        predict_held_out(experiment, matches, [_HELD_OUT_FOLD], runs, progress, devices=args.device)

    logger.info("4/4 scoring it and drawing the report")
    evaluation = evaluate_predictions(experiment, unseen, predictions)
    write_json(runs / experiment.name / "evaluation.json", evaluation.to_json())
    report = evaluation_report(evaluation, experiment, data, label_check=check_labels(evaluation, experiment))
    page = write_report_folder(
        report,
        args.out / "report",
        link=False,
        config=PreviewConfig(),
        progress=lambda name: progress_bar(name, "frame", quiet=args.quiet),
    )
    pictures = write_pictures(evaluation, experiment, page.parent)
    print(f"report    {page}")
    for path in pictures:
        print(f"          {path}")
    print(f"results   {predictions}")
    print(f"model     {runs / experiment.name}; on a video: bvas spot VIDEO --experiment demo --runs {runs}")
    print(*evaluation_lines(evaluation), sep="\n")


def league_config(
    size: tuple[int, int], seed: int, *, matches: int = _MATCHES, minutes: float | None = None
) -> "SyntheticConfig":
    """Return the settings of the demo's league.

    Args:
        size: (H, W) of the frames.
        seed: Random seed.
        matches: Matches with labels.
        minutes: Of each; None: the demo's.
    """
    from bvas.synthetic.config import SyntheticConfig

    return SyntheticConfig(
        matches=matches,
        challenge_matches=0,
        minutes=_MINUTES if minutes is None else minutes,
        size=size,
        keyframe_interval=_KEYFRAME_INTERVAL,
        seed=seed,
    )
