import json
import shutil
from dataclasses import replace

import pytest
from tiny import TINY_CONFIG, TINY_LEAGUE

from bvas.cli import main
from bvas.experiment.checkpoint import load_checkpoint
from bvas.synthetic.league import make_league

TRAIN = ["train", "--experiment", "tiny.py", "--folds", "0", "--workers", "0", "--quiet"]


@pytest.fixture
def leaky(tmp_path, monkeypatch):
    """A working folder with a league in which the second match has the first half of the first."""
    monkeypatch.chdir(tmp_path)
    config = TINY_CONFIG.replace("epochs=2", "epochs=1").replace("clips_per_epoch=8", "clips_per_epoch=4")
    (tmp_path / "tiny.py").write_text(config)
    make_league(tmp_path / "data", replace(TINY_LEAGUE, challenge_matches=0, minutes=0.2), jobs=1)
    first, second = (sorted(match.glob("1_*"))[0] for match in sorted((tmp_path / "data").glob("*/*/*/*")))
    shutil.copy(first, second)
    return tmp_path


def test_training_refuses_siblings_before_it_begins(leaky, capsys):
    assert main(TRAIN) == 2
    error = capsys.readouterr().err
    assert "1 pair of samples in different folds or splits are one" in error
    assert "(fold 0) and " in error
    assert "(fold 1): same content" in error
    assert "--allow-siblings" in error
    assert not (leaky / "runs/tiny/fold_0").exists()
    assert main(["experiment", "run", "tiny.py", "--quiet"]) == 2
    assert "same content" in capsys.readouterr().err


@pytest.mark.slow
def test_with_allow_siblings_the_run_and_its_weights_record_them(leaky):
    assert main([*TRAIN, "--allow-siblings"]) == 0
    folder = leaky / "runs/tiny/fold_0"
    facts = json.loads((folder / "environment.json").read_text())
    assert facts["siblings"] == "1"
    assert "same content" in facts["first_siblings"]
    assert load_checkpoint(folder / "model.safetensors").facts["siblings"] == "1"
