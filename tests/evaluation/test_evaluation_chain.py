import os
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import tiny_experiment

from bvas.commands.experiment_run import chain_lines
from bvas.data.matches import Match
from bvas.errors import ConfigError
from bvas.evaluation.chain import (
    Stage,
    StageScore,
    chain_json,
    check_order,
    gains,
    is_predicted,
    newer_sources,
    runs_of_seed,
    summarize,
)
from bvas.experiment.checkpoint import FILE_NAME, fold_folder

MATCHES = tuple(Match(f"league/m{fold}", Path(f"league/m{fold}"), fold) for fold in range(2))


def stage(name, *, seed=0, task=None, **train):
    experiment = tiny_experiment()
    experiment = replace(experiment, name=name, seed=seed, train=replace(experiment.train, **train))
    if task is not None:
        experiment = replace(experiment, task=replace(experiment.task, **task))
    return Stage(experiment, MATCHES)


def weights(runs, name, fold=0):
    path = fold_folder(runs, name, fold) / FILE_NAME
    path.parent.mkdir(parents=True)
    path.touch()
    return path


BASE = stage("base")
PRETRAIN = stage("pretrain", task={"folder": "other"}, folds=(0,))
TRANSFER = stage("transfer", start_from="pretrain", hard_negatives_from="base")
SCORES = [
    StageScore("base", 0, {0: 0.4, 1: 0.6}, 0.5),
    StageScore("pretrain", 0, {0: 0.1}, 0.1),
    StageScore("transfer", 0, {0: 0.6, 1: 0.7}, 0.65),
    StageScore("base", 1, {0: 0.5, 1: 0.5}, 0.5),
    StageScore("pretrain", 1, {0: 0.3}, 0.3),
    StageScore("transfer", 1, {0: 0.7, 1: 0.8}, 0.75),
]


def test_mean_and_spread_are_over_folds_and_seeds():
    base, pretrain, transfer = summarize(SCORES)
    # 0.4, 0.6, 0.5, 0.5: deviations -0.1, 0.1, 0, 0 and 3 degrees of freedom.
    assert (base.mean, base.spread, base.num_values) == (
        pytest.approx(0.5),
        pytest.approx((0.02 / 3) ** 0.5),
        4,
    )
    assert (pretrain.mean, pretrain.num_values) == (pytest.approx(0.2), 2)
    assert transfer.mean == pytest.approx(0.7)


def test_a_gain_is_held_against_the_larger_spread_and_only_where_the_matches_are_the_same():
    (gain,) = gains([BASE, PRETRAIN, TRANSFER], SCORES)
    assert (gain.stage, gain.base) == ("transfer", "base")
    # Differences 0.2, 0.1, 0.2, 0.3; both stages spread by sqrt(0.02 / 3) = 0.0816.
    assert gain.mean == pytest.approx(0.2)
    assert gain.paired_spread == pytest.approx((0.02 / 3) ** 0.5)
    assert gain.spread == pytest.approx((0.02 / 3) ** 0.5)
    assert gain.is_above is True


def test_a_gain_within_the_spread_is_said_to_be_none():
    scores = [
        StageScore("base", 0, {0: 0.4, 1: 0.6}, 0.5),
        StageScore("transfer", 0, {0: 0.5, 1: 0.7}, 0.6),
    ]
    (gain,) = gains([BASE, TRANSFER], scores)
    assert gain.is_above is False
    assert chain_lines([BASE, TRANSFER], scores)[-1] == (
        "transfer over base: +0.1000, not more than the spread 0.1414; differences +- 0.0000"
    )


def test_one_fold_and_seed_have_no_spread():
    scores = [StageScore("base", 0, {0: 0.4}, 0.4), StageScore("transfer", 0, {0: 0.6}, 0.6)]
    lines = chain_lines([BASE, TRANSFER], scores)
    assert lines[-1].endswith("+0.2000, one fold and seed give no spread to compare with")
    assert chain_json([BASE, TRANSFER], scores)["gains"][0]["above_by_more_than_the_spread"] is None


def test_a_chain_names_what_stands_in_the_wrong_place_or_is_missing(tmp_path):
    check_order([BASE, PRETRAIN, TRANSFER], tmp_path)
    with pytest.raises(ConfigError, match="transfer builds on base, which must stand before it"):
        check_order([PRETRAIN, TRANSFER, BASE], tmp_path)
    with pytest.raises(ConfigError, match=r"make it first: bvas train --experiment pretrain --runs /"):
        check_order([BASE, TRANSFER], tmp_path)
    with pytest.raises(ConfigError, match="a stage occurs twice among base, base"):
        check_order([BASE, BASE], tmp_path)
    weights(tmp_path, "pretrain")
    check_order([BASE, TRANSFER], tmp_path)


def test_other_seeds_than_the_configs_have_their_own_runs_folder(tmp_path):
    assert runs_of_seed([BASE, TRANSFER], tmp_path, 0) == tmp_path
    assert runs_of_seed([BASE, TRANSFER], tmp_path, 7) == tmp_path / "seed_7"
    with pytest.raises(ConfigError, match="share their seed"):
        runs_of_seed([BASE, stage("odd", seed=3)], tmp_path, 0)


def test_the_folds_are_those_that_the_config_names_else_all():
    assert (BASE.folds, PRETRAIN.folds) == ([0, 1], [0])


def test_results_count_only_if_it_is_known_what_they_were_made_from(tmp_path):
    weights(tmp_path, "base")
    results = tmp_path / "base/predictions/cv/league/m0/results_spotting.json"
    results.parent.mkdir(parents=True)
    results.touch()
    assert not is_predicted(BASE, 0, tmp_path)


def test_a_stage_that_is_older_than_what_it_builds_on_is_noticed(tmp_path):
    own, source = weights(tmp_path, "transfer"), weights(tmp_path, "pretrain")
    weights(tmp_path, "base")
    for path in (own, source, fold_folder(tmp_path, "base", 0) / FILE_NAME):
        os.utime(path, (1000, 1000))
    assert newer_sources(TRANSFER, 0, tmp_path) == []
    os.utime(source, (1001, 1001))
    assert newer_sources(TRANSFER, 0, tmp_path) == ["pretrain"]
