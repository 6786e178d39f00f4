"""Processes that train one model together. They are few: each takes seconds to import torch."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from parallel_program import train
from synchronized_program import SHARES, weights_after_a_step
from tiny import TINY_CONFIG

from bvas.errors import ConfigError
from bvas.experiment.checkpoint import load_checkpoint
from bvas.system.devices import use_device
from bvas.training.distributed import World, is_launched, rank_device

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]


def environment(**more):
    tests = Path(__file__).parents[1]
    path = [str(tests.parent), str(tests), str(Path(__file__).parent)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "OMP_NUM_THREADS": "1", **more}


def largest_difference(one, other):
    assert one.keys() == other.keys()
    return max((one[name].float() - other[name].float()).abs().max().item() for name in one)


@pytest.fixture(scope="module")
def trained(league, tmp_path_factory):
    """Return the folder of runs by two ranks and by one process, and the weights that all began with."""
    runs = tmp_path_factory.mktemp("runs")
    program = str(Path(__file__).with_name("parallel_program.py"))
    with subprocess.Popen(
        [*TORCHRUN, program, str(league), str(runs)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            began = train("alone", league, runs)
        finally:
            torch.set_num_threads(threads)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return runs, began


def weights(runs, name):
    return load_checkpoint(runs / name / "fold_0/model.safetensors").state


@pytest.mark.slow
def test_two_ranks_reach_the_weights_of_one_process(trained):
    runs, began = trained
    alone, together = weights(runs, "alone"), weights(runs, "averaged")
    assert largest_difference(began, alone) > 1e-2
    assert largest_difference(alone, together) < 1e-5


@pytest.mark.slow
def test_without_averaged_gradients_they_do_not(trained):
    runs, _ = trained
    assert largest_difference(weights(runs, "alone"), weights(runs, "apart")) > 1e-3


@pytest.mark.slow
def test_two_ranks_log_the_figures_of_one_process(trained):
    runs, _ = trained
    alone, together = (
        list(csv.DictReader((runs / name / "fold_0/log.csv").read_text().splitlines()))
        for name in ("alone", "averaged")
    )
    assert len(alone) == len(together) == 2
    for name in ("train_loss", "val_loss", "val_average_precision"):
        for one, two in zip(alone, together, strict=True):
            assert float(one[name]) == pytest.approx(float(two[name]), abs=1e-5)
    # One of the ranks writes.
    assert len(list((runs / "averaged/fold_0/tensorboard").iterdir())) == 1


@pytest.fixture
def workplace(league, tmp_path):
    (tmp_path / "data").symlink_to(league)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/tiny.py").write_text(TINY_CONFIG.replace("epochs=2", "epochs=500"))
    return tmp_path


@pytest.mark.slow
def test_an_error_of_one_rank_ends_the_others(workplace):
    # Rank 1 finds no data; rank 0 waits for it in a collective call.
    (workplace / "data").rename(workplace / "data-0")
    command = f"exec {sys.executable} -m bvas.train --experiment tiny --folds 0 --data data-$RANK"
    ended = subprocess.run(
        [*TORCHRUN, "--no-python", "sh", "-c", command],
        cwd=workplace,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert "no folder data-1" in ended.stderr
    assert not (workplace / "runs/tiny/fold_0/model.safetensors").exists()


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["a killed rank", "a killed launcher", "Ctrl-C"])
def test_nothing_is_left_of_ranks_when_one_ends(workplace, ending):
    process = subprocess.Popen(
        [*TORCHRUN, "-m", "bvas.train", "--experiment", "tiny", "--folds", "0", "--workers", "1"],
        cwd=workplace,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        log = workplace / "runs/tiny/fold_0/log.csv"
        deadline = time.monotonic() + 90
        while not log.exists() and time.monotonic() < deadline:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.1)
        family = psutil.Process(process.pid).children(recursive=True)
        ranks = psutil.Process(process.pid).children()
        assert len(ranks) == 2
        if ending == "a killed rank":
            ranks[1].kill()
        elif ending == "a killed launcher":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        _, alive = psutil.wait_procs(family, timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode != 0
    assert alive == []
    assert not (workplace / "runs/tiny/fold_0/model.safetensors").exists()


PLACE = {
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "4",
    "MASTER_ADDR": "host",
    "MASTER_PORT": "29500",
}


def test_several_processes_are_those_that_torchrun_starts():
    assert is_launched(PLACE)
    assert not is_launched({})
    assert not is_launched({"RANK": "0", "WORLD_SIZE": "1"})
    incomplete = {name: value for name, value in PLACE.items() if name not in ("LOCAL_RANK", "MASTER_PORT")}
    with pytest.raises(
        ConfigError, match="without LOCAL_RANK, MASTER_PORT; start several processes by torchrun"
    ):
        is_launched(incomplete)


def test_each_process_of_a_host_takes_its_own_gpu(monkeypatch):
    assert rank_device("cpu", PLACE).type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert rank_device("auto", PLACE) == rank_device("cuda", PLACE) == torch.device("cuda", 1)
    with pytest.raises(ConfigError, match="use --device cuda"):
        rank_device("cuda:2", PLACE)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match="4 processes on a machine of 2 GPUs"):
        rank_device("auto", PLACE)


def test_a_gpu_named_by_number_becomes_the_current_one(monkeypatch):
    current = []
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    for name in ("cpu", "cuda", "cuda:1"):
        use_device(torch.device(name))
    assert current == [torch.device("cuda", 1)]


def test_ranks_share_the_cores_of_their_host(monkeypatch):
    monkeypatch.setattr("bvas.training.distributed.free_cores", lambda: 12)
    cpu = torch.device("cpu")
    assert World(rank=5, size=8, local_size=4, device=cpu).cpus == 3
    assert World(device=cpu).cpus == 12
    assert World(device=cpu, local_size=20).cpus == 1


def test_synchronized_batchnorm_is_refused_on_cpus_and_nothing_for_one_process():
    model = torch.nn.BatchNorm2d(1)
    cpu = torch.device("cpu")
    assert World(device=cpu).synchronized(model) is model
    with pytest.raises(ConfigError, match="sync_batchnorm needs GPUs"):
        World(rank=0, size=2, local_size=2, device=cpu).synchronized(model)


@pytest.mark.gpu
def test_synchronized_batchnorm_makes_a_step_of_two_ranks_that_of_one(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    program = str(Path(__file__).with_name("synchronized_program.py"))
    ranks = [
        subprocess.Popen(
            [sys.executable, program, str(rank), str(tmp_path / "store"), str(tmp_path / "weights.pt")],
            env=environment(),
        )
        for rank in range(2)
    ]
    assert [rank.wait(timeout=120) for rank in ranks] == [0, 0]
    together = torch.load(tmp_path / "weights.pt", weights_only=True)
    gpu = World(device=torch.device("cuda", 0))
    alone, one_share = (weights_after_a_step(gpu, share) for share in (slice(None), SHARES[0]))
    # The statistics of a share are others; those of both are those of the whole.
    assert largest_difference(alone, one_share) > 1e-2
    assert largest_difference(alone, together) < 1e-4
