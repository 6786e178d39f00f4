"""bvas experiment tune, and the file that it writes, over a league of label files and curves."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ball_league import league_matches, make_data, save_curve, tunable_curve

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.errors import ConfigError, DataError
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.experiment.peak_config import PeakConfig, PeakRule
from bvas.results.store import RESULTS_NAME, write_results
from bvas.results.tuned_peaks import Postprocessing, load_postprocessing, with_postprocessing

CV = "runs/ball_base/predictions/cv"


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """Data, and out-of-fold curves of ball_base for all seven labelled matches."""
    monkeypatch.chdir(tmp_path)
    make_data(tmp_path / "data")
    for number, match in league_matches(tmp_path / "data"):
        if match.fold is not None:
            save_curve(tmp_path / CV, match, tunable_curve(number))
    return tmp_path


def refused(capsys, *words):
    assert main(["experiment", "tune", *words]) == WRONG_INPUT
    return capsys.readouterr().err.strip()


def test_the_file_holds_the_best_rules_and_where_they_come_from(workplace, capsys):
    assert main(["experiment", "tune", "ball_base"]) == OK

    lines = capsys.readouterr().out.splitlines()
    file = load_postprocessing(workplace / "runs/ball_base/postprocessing.json")
    assert file.peaks.per_label["PASS"].min_distance_frames == 7
    assert file.peaks.per_label["DRIVE"].sigma_frames == 0
    assert file.provenance.experiment == "ball_base"
    assert len(file.provenance.matches) == 7
    assert (file.provenance.spots.before, file.provenance.spots.nested) == (pytest.approx(23 / 44), 1.0)
    assert any(
        line.startswith("smoothing, distance and height: official mAP@1 0.5227, nested 1.0000 (+0.4773)")
        for line in lines
    )
    assert sum(line == "  taken" for line in lines) == 2
    assert lines[-1] == "tuned rules in runs/ball_base/postprocessing.json"
    with_file = with_postprocessing(
        load_experiment("ball_base"), workplace / "runs/ball_base/postprocessing.json"
    )
    assert with_file.peaks == file.peaks
    assert Experiment.from_json(with_file.to_json()) == with_file


def test_the_score_before_is_what_evaluate_says(workplace, capsys):
    assert main(["experiment", "ensemble", "ball_base", "--name", "again"]) == OK
    capsys.readouterr()
    assert main(["evaluate", "--experiment", "again"]) == OK

    assert capsys.readouterr().out.splitlines()[-1] == "official mAP@1 0.5227"


def test_with_the_file_the_same_curves_score_as_promised(workplace, capsys):
    assert main(["experiment", "tune", "ball_base", "--out", "rules.json"]) == OK
    assert (
        main(["experiment", "ensemble", "ball_base", "--name", "tuned", "--postprocessing", "rules.json"])
        == OK
    )
    capsys.readouterr()

    assert main(["evaluate", "--experiment", "tuned"]) == OK

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "official mAP@1 1.0000"
    assert lines[0] == "7 matches, 7 videos; spots at or above their operating points within 0.5 s:"
    total = next(line.split() for line in lines if line.startswith("  all labels"))
    assert total[4:7] == ["168", "0", "0"]  # hits, misses, false alarms


def test_evaluate_counts_from_the_operating_points_of_a_file_that_is_named(workplace, capsys):
    for _, match in league_matches(workplace / "data")[:7]:
        write_results(workplace / CV / match.name / RESULTS_NAME, match.name, {1: []}, rate=25.0)
    Postprocessing(
        labels=("PASS", "DRIVE"),
        rate=25.0,
        peaks=PeakConfig(per_label={"DRIVE": PeakRule(operating_point=0.6)}),
    ).save(workplace / "hand.json")

    assert main(["evaluate", "--experiment", "ball_base", "--postprocessing", "hand.json"]) == OK

    figures = json.loads((workplace / "runs/ball_base/evaluation.json").read_text())
    shown = figures["scores"]["at_operating_point"]
    assert (shown["operating_point"], shown["operating_points"]) == (0.2, {"DRIVE": 0.6})


def test_curves_without_a_gain_leave_the_rules_as_they_are(workplace, capsys):
    for number, match in league_matches(workplace / "data")[:7]:
        save_curve(workplace / CV, match, np.random.default_rng(number).random((3000, 2)))

    assert main(["experiment", "tune", "ball_base"]) == OK

    file = load_postprocessing(workplace / "runs/ball_base/postprocessing.json")
    assert file.peaks == PeakConfig()
    assert not file.provenance.spots.is_real
    out = capsys.readouterr().out
    assert "  taken" not in out.splitlines()
    assert "unchanged rules in" in out


def test_without_curves_it_names_the_command_that_makes_them(workplace, capsys):
    assert refused(capsys, "ball_long") == (
        "bvas experiment tune: no out-of-fold score curves of ball_long in runs/ball_long/predictions/cv; make them "
        "first: bvas predict --experiment ball_long"
    )
    assert not (workplace / "runs/ball_long").exists()


def test_missing_folds_are_named_with_the_command_for_them(workplace, capsys):
    gone = [match for _, match in league_matches(workplace / "data") if match.fold in (2, 5)]
    for match in gone:
        (workplace / CV / match.name / "1_720p_scores.npz").unlink()

    message = refused(capsys, "ball_base")

    assert "2 of 7 out-of-fold score curves of ball_base are missing (folds 2, 5)" in message
    assert message.endswith("make them first: bvas predict --experiment ball_base --folds 2,5")
    assert main(["experiment", "tune", "ball_base", "--folds", "0,1,3"]) == OK
    assert "3 matches" in capsys.readouterr().out


def test_one_match_cannot_be_tuned_on(workplace, capsys):
    assert "predict at least two matches" in refused(capsys, "ball_base", "--folds", "3")
    assert not (workplace / "runs/ball_base/postprocessing.json").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: np.where(np.arange(3000)[:, None] == [50, -1], np.nan, s),
            "holds a NaN at 2.00 s for some",
        ),
        (lambda s: np.full_like(s, np.nan), "holds no score: all 3000 rows are gaps"),
        (lambda s: s * 2, r"holds scores outside [0, 1]"),
    ],
)
def test_scores_that_are_none_are_refused(workplace, capsys, change, message):
    number, match = league_matches(workplace / "data")[4]
    save_curve(workplace / CV, match, change(tunable_curve(number)))

    assert message in refused(capsys, "ball_base")


def test_a_gap_of_the_video_is_no_fault(workplace, capsys):
    number, match = league_matches(workplace / "data")[4]
    scores = tunable_curve(number)
    scores[:40] = np.nan
    save_curve(workplace / CV, match, scores)

    assert main(["experiment", "tune", "ball_base"]) == OK
    assert "nested 1.0000" in capsys.readouterr().out


def test_curves_of_other_labels_or_another_rate_are_refused(workplace, capsys):
    number, match = league_matches(workplace / "data")[4]
    save_curve(workplace / CV, match, tunable_curve(number), labels=("PASS", "SHOT"))
    assert "scores the labels PASS, SHOT, and the experiment has PASS, DRIVE" in refused(capsys, "ball_base")

    save_curve(workplace / CV, match, tunable_curve(number), rate=12.5)
    assert "has 12.50 rows a second, and the experiment's grid 25" in refused(capsys, "ball_base")


def test_columns_in_another_order_are_told_by_their_names(workplace, capsys):
    number, match = league_matches(workplace / "data")[4]
    save_curve(workplace / CV, match, tunable_curve(number)[:, ::-1], labels=("DRIVE", "PASS"))

    assert main(["experiment", "tune", "ball_base"]) == OK
    assert "nested 1.0000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{", ConfigError, "not a valid postprocessing file of this version"),
        ('{"labels": ["PASS"], "rate": 25, "peaks": {"sigma": 3}}', ConfigError, "sigma"),
        (
            '{"labels": ["PASS"], "rate": 25, "peaks": {"per_label": {"SHOT": {}}}}',
            ConfigError,
            "there is a rule for 'SHOT', which is not among PASS",
        ),
        (
            '{"labels": ["PASS", "SHOT"], "rate": 25, "peaks": {}}',
            ConfigError,
            "is for the labels PASS, SHOT, and ball_base spots PASS, DRIVE",
        ),
        (
            '{"labels": ["PASS", "DRIVE"], "rate": 12.5, "peaks": {}}',
            ConfigError,
            "counts frames at 12.5 per second, and ball_base works at 25",
        ),
        (
            '{"labels": ["PASS", "DRIVE"], "rate": 25, "peaks": {"min_height": 2}}',
            ConfigError,
            r"min_height is a confidence",
        ),
        ('{"format": "x", "labels": ["PASS"], "rate": 25, "peaks": {}}', ConfigError, "format must be"),
        (None, DataError, "no postprocessing file .*; bvas experiment tune NAME writes one"),
    ],
)
def test_a_file_that_is_wrong_is_refused(tmp_path, text, error, message):
    path = tmp_path / "rules.json"
    if text is not None:
        path.write_text(text)

    with pytest.raises(error, match=message):
        with_postprocessing(load_experiment("ball_base"), path)


def test_a_rule_for_a_label_that_an_experiment_does_not_spot_is_refused():
    base = load_experiment("ball_base")
    with pytest.raises(ConfigError, match="has a rule for 'SHOT', which is not a label of task ball"):
        replace(base, peaks=PeakConfig(per_label={"SHOT": PeakRule()}))
