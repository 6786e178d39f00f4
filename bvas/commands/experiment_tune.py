"""Choose smoothing, smallest height, smallest distance and operating point of each label on out-of-fold score curves.

The gain is printed: each fold is scored with rules chosen on the others. Writes a file for 'bvas predict
--postprocessing FILE' and 'bvas spot --postprocessing FILE'. It holds the experiment's own rules where the gain is not
significant.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.console import progress_bar
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.evaluation.tuning.nested import Tuning
    from bvas.results.tuned_peaks import TunedScore


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
    from bvas.evaluation.tuning.curves import load_labelled_curves, parts_of
    from bvas.evaluation.tuning.grid import default_grid
    from bvas.evaluation.tuning.nested import tune
    from bvas.experiment.experiment import load_experiment, parse_folds
    from bvas.results.tuned_peaks import FILE_NAME, Postprocessing, Provenance
    from bvas.system.atomic_files import check_writable

    experiment = load_experiment(args.experiment, args.runs)
    out: Path = args.out or args.runs / experiment.name / FILE_NAME
    check_writable(out.parent)
    found = find_matches(experiment.task, args.data)
    folds = parse_folds(args.folds, folds_of(found), experiment.train.folds)
    # By name, so that resamples do not depend on the order in which matches are listed. A test split chooses nothing.
    chosen = (match for match in found if match.fold in folds and match.split != "test")
    matches = sorted(chosen, key=lambda match: match.name)
    data = load_labelled_curves(experiment, matches, args.runs)
    with progress_bar("tuning", "label", quiet=args.quiet) as progress:
        tuning = tune(
            data, parts_of(matches), experiment.peaks, default_grid(experiment.input.rate), progress=progress
        )
    Postprocessing(
        labels=experiment.task.labels.names,
        rate=experiment.input.rate,
        peaks=tuning.peaks,
        provenance=Provenance(
            experiment=experiment.name,
            matches=tuple(match.name for match in matches),
            bvas=__version__,
            spots=tuning.spots,
            operating_points=tuning.operating_points,
        ),
    ).save(out)
    print(*tuning_lines(tuning, len(matches)), sep="\n")
    print(f"{'tuned' if tuning.peaks != experiment.peaks else 'unchanged'} rules in {out}")


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
