"""Average the score curves of several experiments.

Each match is averaged over models that have not seen it. The result is RUNS/NAME, which evaluate, report, submit and
tune take like an experiment's. No video is read.
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bvas.commands import options
from bvas.commands.console import progress_bar

if TYPE_CHECKING:
    from bvas.evaluation.ensembling.ensemble import Ensemble


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas experiment ensemble`."""
    parser.add_argument(
        "experiments", metavar="A,B", help="experiments, or seed_1/A for the one in RUNS/seed_1"
    )
    options.add_challenge(parser, "the challenge matches instead of the out-of-fold curves")
    parser.add_argument(
        "--select",
        action="store_true",
        help="choose members and their weights by greedy forward selection on the out-of-fold mAP; "
        "each fold is averaged by the choice of the other folds, so that its score is unbiased",
    )
    parser.add_argument("--name", help="name of the ensemble (default: A+B, or A+B_selected)")
    options.add_folds(
        parser, "folds whose matches are averaged (default: all that are trained)", default=None
    )
    options.add_postprocessing(parser)
    options.add_folders(parser)


def run(args: argparse.Namespace) -> None:
    """Average, print the scores, and write the folder."""
    from dataclasses import replace

    from bvas.data.matches import find_matches, folds_of
    from bvas.errors import DataError
    from bvas.evaluation.ensembling.ensemble import Ensemble, build_ensemble, check_folder, write_ensemble
    from bvas.evaluation.ensembling.members import base_of, load_members, read_member_curves
    from bvas.experiment.experiment import check_new_name, parse_folds
    from bvas.results.store import Split
    from bvas.results.tuned_peaks import with_postprocessing
    from bvas.system.atomic_files import check_writable
    from bvas.tasks.kind_choice import check_kind

    members = load_members(args.experiments.split(","), args.runs)
    for member in members:
        check_kind(member.experiment, "spot", "bvas experiment ensemble")
    names = [member.name for member in members]
    name = args.name or "+".join(names).replace("/", "_") + ("_selected" if args.select else "")
    check_new_name(name)
    check_folder(args.runs, name, members, selected=args.select)
    check_writable(args.runs / name)
    experiment = with_postprocessing(replace(base_of(members), name=name), args.postprocessing)
    found = find_matches(experiment.task, args.data)
    ensemble = Ensemble(members=tuple(names), is_selected=False, weights=(1,) * len(names), by_part={})
    if not args.challenge or args.select:
        folds = parse_folds(args.folds, folds_of(found), experiment.train.folds)
        # A test split selects no members. By name, so that resamples do not depend on the order in the data.
        left_out = "test" if args.select else None
        chosen = (
            match for match in found if match.fold in folds and not (left_out and match.split == left_out)
        )
        matches = sorted(chosen, key=lambda match: match.name)
        curves = read_member_curves(members, matches, Split.CV)
        with progress_bar("selecting", "fold", quiet=args.quiet) as progress:
            ensemble = build_ensemble(
                members, experiment, matches, curves, selected=args.select, progress=progress
            )
    if args.challenge:
        challenge = [match for match in found if match.fold is None]
        if not challenge:
            raise DataError(
                f"no challenge match in {args.data / experiment.task.folder}; leave out --challenge"
            )
        curves = read_member_curves(members, challenge, Split.CHALLENGE)
    split = Split.CHALLENGE if args.challenge else Split.CV
    out = write_ensemble(ensemble, experiment, curves, args.runs, split)
    for line in ensemble_lines(ensemble):
        print(line)
    print(f"predictions are in {out}")


def ensemble_lines(ensemble: "Ensemble") -> list[str]:
    """Return the members' weights and scores as lines for people."""
    lines = []
    if ensemble.is_selected:
        lines.append("selected: " + _weights_text(ensemble.members, ensemble.weights))
        lines += [
            f"  for held-out part {part}: {_weights_text(ensemble.members, weights)}"
            for part, weights in ensemble.by_part.items()
        ]
    if ensemble.score is None:
        return lines
    for other in ensemble.others:
        lines.append(f"{other.name}: {other.score:.4f}, the ensemble {other.difference:+.4f}")
        if other.interval is not None:
            lines.append(f"  interval {other.interval.text(signed=True)}")
    nested = " (nested: each part by what the others select)" if ensemble.is_selected else ""
    return [*lines, f"out-of-fold mAP@1 {ensemble.score:.4f}{nested}"]


def _weights_text(members: Sequence[str], weights: Sequence[int]) -> str:
    total = sum(weights)
    return ", ".join(
        f"{name} {weight}/{total}" for name, weight in zip(members, weights, strict=True) if weight
    )
