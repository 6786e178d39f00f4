"""Cross-validated scores and comparisons, from files that are written here: no video is read."""

import json
from dataclasses import replace

import pytest

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.data.ball import ball_task
from bvas.data.matches import find_matches
from bvas.evaluation.experiment_scores import evaluate_predictions
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.experiment.published_scores import PublishedScores
from bvas.results.store import RESULTS_NAME, write_results
from bvas.values.annotations import Spot

STEPS = range(10)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """All nine matches of the 2023 data, with ten passes and ten drives in each labelled one."""
    monkeypatch.chdir(tmp_path)
    task = ball_task()
    events = [
        {"gameTime": "1 - 00:00", "label": label, "position": str(10_000 * (i + 1) + offset)}
        for i in STEPS
        for label, offset in (("PASS", 0), ("DRIVE", 5_000))
    ]
    for names in (*task.folds, task.challenge):
        for name in names:
            folder = tmp_path / "data" / task.folder / name
            folder.mkdir(parents=True)
            (folder / "1_720p.mkv").touch()
            if name not in task.challenge:
                (folder / "Labels-ball.json").write_text(json.dumps({"annotations": events}))
    return tmp_path


def predict(workplace, name, found_by_fold):
    """Results that find so many passes and drives of each fold's match, and nothing else."""
    for match in find_matches(ball_task(), workplace / "data"):
        if match.fold in found_by_fold:
            spots = [
                Spot(label, 10.0 * (i + 1) + offset, 0.9)
                for i in range(found_by_fold[match.fold])
                for label, offset in (("PASS", 0.0), ("DRIVE", 5.0))
            ]
            path = workplace / "runs" / name / "predictions/cv" / match.name / RESULTS_NAME
            write_results(path, match.name, {1: spots}, rate=25.0)


def lines_of(capsys, *command):
    assert main(["evaluate", *command]) == OK
    return capsys.readouterr().out.splitlines()


def figures(workplace, name):
    return json.loads((workplace / "runs" / name / "evaluation.json").read_text())


def test_every_fold_has_a_score_and_all_together_have_one_with_spread_and_interval(workplace, capsys):
    predict(workplace, "ball_base", {0: 10, 1: 10, 2: 5, 3: 5, 4: 5, 5: 10, 6: 4})

    lines = lines_of(capsys, "--experiment", "ball_base")

    # A recall of r without a false alarm scores (10 r, rounded down, + 1) / 11; in all 49 of 70 are found.
    found = figures(workplace, "ball_base")
    validation = found["cross_validation"]
    assert found["official_map_at_1"] == pytest.approx(8 / 11)
    scores = {fold: s["official_map_at_1"] for fold, s in validation["folds"].items()}
    assert scores == pytest.approx(
        {"0": 1, "1": 1, "2": 6 / 11, "3": 6 / 11, "4": 6 / 11, "5": 1, "6": 5 / 11}
    )
    # Elevenths 11, 11, 6, 6, 6, 11, 5: mean 8, squares of the distances 9 9 4 4 4 9 9, over n - 1.
    assert validation["mean_over_folds"] == pytest.approx(8 / 11)
    assert validation["spread_over_folds"] == pytest.approx((48 / 6) ** 0.5 / 11)
    interval = validation["interval_over_matches"]
    assert interval["low"] < 8 / 11 < interval["high"]
    assert (interval["num_matches"], interval["num_resamples"], interval["seed"]) == (7, 1000, 0)
    assert "mean over folds 0.7273, standard deviation 0.2571" in lines
    assert lines[-1] == "official mAP@1 0.7273"


def test_the_test_matches_stand_beside_the_published_figure(workplace, capsys):
    predict(workplace, "ball_base", {0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 10, 6: 4})

    lines = lines_of(capsys, "--experiment", "ball_base")

    # Folds 5 and 6 are Stoke City and Reading: 14 of 20 found.
    system = "lRomul/ball-action-spotting, sampling_weights_001"
    assert f"test matches mAP@1 0.7273; published 0.8426 ({system})" in lines
    assert f"published for all matches 0.7906 ({system})" in lines
    validation = figures(workplace, "ball_base")["cross_validation"]
    assert validation["test"]["official_map_at_1"] == pytest.approx(8 / 11)
    assert validation["published"] == {"system": system, "cross_validation": 0.7906, "test": 0.8426}


def test_published_figures_of_the_three_stages_are_the_seeds():
    published = {
        name: load_experiment(name).published for name in ("ball_base", "ball_transfer", "ball_long")
    }
    assert {name: (p.cross_validation, p.test) for name, p in published.items()} == {
        "ball_base": (0.7906, 0.8426),
        "ball_transfer": (0.8104, 0.8651),
        "ball_long": (0.8049, 0.8703),
    }
    assert load_experiment("action_pretrain").published is None
    assert Experiment.from_json(load_experiment("ball_long").to_json()).published == published["ball_long"]


def test_a_published_figure_in_percent_is_refused():
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\], got 79.06; 79.06 is 0.7906"):
        PublishedScores(system="x", cross_validation=79.06)


def test_no_published_figure_is_shown_for_a_task_over_matches_that_are_found(workplace):
    predict(workplace, "ball_base", dict.fromkeys(range(7), 5))
    base = load_experiment("ball_base")
    matches = [m for m in find_matches(base.task, workplace / "data") if m.fold is not None]

    evaluation = evaluate_predictions(
        replace(base, task=replace(base.task, folds=(), test=())),
        matches,
        workplace / "runs/ball_base/predictions/cv",
    )

    assert evaluation.cross_validation.published is None


def test_with_one_match_it_says_what_cannot_be_said(workplace, capsys):
    predict(workplace, "ball_base", {0: 10})

    lines = lines_of(capsys, "--experiment", "ball_base")

    assert "note: one fold: no spread over folds" in lines
    assert any(
        line.startswith("note: 1 match: no interval over matches, which takes at least 3") for line in lines
    )
    assert any(
        line.startswith("note: no test score: 2 of 2 test matches are not predicted") for line in lines
    )
    validation = figures(workplace, "ball_base")["cross_validation"]
    assert validation["spread_over_folds"] is None
    assert validation["interval_over_matches"] is None
    assert validation["test"] is None
    assert validation["published"]["test"] is None
    assert len(validation["notes"]) == 3


def test_with_two_matches_there_is_a_spread_and_no_interval(workplace, capsys):
    predict(workplace, "ball_base", {0: 10, 1: 5})

    lines_of(capsys, "--experiment", "ball_base")

    validation = figures(workplace, "ball_base")["cross_validation"]
    assert validation["spread_over_folds"] == pytest.approx(5 / 11 / 2**0.5)
    assert validation["interval_over_matches"] is None


def test_two_experiments_are_compared_match_by_match(workplace, capsys):
    predict(workplace, "ball_base", {0: 1, 1: 3, 2: 5, 3: 7, 4: 9})
    predict(workplace, "ball_long", {0: 2, 1: 4, 2: 6, 3: 8, 4: 10, 5: 10, 6: 10})

    lines = lines_of(capsys, "--experiments", "ball_base,ball_long")

    text = "ball_long against ball_base, 5 common matches: 0.6364 - 0.5455 = +0.0909"
    assert text in lines
    assert lines[-1].strip() == "the interval excludes 0"
    (comparison,) = json.loads((workplace / "runs/comparisons/ball_base,ball_long.json").read_text())[
        "comparisons"
    ]
    assert comparison["difference"] == pytest.approx(1 / 11)
    assert comparison["excludes_zero"] is True
    assert comparison["interval_over_matches"]["low"] > 0
    assert comparison["difference_by_fold"] == pytest.approx({str(fold): 1 / 11 for fold in range(5)})
    assert comparison["left_out"] == sorted(ball_task().test)
    # Of its own matches it finds 50 of 70, of the common ones 30 of 50.
    assert figures(workplace, "ball_long")["official_map_at_1"] == pytest.approx(8 / 11)


def test_a_difference_over_two_matches_is_not_called_more_than_luck(workplace, capsys):
    predict(workplace, "ball_base", {0: 1, 1: 1})
    predict(workplace, "ball_long", {0: 9, 1: 9})

    lines = lines_of(capsys, "--experiments", "ball_base,ball_long")

    assert (
        lines[-1]
        .strip()
        .startswith("2 common matches: whether the difference is more than luck cannot be said")
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("ball_base", "name at least two different experiments"),
        ("ball_base,ball_base", "name at least two different experiments"),
        ("ball_base,action_pretrain", "spot different labels"),
        ("ball_base,ball_long", "have no predicted match in common"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_line(workplace, capsys, names, message):
    predict(workplace, "ball_base", {0: 1})
    predict(workplace, "ball_long", {1: 1})

    assert main(["evaluate", "--experiments", names]) == WRONG_INPUT
    assert message in capsys.readouterr().err
