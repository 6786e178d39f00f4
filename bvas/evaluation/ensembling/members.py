"""Members of an ensemble, and their curves on one grid."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bvas.data.matches import Match
from bvas.errors import ConfigError
from bvas.evaluation.ensembling.averaging import curve_at
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.results.experiment_curves import read_curves
from bvas.results.store import Split
from bvas.results.video_result import VideoResult
from bvas.values.score_curve import ScoreCurve


@dataclass(frozen=True, slots=True)
class Member:
    """One experiment of an ensemble."""

    name: str
    """Its name as it was given: NAME, or FOLDER/NAME below the runs folder, e.g. `seed_1/ball_base`."""
    experiment: Experiment
    runs: Path
    """The runs folder with its predictions."""


@dataclass(frozen=True, slots=True)
class MemberCurves:
    """The curves of all members for the same halves, on one grid."""

    matches: tuple[Match, ...]
    halves: tuple[VideoResult, ...]
    """All halves of the matches, with the curve that gives the grid."""
    curves: tuple[tuple[ScoreCurve, ...], ...]
    """By half, then by member."""


def load_members(names: Sequence[str], runs: Path) -> list[Member]:
    """Return the experiments of an ensemble.

    Args:
        names: At least one; each may be a folder below `runs` and a name.
        runs: The runs folder.

    Raises:
        ConfigError: an experiment does not exist, one occurs twice, or they spot different labels.
    """
    members = []
    for name in names:
        folder, _, last = name.rpartition("/")
        if folder and not name.endswith(".py") and (runs / name).is_dir():
            members.append(Member(name, load_experiment(last, runs / folder), runs / folder))
        else:
            experiment = load_experiment(name, runs)
            members.append(Member(experiment.name, experiment, runs))
    called = [member.name for member in members]
    twice = [name for name in called if called.count(name) > 1]
    if twice:
        raise ConfigError(f"{twice[0]} occurs twice in the ensemble; name each experiment once")
    first = members[0]
    for member in members[1:]:
        if set(member.experiment.task.labels) != set(first.experiment.task.labels):
            raise ConfigError(
                f"{first.name} and {member.name} spot different labels ({', '.join(first.experiment.task.labels)} "
                f"against {', '.join(member.experiment.task.labels)}); their curves have no mean"
            )
    return members


def base_of(members: Sequence[Member]) -> Experiment:
    """Return the experiment whose grid, rules and labels the ensemble takes: the first of those of the highest rate."""
    return max((member.experiment for member in members), key=lambda experiment: experiment.input.rate)


def read_member_curves(members: Sequence[Member], matches: Sequence[Match], split: Split) -> MemberCurves:
    """Return the curves of some matches of all members, brought to the grid of `base_of`.

    Raises:
        DataError: a curve is missing or wrong, or those of a half are not of the same video.
    """
    base = base_of(members)
    by_member = [
        # All are looked up in the matches and videos of the base's task.
        read_curves(replace(member.experiment, task=base.task), matches, member.runs, split)
        for member in members
    ]
    grids = by_member[[member.experiment for member in members].index(base)]
    curves = []
    for number, half in enumerate(grids):
        where = f"'{half.video.match}', half {half.video.number}"
        curves.append(
            tuple(
                curve_at(
                    found[number].required_curve,
                    half.required_curve,
                    f"the curve of {member.name} for {where}",
                )
                for member, found in zip(members, by_member, strict=True)
            )
        )
    return MemberCurves(matches=tuple(matches), halves=tuple(grids), curves=tuple(curves))
