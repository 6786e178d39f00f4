import logging

import pytest

from bvas.errors import ConfigError
from bvas.loading import mix


def test_auto_leaves_one_core_to_the_training_step_and_says_what_it_picked(monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="bvas.loading.mix")
    monkeypatch.setattr(mix, "num_cpus", lambda: 4)
    monkeypatch.setattr(mix, "_has_nvdec", lambda: False)
    assert mix.choose_workers("auto", 100) == {"pyav": 3}
    assert "{'pyav': 3}, for 4 CPU cores" in caplog.text


def test_auto_counts_on_the_cores_that_it_is_given(monkeypatch):
    monkeypatch.setattr(mix, "num_cpus", lambda: 64)
    monkeypatch.setattr(mix, "_has_nvdec", lambda: False)
    assert mix.choose_workers("auto", 100, 8) == {"pyav": 7}


def test_auto_on_one_core_still_has_a_worker(monkeypatch):
    monkeypatch.setattr(mix, "num_cpus", lambda: 1)
    monkeypatch.setattr(mix, "_has_nvdec", lambda: False)
    assert mix.choose_workers("auto", 100) == {"pyav": 1}


def test_auto_takes_no_more_workers_than_clips_are_under_way(monkeypatch):
    monkeypatch.setattr(mix, "num_cpus", lambda: 64)
    monkeypatch.setattr(mix, "_has_nvdec", lambda: False)
    assert mix.choose_workers("auto", 8) == {"pyav": 8}


def test_auto_mixes_both_kinds_where_nvdec_works(monkeypatch):
    monkeypatch.setattr(mix, "num_cpus", lambda: 16)
    monkeypatch.setattr(mix, "_has_nvdec", lambda: True)
    assert mix.choose_workers("auto", 100) == {"nvdec": 3, "pyav": 8}


def test_a_count_of_none_is_left_out():
    assert mix.choose_workers({"nvdec": 0, "pyav": 2}, 8) == {"pyav": 2}
    assert mix.choose_workers(0, 8) == {}


def test_an_unknown_backend_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"'cuda': 1 is no number.*nvdec, opencv, pyav"):
        mix.choose_workers({"cuda": 1}, 8)
