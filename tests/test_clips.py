"""Clips of classes from a data root to answers: by commands alone, tiny, and once at the size of mini_clips."""

import csv
import json
from fractions import Fraction
from functools import partial

import pytest
from class_samples import write_bars
from video_samples import damage

from bvas.cli import main
from bvas.synthetic.clip_config import ClipSetConfig
from bvas.synthetic.clip_files import make_clips
from bvas.training.overfit import overfit

CONFIG = '''
"""Bars that move to the left or to the right."""

from dataclasses import replace

from class_samples import bars_experiment


def experiment():
    whole = bars_experiment()
    return replace(whole, train=replace(whole.train, learning_rate={rate}, final_learning_rate=0.0, epochs={epochs}))
'''


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data and two configs that differ in their learning rate."""
    place = tmp_path_factory.mktemp("clips")
    write_bars(place / "data", num_groups=12)
    for name, rate, epochs in (("slow", 1e-4, 1), ("quick", 2e-3, 2)):
        (place / f"{name}.py").write_text(CONFIG.format(rate=rate, epochs=epochs))
    return place


def run(place, verb, *arguments, data=True):
    folders = ["--runs", str(place / "runs"), *(["--data", str(place / "data")] if data else [])]
    # The bars of all groups are alike.
    alike = ["--allow-siblings"] if verb in ("train", "experiment run") else []
    return main([*verb.split(), *map(str, arguments), *folders, *alike, "--quiet"])


def test_a_search_over_configs_trains_predicts_and_names_what_differs(place, capsys):
    assert run(place, "experiment run", f"{place / 'slow.py'},{place / 'quick.py'}", "--workers", 0) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["macro", "F1"]
    assert "  slow: train.epochs=1, train.learning_rate=0.0001" in lines
    assert "  quick: train.epochs=2, train.learning_rate=0.002" in lines
    # Of the validation split, not of the test split.
    evaluation = json.loads((place / "runs" / "quick" / "evaluation.json").read_text())
    assert evaluation["sides"] == ["valid"]


def test_predictions_are_scored_on_the_test_split(place, capsys):
    config = place / "quick.py"
    assert run(place, "train", "--experiment", config, "--workers", 0) == 0
    assert run(place, "predict", "--experiment", config) == 0
    capsys.readouterr()
    assert run(place, "evaluate", "--experiment", config) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "4 samples of test"
    assert lines[1].split() == ["precision", "recall", "f1-score", "support"]
    evaluation = json.loads((place / "runs" / "quick" / "evaluation.json").read_text())
    assert lines[-1] == f"macro F1 {evaluation['scores']['macro']['f1']:.4f}"
    assert (place / "runs" / "quick" / "report.txt").read_text().splitlines() == lines[1:9]
    with (place / "runs" / "quick" / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["class"], row["samples"]) for row in rows] == [("LEFT", "2"), ("RIGHT", "2")]
    left = evaluation["scores"]["classes"]["LEFT"]
    assert float(rows[0]["f1"]) == pytest.approx(left["f1"], abs=1e-6)
    assert run(place, "evaluate", "--experiment", config, "--side", "valid") == 0
    assert capsys.readouterr().out.startswith("4 samples of valid")


def test_predictions_of_weights_that_were_trained_again_are_refused(place, capsys):
    config = place / "slow.py"
    assert run(place, "train", "--experiment", config, "--workers", 0) == 0
    assert run(place, "predict", "--experiment", config) == 0
    assert run(place, "train", "--experiment", config, "--workers", 0, "--seed", 5, "--overwrite") == 0
    capsys.readouterr()
    assert run(place, "evaluate", "--experiment", config) == 2
    assert "was made with other weights than slow has now; make it again" in capsys.readouterr().err
    # Predicting again needs no --overwrite: nothing of use is lost.
    assert run(place, "predict", "--experiment", config) == 0
    assert run(place, "evaluate", "--experiment", config) == 0


def test_samples_that_cannot_be_read_or_decoded_are_named_and_the_others_are_predicted(place, capsys):
    config = place / "quick.py"
    assert run(place, "train", "--experiment", config, "--workers", 0) == 0
    cut_off, lost = (place / "data" / "clips" / name for name in ("3_LEFT.mp4", "3_RIGHT.mp4"))
    whole = {path: path.read_bytes() for path in (cut_off, lost)}
    try:
        cut_off.write_bytes(whole[cut_off][:200])
        damage(lost, range(8))
        assert run(place, "predict", "--experiment", config, "--overwrite") == 3
        assert "2 samples cannot be read or decoded (clips/3_LEFT, clips/3_RIGHT)" in capsys.readouterr().err
        assert run(place, "predict", "--experiment", config, "--overwrite", "--strict") == 2
    finally:
        for path, content in whole.items():
            path.write_bytes(content)


@pytest.mark.parametrize(
    "option",
    [["--challenge"], ["--stride", "2"], ["--compute-repeats"], ["--shard", "1/2"], ["--devices", "cpu,cpu"]],
)
def test_options_of_whole_matches_are_refused(place, capsys, option):
    assert run(place, "predict", "--experiment", place / "quick.py", *option) == 2
    assert f"{option[0]} is of whole matches" in capsys.readouterr().err


def test_there_are_no_rules_to_tune(place, capsys):
    assert run(place, "experiment tune", place / "quick.py") == 2
    assert "is of kind 'clip', whose answers have no rules to tune" in capsys.readouterr().err


def test_a_side_is_refused_for_other_kinds(tmp_path, capsys):
    assert main(["evaluate", "--experiment", "demo", "--side", "valid", "--runs", str(tmp_path)]) == 2
    assert "--side is of kind clip" in capsys.readouterr().err


def test_the_network_learns_a_few_clips_by_heart_and_says_so(place, capsys):
    assert run(place, "train", "--experiment", place / "quick.py", "--workers", 0, "--overfit", 4) == 0
    assert "steps on 4 clips: the model can learn" in capsys.readouterr().out
    assert run(place, "train", "--experiment", place / "slow.py", "--workers", 0, "--overfit", 1) == 2
    assert "needs at least 2 clips" in capsys.readouterr().err
    assert run(place, "train", "--experiment", place / "slow.py", "--workers", 0, "--overfit", 500) == 2
    assert "an epoch of slow has 16 clips" in capsys.readouterr().err


def test_a_network_that_cannot_learn_fails_the_overfit_check(place, capsys, monkeypatch):
    monkeypatch.setattr("bvas.training.overfit.overfit", partial(overfit, num_steps=2))
    (place / "frozen.py").write_text(CONFIG.format(rate=1e-9, epochs=1))
    assert run(place, "train", "--experiment", place / "frozen.py", "--workers", 0, "--overfit", 4) != 0
    assert "cannot learn them by heart" in capsys.readouterr().err


@pytest.mark.slow
def test_mini_clips_tells_actions_apart_on_matches_that_it_has_not_seen(tmp_path, capsys):
    make_clips(tmp_path / "data", ClipSetConfig(clips=4000, seed=1, rate=Fraction(10)))
    assert run(tmp_path, "train", "--experiment", "mini_clips") == 0
    assert run(tmp_path, "predict", "--experiment", "mini_clips") == 0
    capsys.readouterr()
    assert run(tmp_path, "evaluate", "--experiment", "mini_clips", "--side", "valid,test") == 0
    scores = json.loads((tmp_path / "runs" / "mini_clips" / "evaluation.json").read_text())["scores"]
    with (tmp_path / "runs" / "mini_clips" / "fold_0" / "log.csv").open() as file:
        seconds = sum(float(row["seconds"]) for row in csv.DictReader(file))
    print(f"macro F1 {scores['macro']['f1']:.3f} of {scores['num_samples']} clips, training {seconds:.0f} s")
    assert scores["macro"]["f1"] >= 0.85
    assert scores["majority"]["accuracy"] < 0.4
