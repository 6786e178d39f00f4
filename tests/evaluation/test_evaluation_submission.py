"""Zips for SoccerNet's server: complete, in its layout, and read back by its own code."""

import json
import zipfile

import pytest
from ball_league import league_matches, make_data

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.data.action import action_task
from bvas.data.ball12 import BALL12_LABELS
from bvas.errors import ConfigError, DataError
from bvas.evaluation.submission import official_task
from bvas.results.store import RESULTS_NAME, write_results
from bvas.values.annotations import LabelSet, Spot

SPOTS = [Spot("PASS", 12.36, 0.8312), Spot("DRIVE", 12.36, 0.01), Spot("PASS", 2700.04, 0.5)]
ZIP = "runs/ball_base/submission_challenge.zip"


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """Data with two halves a challenge match, and predictions of ball_base for both."""
    monkeypatch.chdir(tmp_path)
    make_data(tmp_path / "data")
    for match in challenge(tmp_path):
        (match.folder / "2_720p.mkv").touch()
        predict(tmp_path, match, {1: SPOTS, 2: SPOTS[:1]})
    return tmp_path


def challenge(workplace):
    return [match for _, match in league_matches(workplace / "data") if match.fold is None]


def predict(workplace, match, spots, split="challenge"):
    path = workplace / "runs/ball_base/predictions" / split / match.name / RESULTS_NAME
    write_results(path, match.name, spots, rate=25.0)
    return path


def refused(workplace, capsys, *words):
    assert main(["experiment", "submit", "ball_base", *words]) == WRONG_INPUT
    assert list(workplace.rglob("*.zip")) == []
    assert list(workplace.rglob("*.part*")) == []
    return capsys.readouterr().err.strip()


def test_the_zip_holds_the_results_of_each_match_by_league_season_and_match(workplace, capsys):
    assert main(["experiment", "submit", "ball_base"]) == OK

    with zipfile.ZipFile(workplace / ZIP) as archive:
        names = archive.namelist()
        content = json.loads(archive.read(names[0]))
    assert names == [
        "england_efl/2019-2020/2019-10-02 - Cardiff City - Queens Park Rangers/results_spotting.json",
        "england_efl/2019-2020/2019-10-01 - Wigan Athletic - Birmingham City/results_spotting.json",
    ]
    assert [entry["position"] for entry in content["predictions"]] == ["12360", "12360", "2700040", "12360"]
    out = capsys.readouterr().out.splitlines()
    assert out[0].split()[:2] == ["4", "predictions"]
    assert out[-1] == f"submission in {ZIP}"


def test_the_same_predictions_make_the_same_zip(workplace):
    assert main(["experiment", "submit", "ball_base"]) == OK
    assert main(["experiment", "submit", "ball_base", "--out", "again.zip"]) == OK

    assert (workplace / ZIP).read_bytes() == (workplace / "again.zip").read_bytes()


def test_the_official_package_reads_it_back(workplace, capsys):
    pytest.importorskip("SoccerNet.Evaluation.ActionSpotting")
    assert main(["experiment", "submit", "ball_base"]) == OK
    assert "read back by the SoccerNet package: as written" in capsys.readouterr().out


def test_without_the_package_our_reader_does(workplace, capsys, monkeypatch):
    monkeypatch.setattr("bvas.evaluation.submission._official_reader", lambda: None)
    assert main(["experiment", "submit", "ball_base"]) == OK
    assert "read back by our reader (the SoccerNet package is not installed)" in capsys.readouterr().out


@pytest.mark.parametrize("reader", ["package", "ours"])
def test_a_zip_that_reads_back_otherwise_is_not_kept(workplace, capsys, monkeypatch, reader):
    if reader == "package":
        package = pytest.importorskip("SoccerNet.Evaluation.ActionSpotting")
        vectors = package.predictions2vector
        # A reader that takes halves for one another.
        monkeypatch.setattr(package, "predictions2vector", lambda *a, **k: vectors(*a, **k)[::-1])
    else:
        monkeypatch.setattr("bvas.evaluation.submission._official_reader", lambda: None)
        writestr = zipfile.ZipFile.writestr
        monkeypatch.setattr(
            zipfile.ZipFile, "writestr", lambda s, n, data: writestr(s, n, data.replace(b"12360", b"12400"))
        )

    assert "the zip does not read back as it was written" in refused(workplace, capsys)


def test_everything_that_is_missing_is_listed_and_no_zip_is_written(workplace, capsys):
    cardiff, wigan = challenge(workplace)
    predict(workplace, cardiff, {1: SPOTS})
    (workplace / "runs/ball_base/predictions/challenge" / wigan.name / RESULTS_NAME).unlink()

    message = refused(workplace, capsys)

    assert message == (
        "bvas experiment submit: 2 without predictions in runs/ball_base/predictions/challenge, and no zip is "
        f"written: '{cardiff.name}', half 2; '{wigan.name}' (no results_spotting.json); make them first: bvas "
        "predict --experiment ball_base --challenge"
    )


def test_an_old_zip_stays_when_a_new_one_fails(workplace, capsys):
    assert main(["experiment", "submit", "ball_base"]) == OK
    before = (workplace / ZIP).read_bytes()
    predict(workplace, challenge(workplace)[0], {1: SPOTS})

    assert main(["experiment", "submit", "ball_base"]) == WRONG_INPUT
    assert (workplace / ZIP).read_bytes() == before


def test_predictions_that_soccernet_would_not_count_are_refused(workplace, capsys):
    match = challenge(workplace)[0]
    predict(workplace, match, {1: [*SPOTS, Spot("KICK", 3.0, 0.4)], 2: SPOTS})
    assert "1 of unknown label 'KICK' left out" in refused(workplace, capsys)

    predict(workplace, match, {1: SPOTS, 2: SPOTS, 3: SPOTS})
    assert "3 of half 3 left out" in refused(workplace, capsys)

    path = predict(workplace, match, {1: SPOTS, 2: SPOTS})
    path.write_text(path.read_text().replace('"0.500000"', '"nan"'))
    assert "needs 'confidence', a finite number, got 'nan'" in refused(workplace, capsys)


def test_the_test_matches_are_taken_from_the_out_of_fold_predictions(workplace):
    for _, match in league_matches(workplace / "data"):
        if match.is_test:
            predict(workplace, match, {1: SPOTS}, split="cv")

    assert main(["experiment", "submit", "ball_base", "--test"]) == OK

    with zipfile.ZipFile(workplace / "runs/ball_base/submission_test.zip") as archive:
        assert [name.split(" - ")[1] for name in archive.namelist()] == ["Stoke City", "Reading"]


def test_without_challenge_matches_there_is_nothing_to_submit(workplace, capsys):
    (workplace / "configs").mkdir()
    (workplace / "configs/found.py").write_text(
        "from dataclasses import replace\nfrom bvas.experiment.experiment import load_experiment\n"
        "def experiment():\n    base = load_experiment('ball_base')\n"
        "    return replace(base, task=replace(base.task, folds=(), num_folds=2, challenge=(), test=()))\n"
    )
    for match in challenge(workplace):
        (match.folder / "Labels-ball.json").write_text('{"annotations": []}')

    assert main(["experiment", "submit", "found"]) == WRONG_INPUT
    assert "nothing to submit: no challenge match in data/spotting-ball-2023" in capsys.readouterr().err
    assert main(["experiment", "submit", "ball_base", "--out", "x.tar"]) == WRONG_INPUT
    assert "--out must end in .zip" in capsys.readouterr().err


def test_labels_belong_to_the_smallest_challenge_that_knows_them():
    assert len(official_task(LabelSet(("PASS", "DRIVE"))).labels) == 2
    assert len(official_task(LabelSet(BALL12_LABELS[:3])).labels) == 12
    assert official_task(LabelSet(("Foul", "Corner"))).rate == 2
    with pytest.raises(ConfigError, match="'KICK' is not one of SoccerNet's"):
        official_task(LabelSet(("PASS", "KICK")))
    with pytest.raises(ConfigError, match="PASS, Foul belong to different challenges"):
        official_task(LabelSet(("PASS", "Foul")))
    with pytest.raises(ConfigError, match="'Card' stands for Yellow card, Red card, Yellow->red card"):
        official_task(action_task().labels)


def test_a_match_without_league_and_season_is_refused(workplace, capsys):
    from dataclasses import replace
    from pathlib import Path

    from bvas.evaluation.submission import write_submission
    from bvas.experiment.experiment import load_experiment

    match = replace(challenge(workplace)[0], name="final")
    with pytest.raises(DataError, match="'final' is not called like league/season/match"):
        write_submission(load_experiment("ball_base"), [match], Path("runs"), Path("x.zip"))
