"""Several folds at once, through the command that a user types."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from tiny import TINY_CONFIG, TINY_LEAGUE

from bvas.cli import main
from bvas.commands.console import DONE_IN_PART, INTERRUPTED, OK, WRONG_INPUT
from bvas.experiment.checkpoint import load_checkpoint
from bvas.synthetic.league import make_league

TRAIN = ["train", "--experiment", "tiny", "--workers", "0", "--quiet"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with a league of three folds and a config."""
    folder = tmp_path_factory.mktemp("workplace")
    make_league(folder / "data", replace(TINY_LEAGUE, matches=3, challenge_matches=0, minutes=0.2), jobs=1)
    (folder / "configs").mkdir()
    (folder / "configs/tiny.py").write_text(TINY_CONFIG)
    return folder


@pytest.fixture
def one_thread():
    """As many as each of two jobs has on two cores, for sums are cut into as many parts."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.parametrize("folds", ["0,1", "0,1,2"])
def test_folds_at_once_are_those_one_after_the_other_and_one_that_fails_stops_no_other(
    workplace, monkeypatch, one_thread, capsys, folds
):
    monkeypatch.chdir(workplace)
    runs = workplace / f"runs_{folds[-1]}"
    left = runs / "tiny/fold_1/log.csv"
    left.parent.mkdir(parents=True)
    left.write_text("of a run that is gone")
    assert main([*TRAIN, "--folds", folds, "--jobs", "2", "--runs", runs.name]) == DONE_IN_PART
    good = [int(fold) for fold in folds.split(",") if fold != "1"]
    assert main([*TRAIN, "--folds", ",".join(map(str, good)), "--runs", "one_by_one"]) == OK

    (failed,) = json.loads((runs / "tiny/failed_folds.json").read_text())["failed"].items()
    assert failed[0] == "1"
    assert "holds log.csv of a run whose state training_state.pt is missing" in failed[1]
    error = capsys.readouterr().err
    assert f"fold 1 failed: {failed[1]}" in error
    assert f"1 of {len(good) + 1} folds failed (1), see {runs.name}/tiny/failed_folds.json" in error
    assert left.read_text() == "of a run that is gone"
    for fold in good:
        at_once, alone = (
            load_checkpoint(place / f"tiny/fold_{fold}/model.safetensors").state
            for place in (runs, workplace / "one_by_one")
        )
        assert at_once.keys() == alone.keys()
        assert all(torch.equal(at_once[name], alone[name]) for name in at_once)


def test_a_number_of_jobs_that_is_none_is_refused(workplace, monkeypatch, capsys):
    monkeypatch.chdir(workplace)
    assert main([*TRAIN, "--jobs", "0"]) == WRONG_INPUT
    assert "--jobs must be at least 1" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["a kill", "Ctrl-C"])
def test_no_job_outlives_the_command(workplace, tmp_path, ending):
    config = tmp_path / "endless.py"
    config.write_text(TINY_CONFIG.replace("epochs=2", "epochs=500"))
    command = [sys.executable, "-m", "bvas", "train", "--experiment", str(config), "--folds", "0,1"]
    process = subprocess.Popen(
        [*command, "--jobs", "2", "--workers", "1", "--runs", str(tmp_path / "runs")],
        cwd=workplace,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        # Both have begun, and have a loader process each.
        deadline = time.monotonic() + 90
        family = []
        while len(family) < 4 and time.monotonic() < deadline:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.1)
            # A child may end while its command line is read.
            with suppress(psutil.NoSuchProcess):
                family = [
                    child
                    for child in psutil.Process(process.pid).children(recursive=True)
                    if "resource_tracker" not in " ".join(child.cmdline())
                ]
        assert len(family) == 4
        if ending == "a kill":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGINT)
        _, error = process.communicate(timeout=30)
        _, alive = psutil.wait_procs(family, timeout=10)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert alive == []
    if ending == "Ctrl-C":
        assert process.returncode == INTERRUPTED
        assert "interrupted" in error
        assert "Traceback" not in error
