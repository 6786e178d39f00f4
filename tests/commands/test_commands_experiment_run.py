"""Stages one after another, through the command that a user types."""

import json
import shutil
from dataclasses import replace

import pytest
from tiny import TINY_CONFIG, TINY_LEAGUE

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.synthetic.league import make_league

SECOND = """
from dataclasses import replace

from bvas.experiment.experiment import load_experiment


def experiment():
    tiny = load_experiment("tiny")
    return replace(tiny, train=replace(tiny.train, start_from="tiny", hard_negatives_from="tiny", epochs=1))
"""


@pytest.fixture(scope="module")
def league(tmp_path_factory):
    folder = tmp_path_factory.mktemp("league")
    make_league(folder, replace(TINY_LEAGUE, minutes=0.12, challenge_matches=0), jobs=1)
    return folder


@pytest.fixture
def there(league, tmp_path, monkeypatch):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "tiny.py").write_text(TINY_CONFIG.replace("epochs=2", "epochs=1"))
    (tmp_path / "configs" / "second.py").write_text(SECOND)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(league, *options):
    return main(["experiment", "run", *options, "--data", str(league), "--workers", "0", "--quiet"])


def files(folder):
    """Return when the weights and results below a folder were written."""
    return {
        path.relative_to(folder): path.stat().st_mtime_ns
        for pattern in ("model.safetensors", "results_spotting.json")
        for path in folder.rglob(pattern)
    }


@pytest.mark.slow
def test_a_chain_trains_predicts_and_scores_skips_what_is_finished_and_makes_what_is_missing(
    league, there, capsys
):
    assert run(league, "tiny,second", "--seeds", "4") == OK

    out = capsys.readouterr().out
    assert "second over tiny: " in out
    figures = json.loads((there / "runs/experiment_run.json").read_text())
    assert (figures["stages"], figures["seeds"]) == (["tiny", "second"], [4])
    assert [summary["values"] for summary in figures["summary"]] == [2, 2]
    folder = there / "runs/seed_4"
    first = files(folder)
    # Two stages of two folds: weights and a match each. 4 is not the config's seed.
    assert len(first) == len(files(there / "runs")) == 8
    evaluation = json.loads((folder / "second/evaluation.json").read_text())
    (pooled,) = [
        score["official_map_at_1_pooled"] for score in figures["scores"] if score["stage"] == "second"
    ]
    assert evaluation["official_map_at_1"] == pooled

    # As an interruption leaves it: one fold is not trained, another not predicted.
    shutil.rmtree(folder / "second/fold_1")
    lost = next(path for path in first if path.parts[0] == "tiny" and "cv" in path.parts)
    (folder / lost).unlink()
    assert run(league, "tiny,second", "--seeds", "4") == OK
    second = files(folder)
    assert second.keys() == first.keys()
    made = {path for path in first if second[path] != first[path]}
    assert lost in made
    assert sorted(path.parts[0] for path in made) == ["second", "second", "tiny"]
    # What was made again is what it was.
    assert capsys.readouterr().out == out


def test_a_chain_that_cannot_work_says_so_before_it_trains(league, there, capsys):
    assert run(league, "second,tiny") == WRONG_INPUT
    assert "second builds on tiny, which must stand before it" in capsys.readouterr().err
    assert run(league, "second") == WRONG_INPUT
    assert "make it first: bvas train --experiment tiny" in capsys.readouterr().err
    assert run(league, "tiny", "--seeds", "0;1") == WRONG_INPUT
    assert "seeds must be numbers like 0,1, got '0;1'" in capsys.readouterr().err
    assert not (there / "runs").exists()


def test_a_missing_league_names_the_command_that_makes_it(there, capsys):
    for name, task in (("mini_ball_base", "ball"), ("mini_action_pretrain", "action")):
        assert main(["experiment", "run", name, "--data", "no where", "--quiet"]) == WRONG_INPUT
        assert f"make it: bvas data synth --out 'no where' --task {task} " in capsys.readouterr().err
