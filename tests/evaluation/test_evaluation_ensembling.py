"""Means of curves, selections, and folders of ensembles, over label files and curves."""

import json

import numpy as np
import pytest
from ball_league import ROWS, actions, league_matches, make_data, save_curve

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.errors import DataError
from bvas.evaluation.ensembling.averaging import curve_at, weighted_mean
from bvas.experiment.experiment import load_experiment
from bvas.results.store import RESULTS_NAME, load_curve, read_results
from bvas.values.score_curve import ScoreCurve

ONE = ("PASS",)


def curve(scores, rate=25.0, start=0.0, labels=ONE):
    scores = np.array(scores, np.float32).reshape(-1, len(labels))
    return ScoreCurve(scores, start + np.arange(len(scores)) / rate, labels)


def test_a_curve_of_half_the_rate_is_put_between_its_rows():
    slow = curve([0.0, 0.4, 0.8], rate=12.5)

    fast = curve_at(slow, curve([0] * 6), "it")

    # The last row lies beyond the slow curve's, which keeps its score there.
    assert fast.scores[:, 0] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 0.8])
    assert fast.seconds == pytest.approx(np.arange(6) / 25)


def test_a_curve_of_double_the_rate_is_taken_at_every_second_row():
    fast = curve([0.0, 0.9, 0.2, 0.9, 0.4, 0.9])

    assert curve_at(fast, curve([0] * 3, rate=12.5), "it").scores[:, 0] == pytest.approx([0.0, 0.2, 0.4])


def test_a_row_that_takes_from_a_gap_is_one():
    slow = curve([0.0, np.nan, 0.8], rate=12.5)

    fast = curve_at(slow, curve([0] * 6), "it").scores[:, 0]

    assert np.isnan(fast).tolist() == [False, True, True, True, False, False]


def test_columns_are_brought_into_one_order_and_other_labels_refused():
    both = curve([[0.1, 0.7]], labels=("PASS", "DRIVE"))

    turned = curve_at(both, curve([[0, 0]], labels=("DRIVE", "PASS")), "it")

    assert turned.scores.tolist() == [[pytest.approx(0.7), pytest.approx(0.1)]]
    with pytest.raises(DataError, match="it scores the labels PASS, DRIVE, and the others PASS"):
        curve_at(both, curve([0]), "it")


def test_curves_that_end_at_different_times_are_not_of_one_video():
    with pytest.raises(DataError, match=r"it ends at 0.20 s and that of another experiment at 3.96 s"):
        curve_at(curve([0] * 6), curve([0] * 100), "it")
    with pytest.raises(DataError, match=r"it begins at 1.00 s"):
        curve_at(curve([0] * 100, start=1.0), curve([0] * 100), "it")


def test_the_mean_counts_each_curve_by_its_weight_and_none_of_weight_0():
    curves = [curve([0.2, 0.4]), curve([0.8, np.nan]), curve([np.nan, 0.1])]

    assert weighted_mean(curves[:1], (3,)).scores[:, 0] == pytest.approx([0.2, 0.4])
    mean = weighted_mean(curves, (1, 2, 0)).scores[:, 0]
    assert mean[0] == pytest.approx((0.2 + 2 * 0.8) / 3)
    assert np.isnan(mean[1])


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """Data without predictions, and copies of ball_base under three names."""
    monkeypatch.chdir(tmp_path)
    make_data(tmp_path / "data")
    (tmp_path / "configs").mkdir()
    for name in ("first", "second", "third"):
        write_config(tmp_path, name)
    return tmp_path


def write_config(workplace, name, change=""):
    (workplace / "configs" / f"{name}.py").write_text(
        "from dataclasses import replace\nfrom bvas.experiment.experiment import InputConfig, load_experiment\n"
        "from bvas.values.annotations import LabelSet\n"
        "def experiment():\n    base = load_experiment('ball_base')\n"
        f"    return replace(base{', ' + change if change else ''})\n"
    )


def predict(workplace, name, scores_of, *, split="cv", rate=25.0, runs="runs"):
    """Save curves of the labelled matches, or of the challenge, by their number."""
    for number, match in league_matches(workplace / "data"):
        if (match.fold is None) == (split == "challenge"):
            save_curve(workplace / runs / name / "predictions" / split, match, scores_of(number), rate=rate)


def finds(number, passes=slice(None), drives=slice(None), height=0.9, rows=ROWS, step=1):
    """A curve with a peak at some of the actions, 5 rows wide so that smoothing leaves it."""
    scores = np.zeros((rows, 2), np.float32)
    for column, frames in enumerate((actions(number)[0][passes], actions(number)[1][drives])):
        for frame in frames // step:
            scores[frame - 2 : frame + 3, column] = height
    return scores


def ensemble(*words):
    return main(["experiment", "ensemble", *words])


def figures(workplace, name):
    return json.loads((workplace / "runs" / name / "ensemble.json").read_text())


def test_the_mean_is_written_like_an_experiments_predictions_and_scored(workplace, capsys):
    # Passes come in pairs, of which one is spotted; each of the two finds one half of them, and of the drives.
    predict(workplace, "first", lambda n: finds(n, slice(0, 6), slice(0, 6)))
    predict(workplace, "second", lambda n: finds(n, slice(6, 12), slice(6, 12)))

    assert ensemble("first,second") == OK

    lines = capsys.readouterr().out.splitlines()
    # Alone 3 of 12 passes (3 of 11 recalls) and 6 of 12 drives (6 of 11); together 6 of 12 and all.
    alone, together = (3 / 11 + 6 / 11) / 2, (6 / 11 + 1) / 2
    assert lines[-2] == f"out-of-fold mAP@1 {together:.4f}"
    assert lines[0] == f"first: {alone:.4f}, the ensemble {together - alone:+.4f}"
    number, match = league_matches(workplace / "data")[2]
    folder = workplace / "runs/first+second/predictions/cv" / match.name
    mean = load_curve(folder / "1_720p_scores.npz")
    expected = (finds(number, slice(0, 6), slice(0, 6)) + finds(number, slice(6, 12), slice(6, 12))) / 2
    assert mean.scores == pytest.approx(expected)
    assert len(read_results(folder / RESULTS_NAME)[1]) == 6 + 12
    assert load_experiment("first+second", workplace / "runs").name == "first+second"
    assert main(["evaluate", "--experiment", "first+second"]) == OK
    assert capsys.readouterr().out.splitlines()[-1] == f"official mAP@1 {together:.4f}"
    assert main(["predict", "--experiment", "first+second"]) == WRONG_INPUT
    assert "first+second is an ensemble, which has no weights of its own" in capsys.readouterr().err
    found = figures(workplace, "first+second")
    assert (found["members"], found["selected"], found["weights"]) == (["first", "second"], False, [1, 1])
    assert found["out_of_fold_official_map_at_1"] == pytest.approx(together)
    assert found["compared_with"][0]["difference"] == pytest.approx(together - alone)
    assert found["compared_with"][0]["interval_over_matches"]["low"] > 0


def test_the_challenge_is_averaged_alike_and_needs_no_labels(workplace, capsys):
    predict(workplace, "first", lambda n: finds(n, height=0.4), split="challenge")
    predict(workplace, "second", lambda n: finds(n, height=0.8), split="challenge")

    assert ensemble("first,second", "--challenge") == OK

    _, match = league_matches(workplace / "data")[8]
    path = workplace / "runs/first+second/predictions/challenge" / match.name / "1_720p_scores.npz"
    assert load_curve(path).scores.max() == pytest.approx(0.6)
    assert figures(workplace, "first+second")["out_of_fold_official_map_at_1"] is None
    assert not (workplace / "runs/first+second/predictions/cv").exists()


def test_selection_takes_those_that_complete_each_other_and_leaves_the_bad_one_out(workplace, capsys):
    predict(workplace, "first", lambda n: finds(n, drives=slice(0, 0)))
    predict(workplace, "second", lambda n: np.random.default_rng(n).random((ROWS, 2)))
    predict(workplace, "third", lambda n: finds(n, passes=slice(0, 0)))

    assert ensemble("first,second,third", "--select") == OK

    lines = capsys.readouterr().out.splitlines()
    together = (6 / 11 + 1) / 2
    assert lines[0] == "selected: first 1/2, third 1/2"
    assert lines[1] == "  for held-out part 0: first 1/2, third 1/2"
    assert lines[-2] == f"out-of-fold mAP@1 {together:.4f} (nested: each part by what the others select)"
    found = figures(workplace, "first+second+third_selected")
    assert found["weights"] == [1, 0, 1]
    assert found["weights_by_held_out_part"] == {str(fold): [1, 0, 1] for fold in range(7)}
    names = [other["name"] for other in found["compared_with"]]
    assert names == ["first", "second", "third", "all alike"]


def test_a_folds_curves_are_averaged_by_what_the_other_folds_select(workplace):
    # In matches 0 to 2 the first is right, in match 3 the second.
    right, wrong = finds, lambda n: np.roll(finds(n), 60, axis=0)
    predict(workplace, "first", lambda n: right(n) if n < 3 else wrong(n))
    predict(workplace, "second", lambda n: wrong(n) if n < 3 else right(n))

    assert ensemble("first,second", "--select", "--folds", "0,1,3") == OK

    found = figures(workplace, "first+second_selected")
    # Without match 3 the second never helps; without match 0 or 1 both do.
    assert found["weights_by_held_out_part"]["3"] == [1, 0]
    assert found["weights_by_held_out_part"]["0"] != [1, 0]
    assert found["is_nested"]
    _, match = league_matches(workplace / "data")[3]
    path = workplace / "runs/first+second_selected/predictions/cv" / match.name / "1_720p_scores.npz"
    assert load_curve(path).scores == pytest.approx(wrong(3))


def test_a_selection_on_the_labelled_matches_holds_for_the_challenge(workplace):
    for split in ("cv", "challenge"):
        predict(workplace, "first", finds, split=split)
        predict(workplace, "second", lambda n: np.roll(finds(n), 60, axis=0), split=split)

    assert ensemble("first,second", "--select", "--challenge") == OK

    number, match = league_matches(workplace / "data")[7]
    path = workplace / "runs/first+second_selected/predictions/challenge" / match.name / "1_720p_scores.npz"
    assert load_curve(path).scores == pytest.approx(finds(number))


def test_curves_of_another_rate_come_to_the_higher_one(workplace, capsys):
    write_config(workplace, "slow", "input=InputConfig(rate=12.5)")
    predict(workplace, "first", finds)
    predict(workplace, "slow", lambda n: finds(n, rows=ROWS // 2, step=2), rate=12.5)

    assert ensemble("slow,first") == OK

    assert load_experiment("slow+first", workplace / "runs").input.rate == 25
    assert capsys.readouterr().out.splitlines()[-2] == f"out-of-fold mAP@1 {(6 / 11 + 1) / 2:.4f}"


def test_the_same_experiment_with_other_seeds_is_named_by_its_folder(workplace):
    predict(workplace, "first", lambda n: finds(n, height=0.4))
    predict(workplace, "first", lambda n: finds(n, height=0.8), runs="runs/seed_1")

    assert ensemble("first,seed_1/first", "--name", "both") == OK

    _, match = league_matches(workplace / "data")[0]
    path = workplace / "runs/both/predictions/cv" / match.name / "1_720p_scores.npz"
    assert load_curve(path).scores.max() == pytest.approx(0.6)


def test_what_has_no_mean_is_refused_in_a_line_and_nothing_is_written(workplace, capsys):
    predict(workplace, "first", finds)
    write_config(workplace, "shots", "task=replace(base.task, labels=LabelSet(('PASS', 'SHOT')))")
    for words, message in (
        (["first,shots"], "first and shots spot different labels (PASS, DRIVE against PASS, SHOT)"),
        (["first,second"], "no out-of-fold score curves of second in runs/second/predictions/cv"),
        (["first,first"], "first occurs twice in the ensemble"),
        (["first,nowhere"], "no experiment named 'nowhere'"),
        (["first"], "'first' is the name of the config"),
        (["first", "--select", "--name", "x"], "--select chooses among experiments, and first stands alone"),
        (["first", "--name", "a/b"], "must be a plain name"),
        (["first,second", "--challenge"], "no score curves of challenge matches of first"),
        (["first", "--name", "x", "--folds", "9"], "no fold 9; existing folds: 0, 1"),
    ):
        assert ensemble(*words) == WRONG_INPUT
        assert message in capsys.readouterr().err
    assert sorted(path.name for path in (workplace / "runs").iterdir()) == ["first"]


def test_one_match_is_not_selected_on(workplace, capsys):
    predict(workplace, "first", finds)
    predict(workplace, "second", finds)

    assert ensemble("first,second", "--select", "--folds", "2") == WRONG_INPUT
    assert "is the only match with curves" in capsys.readouterr().err


def test_a_folder_that_holds_something_else_is_left_alone(workplace, capsys):
    predict(workplace, "first", finds)
    predict(workplace, "second", finds)
    (workplace / "runs/trained/fold_0").mkdir(parents=True)

    assert ensemble("first,second", "--name", "trained") == WRONG_INPUT
    assert "exists already and is not an ensemble" in capsys.readouterr().err
    assert ensemble("first,second", "--name", "both") == OK
    assert ensemble("first,second", "--name", "both") == OK  # again
    assert ensemble("second,first", "--name", "both") == WRONG_INPUT
    assert "runs/both holds the mean of first, second; choose another --name" in capsys.readouterr().err
