"""Ensemble: weights of its members, their score, and its folder, which is read like an experiment's."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas.data.matches import Match
from bvas.errors import ConfigError, DataError
from bvas.evaluation.ensembling.averaging import weighted_mean
from bvas.evaluation.ensembling.members import Member, MemberCurves
from bvas.evaluation.ensembling.selection import select_nested
from bvas.evaluation.ensembling.weighting_scores import EnsembleScores, Weights
from bvas.evaluation.tuning.curves import labelled, parts_of
from bvas.experiment.checkpoint import ENSEMBLE_NAME
from bvas.experiment.experiment import Experiment
from bvas.metrics.bootstrap import Interval, difference_interval
from bvas.metrics.official import scores_of
from bvas.results.store import Split, predictions_folder, write_match
from bvas.results.video_result import VideoResult
from bvas.system.atomic_files import write_json, write_text
from bvas.system.text_files import read_json
from bvas.values.progress import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberScore:
    """Score of one member alone, or of all with equal weights, and the difference of the ensemble."""

    name: str
    score: float
    """Official mAP@1 in [0, 1]."""
    difference: float
    """The ensemble's minus this."""
    interval: Interval | None
    """Of the difference, paired over matches; None with fewer than three."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "official_map_at_1": self.score,
            "difference": self.difference,
            "interval_over_matches": None if self.interval is None else self.interval.to_json(),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Ensemble:
    """Weights of the members of an ensemble."""

    members: tuple[str, ...]
    is_selected: bool
    """True where the weights were chosen; False where all members count alike."""
    weights: Weights
    """By member."""
    by_part: dict[int, Weights]
    """Those of each held-out part (fold), chosen on the others; empty where all count alike."""
    score: float | None = None
    """Official mAP@1 of the out-of-fold mean, nested where the weights were chosen; None where it was not scored."""
    others: tuple[MemberScore, ...] = ()
    """Scores that it is compared with."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "members": list(self.members),
            "selected": self.is_selected,
            "weights": list(self.weights),
            "weights_by_held_out_part": {str(part): list(weights) for part, weights in self.by_part.items()},
            "out_of_fold_official_map_at_1": self.score,
            "is_nested": self.is_selected,
            "compared_with": [other.to_json() for other in self.others],
        }


def build_ensemble(
    members: Sequence[Member],
    experiment: Experiment,
    matches: Sequence[Match],
    curves: MemberCurves,
    *,
    selected: bool,
    progress: Progress | None = None,
) -> Ensemble:
    """Return how the members count, from their out-of-fold curves.

    Args:
        members: At least two where they are selected.
        experiment: Grid, labels and rules of the ensemble.
        matches: Labelled matches.
        curves: Of the members, for the halves of these matches.
        selected: Choose members; else all count alike.
        progress: Called with (selections done, selections in all).

    Raises:
        DataError: an annotation is missing or wrong, or there is one match and members are to be selected.
        ConfigError: one member and members are to be selected.
    """
    data = labelled(experiment, matches, curves.halves)
    scores = EnsembleScores(curves, data, experiment.peaks)
    alike = (1,) * len(members)
    names = tuple(member.name for member in members)
    compared: dict[str, Weights] = {name: tuple(int(other == name) for other in names) for name in names}
    if not selected:
        weights, by_part, counts = alike, {}, scores.tally(alike)
        if len(members) == 1:
            compared = {}
    else:
        _check_selectable(members, matches)
        selection = select_nested(scores, parts_of(matches), progress=progress)
        weights, by_part, counts = selection.weights, selection.by_part, selection.nested
        compared["all alike"] = alike
    own = scores_of(counts, experiment.task.labels).mean
    others = []
    for name, its_weights in compared.items():
        tally = scores.tally(its_weights)
        score, interval = scores_of(tally, experiment.task.labels).mean, difference_interval(tally, counts)
        others.append(MemberScore(name=name, score=score, difference=own - score, interval=interval))
    return Ensemble(
        members=names, is_selected=selected, weights=weights, by_part=by_part, score=own, others=tuple(others)
    )


def _check_selectable(members: Sequence[Member], matches: Sequence[Match]) -> None:
    if len(members) < 2:
        raise ConfigError(
            f"--select chooses among experiments, and {members[0].name} stands alone; name others"
        )
    if len(matches) < 2:
        raise DataError(
            f"'{matches[0].name}' is the only match with curves: a selection on it cannot be scored on another; leave "
            "out --select, or predict at least two matches"
        )


def check_folder(runs: Path, name: str, members: Sequence[Member], *, selected: bool) -> None:
    """Refuse a folder that holds something else than this ensemble.

    Raises:
        ConfigError: it is another ensemble's, or an experiment's.
    """
    folder = runs / name
    if not folder.exists():
        return
    if not (folder / ENSEMBLE_NAME).is_file():
        raise ConfigError(f"{folder} exists already and is not an ensemble; choose another --name")
    found = read_json(folder / ENSEMBLE_NAME)
    if not isinstance(found, dict) or not isinstance(found.get("members"), list):
        raise DataError(
            f"{folder / ENSEMBLE_NAME} is not an ensemble's; choose another --name, or remove it first"
        )
    if (found["members"], found.get("selected")) != ([member.name for member in members], selected):
        kind = "a selection" if found.get("selected") else "the mean"
        raise ConfigError(
            f"{folder} holds {kind} of {', '.join(found['members'])}; choose another --name, or remove it first"
        )


def write_ensemble(
    ensemble: Ensemble, experiment: Experiment, curves: MemberCurves, runs: Path, split: Split
) -> Path:
    """Write how the members count, and curves and results of each match; return the folder of predictions.

    Args:
        ensemble: How the members count.
        experiment: Named like the ensemble; its grid, labels and rules hold.
        curves: Of the members.
        runs: The runs folder.
        split: Which predictions these are.
    """
    folder = predictions_folder(runs, experiment.name, split)
    # First, so that a run that was interrupted is taken up again.
    write_text(runs / experiment.name / "experiment.json", experiment.to_json() + "\n")
    write_json(runs / experiment.name / ENSEMBLE_NAME, ensemble.to_json())
    parts: list[int] = parts_of(curves.matches).tolist()
    part_of = {match.name: part for match, part in zip(curves.matches, parts, strict=True)}
    by_match: dict[str, list[VideoResult]] = {}
    for half, member_curves in zip(curves.halves, curves.curves, strict=True):
        match, weights = half.video.match, ensemble.weights
        if split is Split.CV and ensemble.is_selected:
            weights = ensemble.by_part[part_of[match]]
        mean = weighted_mean(member_curves, weights)
        found = VideoResult.from_curve(half.video, mean, experiment)
        by_match.setdefault(match, []).append(found)
    for match, halves in by_match.items():
        write_match(folder / match, halves, rate=experiment.input.rate, kind=experiment.kind)
    return folder
