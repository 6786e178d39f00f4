"""Chain of experiments that build on each other, over several seeds: order, state and comparison of the stages."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bvas.data.matches import Match, folds_of
from bvas.errors import ConfigError
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, trained_folds
from bvas.experiment.experiment import Experiment, parse_folds
from bvas.predicting.assignments import held_out
from bvas.predicting.finished import is_finished
from bvas.predicting.settings import Weights, Work
from bvas.results.store import predictions_root


@dataclass(frozen=True, slots=True)
class Stage:
    """One experiment of a chain, with its data."""

    experiment: Experiment
    """Its own seed; `with_seed` gives it another."""
    matches: tuple[Match, ...]
    """All of its data root."""

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.experiment.name

    @property
    def folds(self) -> list[int]:
        """The folds that are trained, predicted and scored."""
        return parse_folds(None, folds_of(self.matches), self.experiment.train.folds)

    def held_out(self, fold: int) -> list[Match]:
        """Return the matches of a fold."""
        return [match for match in self.matches if match.fold == fold]

    def sources(self) -> dict[str, str]:
        """Return the experiments that it builds on, each with the command that makes what it needs."""
        train = self.experiment.train
        sources = {}
        if train.starts_from_experiment:
            sources[train.start_from] = f"bvas train --experiment {train.start_from}"
        if train.hard_negatives_from:
            name = train.hard_negatives_from
            sources[name] = f"bvas train --experiment {name}, then bvas predict --experiment {name}"
        return sources

    def with_seed(self, seed: int) -> "Stage":
        """Return the same stage with other random draws."""
        return replace(self, experiment=replace(self.experiment, seed=seed))


def runs_of_seed(stages: Sequence[Stage], runs: Path, seed: int) -> Path:
    """Return the runs folder of a seed: `runs` for the one that the configs name, else `runs/seed_S`.

    Raises:
        ConfigError: the configs name different seeds.
    """
    own = {stage.name: stage.experiment.seed for stage in stages}
    if len(set(own.values())) > 1:
        raise ConfigError(
            f"the stages of a chain share their seed, and these have their own: {own}; set it alike"
        )
    return runs if seed in own.values() else runs / f"seed_{seed}"


def check_order(stages: Sequence[Stage], runs: Path) -> None:
    """Check before anything trains that each stage finds what it builds on.

    Args:
        stages: In the order in which they are trained.
        runs: The runs folder of the seed.

    Raises:
        ConfigError: a stage occurs twice, builds on a later one, or on one that is neither here nor trained.
    """
    names = [stage.name for stage in stages]
    if len(set(names)) < len(names):
        raise ConfigError(f"a stage occurs twice among {', '.join(names)}")
    for place, stage in enumerate(stages):
        for source, command in stage.sources().items():
            if source in names[:place]:
                continue
            if source in names[place:]:
                raise ConfigError(f"{stage.name} builds on {source}, which must stand before it")
            if not trained_folds(runs, source):
                raise ConfigError(
                    f"{stage.name} builds on {source}, which is neither before it nor trained in {runs}; name it "
                    f"before, or make it first: {command}{'' if runs == Path('runs') else f' --runs {runs}'}"
                )


def is_predicted(stage: Stage, fold: int, runs: Path) -> bool:
    """Return whether all matches of a fold have results of its weights, of these settings and videos."""
    work = Work(experiment=stage.experiment, runs=runs)
    weights = Weights(work)
    assignments = held_out(stage.matches, [fold], predictions_root(runs, stage.name))
    return all(is_finished(assignment, work, weights) for assignment in assignments)


def newer_sources(stage: Stage, fold: int, runs: Path) -> list[str]:
    """Return the experiments that were trained again after the fold that builds on them."""
    own = (fold_folder(runs, stage.name, fold) / FILE_NAME).stat().st_mtime
    return [
        source
        for source in stage.sources()
        if any(
            (fold_folder(runs, source, other) / FILE_NAME).stat().st_mtime > own
            for other in trained_folds(runs, source)
        )
    ]


@dataclass(frozen=True, slots=True)
class StageScore:
    """Official mAP@1 of one stage with one seed, in [0, 1]."""

    stage: str
    seed: int
    folds: dict[int, float]
    pooled: float
    """All folds' matches together; not the mean over the folds."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A stage over all folds and seeds."""

    stage: str
    mean: float
    """Over folds and seeds."""
    spread: float | None
    """Standard deviation over folds and seeds (n - 1); None with one value."""
    num_values: int


@dataclass(frozen=True, slots=True)
class Gain:
    """Score of a stage minus that of the first, fold by fold and seed by seed."""

    stage: str
    base: str
    mean: float
    paired_spread: float | None
    """Standard deviation of the differences."""
    spread: float | None
    """The larger of both stages' standard deviations; a gain counts where its mean exceeds it."""

    @property
    def is_above(self) -> bool | None:
        """True where the stage is above the first one by more than the spread; None without a spread."""
        return None if self.spread is None else self.mean > self.spread


def summarize(scores: Sequence[StageScore]) -> list[Summary]:
    """Return a summary for each stage, in order."""
    names = dict.fromkeys(score.stage for score in scores)
    summaries = []
    for name in names:
        values = [value for score in scores if score.stage == name for value in score.folds.values()]
        summaries.append(Summary(name, statistics.fmean(values), _deviation(values), len(values)))
    return summaries


def gains(stages: Sequence[Stage], scores: Sequence[StageScore]) -> list[Gain]:
    """Return the gain of each stage over the first one, of those that are scored on the same matches and labels."""
    found = []
    base = stages[0]
    spreads = {summary.stage: summary.spread for summary in summarize(scores)}
    values = {
        (score.stage, score.seed, fold): value for score in scores for fold, value in score.folds.items()
    }
    for stage in stages[1:]:
        if _scored(stage) != _scored(base):
            continue
        differences = [
            values[stage.name, seed, fold] - values[base.name, seed, fold]
            for name, seed, fold in values
            if name == stage.name and (base.name, seed, fold) in values
        ]
        both = [spread for spread in (spreads[base.name], spreads[stage.name]) if spread is not None]
        found.append(
            Gain(
                stage=stage.name,
                base=base.name,
                mean=statistics.fmean(differences),
                paired_spread=_deviation(differences),
                spread=max(both) if both else None,
            )
        )
    return found


def _scored(stage: Stage) -> tuple[object, ...]:
    matches = tuple((match.name, match.fold) for fold in stage.folds for match in stage.held_out(fold))
    return stage.experiment.task.folder, stage.experiment.task.labels.names, matches


def _deviation(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def chain_json(stages: Sequence[Stage], scores: Sequence[StageScore]) -> dict[str, Any]:
    """Return all figures as plain data."""
    return {
        "stages": [stage.name for stage in stages],
        "seeds": sorted({score.seed for score in scores}),
        "scores": [
            {
                "stage": score.stage,
                "seed": score.seed,
                "official_map_at_1_per_fold": {str(fold): value for fold, value in score.folds.items()},
                "official_map_at_1_pooled": score.pooled,
            }
            for score in scores
        ],
        "summary": [
            {
                "stage": summary.stage,
                "mean": summary.mean,
                "standard_deviation": summary.spread,
                "values": summary.num_values,
            }
            for summary in summarize(scores)
        ],
        "gains": [
            {
                "stage": gain.stage,
                "over": gain.base,
                "mean": gain.mean,
                "paired_standard_deviation": gain.paired_spread,
                "spread": gain.spread,
                "above_by_more_than_the_spread": gain.is_above,
            }
            for gain in gains(stages, scores)
        ],
    }
