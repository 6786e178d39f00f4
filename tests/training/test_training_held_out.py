"""Validation between epochs: where its clips are kept, and that it comes to the same figures wherever they are."""

import logging
import re

import pytest
import torch
from training_tiny import restless_experiment

from bvas.data.matches import find_matches
from bvas.training import validation_clips as held_out
from bvas.training.fold import run_fold
from bvas.training.resume import METRICS_NAME
from bvas.training.validation_clips import place_to_keep

CPU = torch.device("cpu")


@pytest.mark.parametrize(("num_bytes", "is_kept"), [(500, True), (501, False)])
def test_half_of_what_is_free_may_be_taken(monkeypatch, caplog, num_bytes, is_kept):
    caplog.set_level(logging.INFO, logger="bvas.training.validation_clips")
    monkeypatch.setattr(held_out, "free_memory", lambda: 1000)

    assert place_to_keep(num_bytes, CPU) == (CPU if is_kept else None)
    assert len(caplog.records) == 1
    assert ("are read once and kept in main memory" in caplog.text) == is_kept
    assert ("are read by the loader's workers in each epoch" in caplog.text) == (not is_kept)


def test_processes_of_one_host_share_what_is_free(monkeypatch):
    monkeypatch.setattr(held_out, "free_memory", lambda: 4000)

    assert place_to_keep(500, CPU, sharing=4) == CPU
    assert place_to_keep(501, CPU, sharing=4) is None


@pytest.mark.parametrize(
    ("free_on_gpu", "free", "kept_in"), [(1000, 0, "cuda"), (999, 1000, "cpu"), (999, 999, None)]
)
def test_the_memory_of_the_gpu_comes_first(monkeypatch, caplog, free_on_gpu, free, kept_in):
    caplog.set_level(logging.INFO, logger="bvas.training.validation_clips")
    monkeypatch.setattr(held_out, "free_memory", lambda: free)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free_on_gpu, 2000))

    place = place_to_keep(500, torch.device("cuda", 0))

    assert (place and place.type) == kept_in
    assert "of the GPU's memory free" in caplog.text


def test_clips_are_read_in_each_epoch_where_the_system_does_not_say_what_is_free(monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="bvas.training.validation_clips")
    monkeypatch.setattr(held_out, "free_memory", lambda: None)

    assert place_to_keep(1, CPU) is None
    assert "free memory unknown" in caplog.text


def test_figures_are_the_same_to_the_bit_wherever_the_clips_are_read_and_kept(
    league, tmp_path, monkeypatch, caplog
):
    caplog.set_level(logging.INFO, logger="bvas.training.validation_clips")
    experiment = restless_experiment(validation_clips=12, warmup_epochs=0, save_minutes=10.0)
    matches = find_matches(experiment.task, league)
    found = []
    for name, workers, free in (("here", {}, 2**40), ("kept", {"pyav": 1}, 2**40), ("again", {"pyav": 1}, 0)):
        monkeypatch.setattr(held_out, "free_memory", lambda free=free: free)
        options = {"runs": tmp_path / name, "device": CPU, "workers": workers}
        model = run_fold(experiment, 0, matches, **options)
        metrics = (model.parent / METRICS_NAME).read_text()
        log = (model.parent / "log.csv").read_text().splitlines()
        column = log[0].split(",").index("val_loss")
        found.append(
            (re.findall(r'"val_\w+": [^,}\s]+', metrics), [row.split(",")[column] for row in log[1:]])
        )

    assert found[0][0]
    assert found[0] == found[1] == found[2]
    assert caplog.text.count("read once and kept") == 2
    assert caplog.text.count("in each epoch") == 1
