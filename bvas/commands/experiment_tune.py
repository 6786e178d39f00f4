"""Choose the rules that make spots or intervals of each label, on out-of-fold score curves.

For spots these are smoothing, smallest height, smallest distance and operating point; for intervals smoothing,
thresholds, smallest length and largest gap.

The gain is printed: each fold is scored with rules chosen on the others. Writes a file for 'bvas predict
--postprocessing FILE' and 'bvas spot --postprocessing FILE'. It holds the experiment's own rules where the gain is not
significant.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.data.matches import Match
    from bvas.evaluation.tuning.interval_tuning import IntervalTuning
    from bvas.evaluation.tuning.nested import Tuning
    from bvas.experiment.experiment import Experiment
    from bvas.results.tuned_peaks import Postprocessing, TunedScore


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas experiment tune`."""
    options.add_experiment(parser)
    options.add_folds(
        parser, "folds whose curves are used (default: all that the experiment trains)", default=None
    )
    options.add_out(parser, "default: RUNS/NAME/postprocessing.json", metavar="FILE")
    options.add_folders(parser)


def run(args: argparse.Namespace) -> None:
    """Tune, print the gain, and write the file."""
    from bvas import __version__
    from bvas.data.matches import find_matches, folds_of
    from bvas.errors import ConfigError
    from bvas.experiment.experiment import load_experiment, parse_folds
    from bvas.results.tuned_peaks import FILE_NAME
    from bvas.system.atomic_files import check_writable

    experiment = load_experiment(args.experiment, args.runs)
    if experiment.kind == "clip":
        raise ConfigError(
            f"experiment {experiment.name} is of kind 'clip', whose answers have no rules to tune: the most probable "
            "class is taken; compare settings with 'bvas experiment run A,B'"
        )
    out: Path = args.out or args.runs / experiment.name / FILE_NAME
    check_writable(out.parent)
    found = find_matches(experiment.task, args.data)
    folds = parse_folds(args.folds, folds_of(found), experiment.train.folds)
    # By name, so that resamples do not depend on the order in which matches are listed. A test split chooses nothing.
    chosen = (match for match in found if match.fold in folds and match.split != "test")
    matches = sorted(chosen, key=lambda match: match.name)
    made_on = tuple(match.name for match in matches)
    if experiment.kind == "interval":
        tuned, lines = _tuned_intervals(experiment, matches, args)
    else:
        tuned, lines = _tuned_peaks(experiment, matches, args)
    assert tuned.provenance is not None
    provenance = replace(tuned.provenance, experiment=experiment.name, matches=made_on, bvas=__version__)
    replace(tuned, provenance=provenance).save(out)
    print(*lines, sep="\n")
    is_tuned = tuned.applied_to(experiment, out) != experiment
    print(f"{'tuned' if is_tuned else 'unchanged'} rules in {out}")


def _tuned_peaks(
    experiment: "Experiment", matches: "Sequence[Match]", args: argparse.Namespace
) -> "tuple[Postprocessing, list[str]]":
    from bvas.evaluation.tuning.curves import load_labelled_curves, parts_of
    from bvas.evaluation.tuning.grid import default_grid
    from bvas.evaluation.tuning.nested import tune
    from bvas.results.tuned_peaks import Postprocessing, Provenance

    data = load_labelled_curves(experiment, matches, args.runs)
    with progress_bar("tuning", "label", quiet=args.quiet) as progress:
        tuning = tune(
            data, parts_of(matches), experiment.peaks, default_grid(experiment.input.rate), progress=progress
        )
    postprocessing = Postprocessing(
        labels=experiment.task.labels.names,
        rate=experiment.input.rate,
        peaks=tuning.peaks,
        provenance=Provenance(spots=tuning.spots, operating_points=tuning.operating_points),
    )
    return postprocessing, tuning_lines(tuning, len(matches))


def _tuned_intervals(
    experiment: "Experiment", matches: "Sequence[Match]", args: argparse.Namespace
) -> "tuple[Postprocessing, list[str]]":
    import numpy as np

    from bvas.evaluation.interval_evaluation import ranged_results
    from bvas.evaluation.tuning.curves import parts_of
    from bvas.evaluation.tuning.interval_tuning import tune_intervals
    from bvas.results.tuned_peaks import Postprocessing, Provenance

    results = ranged_results(experiment, matches, args.runs)
    numbers = {match.name: number for number, match in enumerate(matches)}
    with progress_bar("tuning", "label", quiet=args.quiet) as progress:
        tuning = tune_intervals(
            results,
            np.array([numbers[result.video.match] for result in results]),
            parts_of(matches),
            experiment.task.labels,
            experiment.intervals,
            experiment.input.rate,
            progress=progress,
        )
    postprocessing = Postprocessing(
        labels=experiment.task.labels.names,
        rate=experiment.input.rate,
        intervals=tuning.intervals,
        provenance=Provenance(intervals=tuning.score),
    )
    return postprocessing, interval_tuning_lines(tuning, len(matches))


def interval_tuning_lines(tuning: "IntervalTuning", num_matches: int) -> list[str]:
    """Return the chosen rules of intervals and their gain as lines for people."""
    width = max(len(label) for label in (*tuning.rules, "all labels")) + 2
    lines = [
        f"{count_text(num_matches, 'match')}; chosen on all of them, scored nested (each fold by rules of the others):",
        f"  {'label':<{width}}{'ranges':>8}{'smoothing':>11}{'threshold':>11}{'kept from':>11}{'length':>8}{'gap':>6}"
        f"{'AP':>8}{'nested':>8}",
    ]
    for label, rule in tuning.rules.items():
        scores = tuning.score.per_label.get(label)
        figures = "" if scores is None else f"{scores[0]:>8.3f}{scores[1]:>8.3f}"
        lines.append(
            f"  {label:<{width}}{tuning.num_ranges[label]:>8}{rule.sigma_frames:>11g}{rule.threshold:>11g}"
            f"{rule.keep_threshold:>11.3g}{rule.min_length_frames:>8}{rule.max_gap_frames:>6}{figures}"
        )
    return [*lines, *_gain_lines(tuning.score, "smoothing, thresholds, length and gaps")]


def tuning_lines(tuning: "Tuning", num_matches: int) -> list[str]:
    """Return the chosen rules and their gain as lines for people."""
    width = max(len(label) for label in (*tuning.rules, "all labels")) + 2
    lines = [
        f"{count_text(num_matches, 'match')}; chosen on all of them, scored nested (each fold by rules of the others):",
        f"  {'label':<{width}}{'annotations':>12}{'smoothing':>11}{'distance':>10}{'height':>8}{'shown from':>12}"
        f"{'AP@1':>8}{'nested':>8}{'F1':>8}{'nested':>8}",
    ]
    for label, rule in tuning.rules.items():
        ap, f1 = tuning.spots.per_label[label], tuning.operating_points.per_label[label]
        lines.append(
            f"  {label:<{width}}{tuning.num_annotations[label]:>12}{rule.sigma_frames:>11g}"
            f"{rule.min_distance_frames:>10}{rule.min_height:>8g}{tuning.points[label]:>12g}"
            f"{ap[0]:>8.3f}{ap[1]:>8.3f}{f1[0]:>8.3f}{f1[1]:>8.3f}"
        )
    return [
        *lines,
        *_gain_lines(tuning.spots, "smoothing, distance and height"),
        *_gain_lines(tuning.operating_points, "operating points"),
    ]


def _gain_lines(score: "TunedScore", what: str) -> list[str]:
    lines = [
        f"{what}: {score.figure} {score.before:.4f}, nested {score.nested:.4f} ({score.gain:+.4f}); with "
        f"annotations at other times {score.by_chance:.4f}, at most {score.most_by_chance:.4f}"
    ]
    if score.interval is None:
        return [*lines, "  not taken: with fewer than 3 matches no gain is significant"]
    if score.is_real:
        verdict = "taken"
    elif not score.knows_more_than_chance:
        verdict = "not taken: the gain is not above the chance baseline"
    else:
        verdict = "not taken: the interval is not above 0"
    return [*lines, f"  interval {score.interval.text(signed=True)}", f"  {verdict}"]
